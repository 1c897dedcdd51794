/** Temporal's server on PostgreSQL without containers, set up as in docker-compose.yml. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { composeScript } from './compose.ts';
import { answers, findTemporal, UNTHROTTLED, type DevServer, type DevServerOptions } from './dev-server.ts';
import { freeBlock } from './ports.ts';
import { sql } from './postgres.ts';
import { quoted, startProgram, type Program } from './processes.ts';
import { findTemporalServer } from './temporal-server-build.ts';

const run = promisify(execFile);

/** As in docker-compose.yml. */
export const SHARDS = 128;

const DATABASES = ['temporal', 'temporal_visibility'] as const;

/** The databases of the server at a port that `startTemporalServer` has started. */
export const databasesAt = (port: number): string[] => DATABASES.map((name) => `${name}_${port}`);

// In this order, starting with the server's own port.
const PORTS = ['FRONTEND_GRPC', 'FRONTEND_HTTP', 'FRONTEND_MEMBERSHIP'].concat(
  ['HISTORY', 'MATCHING', 'WORKER'].flatMap((service) => [`${service}_GRPC`, `${service}_MEMBERSHIP`]),
);

/** The first of as many consecutive free ports as a server needs. */
export const freeServerPorts = (): Promise<number> => freeBlock(PORTS.length);

/** Settings that give a server the ports from `first` on; `first` is for gRPC. */
export const portSettings = (first: number): Record<string, string> =>
  Object.fromEntries(PORTS.map((name, index) => [`${name}_PORT`, String(first + index)]));

/**
 * Makes the databases that `startTemporalServer` copies, in the cluster at `url`: the schema and the namespace
 * `default`, with the commands of docker-compose.yml.
 */
export async function prepareDatabases(url: string): Promise<void> {
  const home = await findTemporalServer();
  const folder = await mkdtemp(join(tmpdir(), 'temporal-server-'));
  const compose = async (service: string, env: Record<string, string>) => {
    const script = (await composeScript(service)).replaceAll('/etc/temporal', home);
    const path = `${folder}:${home}:${process.env['PATH']}`;
    await run('sh', ['-euc', script], {
      env: { ...process.env, ...env, PATH: path },
      maxBuffer: 2 ** 26,
      timeout: 60_000,
    });
  };
  try {
    const temporal = await findTemporal();
    if (temporal !== 'temporal') await symlink(temporal, join(folder, 'temporal'));
    const { hostname, port, username, password } = new URL(url);
    await compose('temporal-schema', {
      ...{ SQL_PLUGIN: 'postgres12', SQL_HOST: hostname, SQL_PORT: port },
      ...{ SQL_USER: username, SQL_PASSWORD: password },
    });
    const frontend = await freeServerPorts();
    const server = await launch(url, DATABASES, frontend, folder);
    try {
      await compose('temporal-namespace', { TEMPORAL_ADDRESS: `127.0.0.1:${frontend}` });
    } finally {
      await server.stop();
    }
    // Servers on the copies would look for this one.
    await sql(url, 'temporal', 'DELETE FROM cluster_membership');
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Starts Temporal's server on loopback, with databases of its own in the cluster at `url` and the namespace `default`,
 * and resolves when it answers. It ends with this process at the latest. After `kill`, a new one with the same port
 * continues from there; `stop` drops the databases. Throws, with the server's output, if it does not start.
 */
export async function startTemporalServer(
  url: string,
  options: Pick<DevServerOptions, 'port' | 'dynamicConfig'> = {},
): Promise<DevServer> {
  const port = options.port ?? (await freeServerPorts());
  const databases = databasesAt(port);
  if (options.port === undefined) await copyDatabases(url, databases);
  const folder = await mkdtemp(join(tmpdir(), 'temporal-server-'));
  const server = await launch(url, databases, port, folder, options.dynamicConfig);
  const gone = () => rm(folder, { recursive: true, force: true });
  const address = `127.0.0.1:${port}`;
  try {
    await Promise.race([answers(address, 30_000), server.exited.then(() => Promise.reject(new Error('It ended')))]);
  } catch (error) {
    await server.kill();
    await gone();
    throw new Error(`Temporal's server did not start. Its output:\n${server.output()}`, { cause: error });
  }
  return {
    address,
    pid: server.pid,
    async stop() {
      await server.stop(10_000);
      await gone();
      await sql(url, 'postgres', ...databases.map((name) => `DROP DATABASE ${name} WITH (FORCE)`));
    },
    async kill() {
      await server.kill();
      await gone();
    },
  };
}

/** Copies what `prepareDatabases` has made. */
async function copyDatabases(url: string, copies: string[]): Promise<void> {
  await sql(url, 'postgres', ...copies.map((copy, index) => `CREATE DATABASE ${copy} TEMPLATE ${DATABASES[index]}`));
  // The server looks for the version of its schema under the name of the database.
  await Promise.all(copies.map((copy) => sql(url, copy, 'UPDATE schema_version SET db_name = current_database()')));
}

/** Starts the server on these databases with the settings of docker-compose.yml; its dynamic config is in `folder`. */
async function launch(
  url: string,
  [store, visibility]: readonly string[],
  port: number,
  folder: string,
  dynamicConfig: DevServerOptions['dynamicConfig'] = {},
): Promise<Program> {
  const home = await findTemporalServer();
  const postgres = new URL(url);
  const values = Object.entries({ ...UNTHROTTLED, ...dynamicConfig }).map(([name, value]) => [name, [{ value }]]);
  const config = join(folder, 'dynamic-config.yaml');
  await writeFile(config, JSON.stringify(Object.fromEntries(values)));
  const env = {
    DB: 'postgres12',
    POSTGRES_SEEDS: postgres.hostname,
    DB_PORT: postgres.port,
    POSTGRES_USER: postgres.username,
    POSTGRES_PWD: postgres.password,
    DBNAME: store,
    VISIBILITY_DBNAME: visibility,
    NUM_HISTORY_SHARDS: String(SHARDS),
    DYNAMIC_CONFIG_FILE_PATH: config,
    BIND_ON_IP: '127.0.0.1',
    LOG_LEVEL: 'warn',
    ...portSettings(port),
  };
  const lastWill = `rm -rf ${quoted(folder)}; kill -KILL 0`;
  return startProgram(join(home, 'temporal-server'), ['start'], { env, lastWill });
}
