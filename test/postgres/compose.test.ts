/** The Temporal server of docker-compose.yml, its command, environment and health check, without a container. */
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { fromDebian } from '../../dev/servers/debian.ts';
import { freePorts } from '../../dev/servers/ports.ts';
import { startPostgres, type Postgres } from '../../dev/servers/postgres.ts';
import { startProgram, type Program } from '../../dev/servers/processes.ts';
import { findTemporalServer } from '../../dev/servers/temporal-server-build.ts';
import { freeServerPorts, portSettings, prepareDatabases } from '../../dev/servers/temporal-server.ts';
import { until } from '../support/until.ts';

const FILE = new URL('../../docker-compose.yml', import.meta.url);

let folder: string;
let postgres: Postgres;
let server: Program | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compose-'));
  postgres = await startPostgres();
  await prepareDatabases(postgres.url);
}, 600_000);
afterAll(async () => {
  await server?.kill();
  await postgres?.close();
  await rm(folder, { recursive: true });
});

test('the server comes up on PostgreSQL, is healthy, and serves metrics', async () => {
  const { services } = parse(await readFile(FILE, 'utf8'), { merge: true }) as {
    services: { temporal: { environment: Record<string, string>; command: string[]; healthcheck: { test: string[] } } };
  };
  const { environment, command, healthcheck } = services.temporal;
  const { hostname, port, password } = new URL(postgres.url);
  const frontend = await freeServerPorts();
  const metrics = `127.0.0.1:${(await freePorts(1))[0]}`;
  const moved = (text: string) =>
    text
      .replaceAll('/tmp/dynamic-config.yaml', join(folder, 'dynamic-config.yaml'))
      .replace('/etc/temporal/entrypoint.sh', 'temporal-server start')
      .replaceAll('$$', '$');
  // The image has another `nc`, which has this option too.
  await symlink(await fromDebian('netcat-traditional', 'bin/nc.traditional'), join(folder, 'nc'));
  const [, ...check] = healthcheck.test.map((word) => word.replace('7233', String(frontend)));
  const healthy = async () =>
    (await startProgram('env', [`PATH=${folder}:${process.env['PATH']}`, ...check]).exited).code === 0;
  expect(await healthy()).toBe(false);
  const [file = '', ...args] = command.map(moved);
  const local: Record<string, string> = { POSTGRES_SEEDS: hostname, POSTGRES_PWD: password };
  Object.assign(local, { BIND_ON_IP: '127.0.0.1', PROMETHEUS_ENDPOINT: metrics });
  server = startProgram(file, args, {
    env: {
      ...Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, local[name] ?? moved(value)])),
      ...{ DB_PORT: port, ...portSettings(frontend), PATH: `${await findTemporalServer()}:${process.env['PATH']}` },
    },
  });
  await until(healthy);
  await until(async () => (await fetch(`http://${metrics}/metrics`)).ok);
  expect(await readFile(join(folder, 'dynamic-config.yaml'), 'utf8')).toMatch(
    /^history.transferProcessorMaxPollRPS: \[\{ value: 2000 \}\]$/m,
  );
  expect(server.output()).not.toMatch(/"level":"fatal"/);
});
