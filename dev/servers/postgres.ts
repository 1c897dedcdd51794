/** PostgreSQL from the machine's own packages, without a container; a cluster lives as long as this process. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from './ports.ts';
import { quoted, startProgram } from './processes.ts';

const run = promisify(execFile);

/** Debian has a folder for every version here. */
const DEBIAN = '/usr/lib/postgresql';
const PROGRAMS = ['postgres', 'initdb', 'pg_ctl', 'psql', 'pg_dump'];

/** Every Unix has this user, who owns nothing. */
const NOBODY = 65_534;
// PostgreSQL refuses to run as root.
const asUser = process.getuid?.() === 0 ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];

/** A PostgreSQL cluster on this machine that answers. */
export interface Postgres {
  /** `postgres://user:password@host:port` of a superuser. */
  url: string;
  /** Ends it and deletes its files. */
  close(): Promise<void>;
}

/** The folder of PostgreSQL's programs: one on the PATH, otherwise Debian's newest. The error says what to install. */
async function findPostgres(): Promise<string> {
  const versions = (await readdir(DEBIAN).catch(() => [])).sort((a, b) => Number(b) - Number(a));
  const folders = [
    ...(process.env['PATH'] ?? '').split(':'),
    ...versions.map((version) => join(DEBIAN, version, 'bin')),
  ];
  for (const folder of folders) {
    // Debian puts psql on the PATH, but not all of them.
    const programs = PROGRAMS.map((program) => access(join(folder, program)));
    if ((await Promise.allSettled(programs)).every(({ status }) => status === 'fulfilled')) return folder;
  }
  throw new Error(
    `No PostgreSQL was found, neither on the PATH nor in ${DEBIAN}/*/bin: ${PROGRAMS.join(', ')} are needed. ` +
      'Install it (Debian, Ubuntu: apt-get install postgresql).',
  );
}

/**
 * Starts a new PostgreSQL cluster on loopback, and resolves when it answers. It ends with this process at the latest,
 * and leaves nothing behind. Throws if there is no PostgreSQL, or, with its output, if it does not start.
 */
export async function startPostgres(): Promise<Postgres> {
  const bin = await findPostgres();
  const folder = await mkdtemp(join(tmpdir(), 'postgres-'));
  const data = join(folder, 'data');
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const password = randomBytes(16).toString('hex');
    await writeFile(join(folder, 'password'), password, { mode: 0o600 });
    if (asUser.length > 0)
      await Promise.all([folder, join(folder, 'password')].map((path) => chown(path, NOBODY, NOBODY)));
    const [initdb, ...how] = [...asUser, join(bin, 'initdb'), `--pgdata=${data}`, `--pwfile=${folder}/password`];
    how.push('--username=temporal', '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C');
    await run(initdb, how, { cwd: folder });
    const [port] = (await freePorts(1)) as [number];
    const settings = [
      ...['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories='],
      // Every Temporal server in a test opens up to 30.
      'max_connections=400',
    ];
    const [postgres, ...args] = [...asUser, join(bin, 'postgres'), '-D', data];
    const stop = [...asUser, join(bin, 'pg_ctl'), 'stop', '--mode=immediate', `--pgdata=${data}`];
    const server = startProgram(postgres, [...args, ...settings.map((setting) => `--${setting}`)], {
      cwd: folder,
      // SIGKILL would leave shared memory behind.
      lastWill: `${stop.map(quoted).join(' ')}; rm -rf ${quoted(folder)}`,
    });
    async function close() {
      // An immediate shutdown: nobody needs its data.
      server.signal('SIGQUIT');
      await server.exited;
      await remove();
    }
    try {
      await server.waitFor(/ready to accept connections/);
    } catch (error) {
      await close();
      throw error;
    }
    return { url: `postgres://temporal:${password}@127.0.0.1:${port}`, close };
  } catch (error) {
    await remove();
    throw error;
  }
}

/**
 * Runs statements, each in its own transaction, in a database of the cluster at `url`; returns the rows, one per line.
 */
export async function sql(url: string, database: string, ...statements: string[]): Promise<string> {
  const psql = join(await findPostgres(), 'psql');
  const commands = statements.flatMap((statement) => ['--command', statement]);
  const how = ['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '--set=ON_ERROR_STOP=1'];
  const { stdout } = await run(psql, [...how, ...commands, `${url}/${database}`]);
  return stdout.trim();
}

/** All rows of a database of the cluster at `url`; binary values come as bytes. */
export async function dump(url: string, database: string): Promise<Buffer> {
  const pgDump = join(await findPostgres(), 'pg_dump');
  const { stdout } = await run(pgDump, ['--data-only', `${url}/${database}`], { maxBuffer: 2 ** 30 });
  return Buffer.from(
    stdout.replaceAll(/\\\\x([0-9a-f]*)/g, (_, hex: string) => Buffer.from(hex, 'hex').toString('latin1')),
    'latin1',
  );
}
