/** The whole system for a test: a Temporal server, an emulator and workers, each a process of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  Client,
  Connection,
  type WorkflowHandle,
  type WorkflowHandleWithFirstExecutionRunId,
} from '@temporalio/client';
import type { DevServer, DevServerOptions } from '../../dev/servers/dev-server.ts';
import { startProgram, type Program } from '../../dev/servers/processes.ts';
import {
  JOBS_TASK_QUEUE,
  jobId,
  openSignal,
  type Failure,
  type JobInput,
  type JobResult,
  storeWorkflowId,
  failuresQuery,
} from '../../src/contract/job.ts';
import { expectThreeAtMost } from './jobs.ts';
import { registerNamespace, sharedServer, startServer } from './server.ts';

const WORKER = fileURLToPath(new URL('../../dist/worker.js', import.meta.url));

/** The stores that a system has, with their tokens. */
export const TOKENS: Record<string, string> = { abc: 'secret-token-of-abc', def: 'secret-token-of-def' };

/** Tokens for many stores, by hash. */
export const tokensOf = (stores: readonly string[]): Record<string, string> =>
  Object.fromEntries(stores.map((store) => [store, `token-of-${store}`]));

/** A job that a test has started. */
export type JobHandle = WorkflowHandleWithFirstExecutionRunId<(input: JobInput) => Promise<JobResult>>;

export interface SystemOptions {
  /** Tokens of the stores, by hash; default TOKENS. */
  tokens?: Record<string, string>;
  /** Flags of the emulator, beyond its stores. */
  emulator?: string[];
  /** A server of its own, with these options. */
  server?: DevServerOptions;
  /** A server of its own, which keeps its state over a restart. */
  durable?: boolean;
  /** Workers started at once; default 1. */
  workers?: number;
}

/** A system; what it has is there once `open` has resolved, and `close` ends all of it. */
export class System {
  readonly workers: Program[] = [];
  readonly #options: SystemOptions;
  folder!: string;
  server!: DevServer;
  /** Its own on a shared server, else `default`. */
  namespace!: string;
  emulator!: Program;
  apiUrl!: string;
  connection!: Connection;
  client!: Client;

  constructor(options: SystemOptions = {}) {
    this.#options = options;
  }

  /** Starts its parts. Throws when one of them doesn't come up; `close` ends the others. */
  async open(): Promise<void> {
    const { tokens = TOKENS, emulator: flags = [], workers = 1 } = this.#options;
    this.folder = await mkdtemp(join(tmpdir(), 'customer-updates-'));
    await writeFile(join(this.folder, 'tokens.json'), JSON.stringify(tokens), { mode: 0o600 });
    const stores = Object.entries(tokens).map(([hash, token]) => `${hash}=${token}`);
    const args = ['dist/emulator.js', '--port', '0', '--stores', stores.join(','), ...flags];
    this.emulator = startProgram(process.execPath, args);
    await this.#startServer();
    this.connection = await Connection.connect({ address: this.server.address });
    this.client = new Client({ connection: this.connection, namespace: this.namespace });
    if (this.namespace !== 'default') await registerNamespace(this.connection, this.namespace);
    this.apiUrl = /http:\/\/\S+/.exec(await this.emulator.waitFor(/ready/))?.[0] ?? '';
    await Promise.all(Array.from({ length: workers }, () => this.startWorker()));
  }

  async #startServer(port?: number): Promise<void> {
    const { server, durable } = this.#options;
    const shared = server || durable ? undefined : await sharedServer();
    this.namespace = shared ? basename(this.folder) : 'default';
    const dbFile = durable && { dbFile: join(this.folder, 'temporal.db') };
    this.server = shared ?? (await startServer({ ...server, ...dbFile, ...(port && { port }) }));
  }

  /** How programs reach its server; nothing of the machine's own settings. */
  get temporalEnv(): Record<string, string | undefined> {
    return { ...noSettings(), TEMPORAL_ADDRESS: this.server.address, TEMPORAL_NAMESPACE: this.namespace };
  }

  /** The environment of our programs. */
  get env(): Record<string, string | undefined> {
    return {
      ...this.temporalEnv,
      BIGCOMMERCE_API_URL: this.apiUrl,
      BIGCOMMERCE_TOKENS_FILE: join(this.folder, 'tokens.json'),
      JOB_STORE: `file:${this.folder}/data`,
      LOG_LEVEL: 'debug',
    };
  }

  /** Starts one more worker, with these settings on top of the system's, and waits until it polls. */
  async startWorker(settings: Record<string, string> = {}, cwd?: string, program = WORKER): Promise<Program> {
    const log = join(this.folder, `worker-${this.workers.length}.log`);
    const worker = startProgram(process.execPath, [program], { env: { ...this.env, ...settings }, cwd, log });
    this.workers.push(worker);
    await worker.waitFor(/ready/);
    return worker;
  }

  /** Kills the server of a durable system and starts it again on the same port. */
  async restartServer(): Promise<void> {
    const port = Number(this.server.address.split(':')[1]);
    await this.server.kill();
    await this.#startServer(port);
  }

  /** Workers that are up. */
  async workersUp(): Promise<Program[]> {
    const now = sleep(0).then(() => true);
    const up = await Promise.all(this.workers.map(({ exited }) => Promise.race([exited.then(() => false), now])));
    return this.workers.filter((_, index) => up[index]);
  }

  /** The worker that holds a store's lease, if it is one of ours that is up. */
  async holder(store = 'abc'): Promise<Program | undefined> {
    const { raw } = await this.client.workflow.getHandle(storeWorkflowId(store)).describe();
    const identity = raw.pendingActivities?.[0]?.lastWorkerIdentity ?? '';
    return (await this.workersUp()).find(({ pid }) => identity.startsWith(`${pid}@`));
  }

  /** Asks for a store's queue to be served, as a job does. */
  async openStore(storeHash = 'abc'): Promise<void> {
    await this.client.workflow.signalWithStart('serveStore', {
      workflowId: storeWorkflowId(storeHash),
      taskQueue: JOBS_TASK_QUEUE,
      args: [{ storeHash }],
      signal: openSignal,
    });
  }

  /** Starts a job of this name. */
  start(name: string, input: JobInput): Promise<JobHandle> {
    const workflowId = jobId(input?.storeHash, name);
    return this.client.workflow.start('updateCustomers', { workflowId, taskQueue: JOBS_TASK_QUEUE, args: [input] });
  }

  async run(name: string, input: JobInput): Promise<JobResult> {
    return (await this.start(name, input)).result();
  }

  /** Calls the emulator's control API: GET, or POST with a body. */
  async control<T = Record<string, never>>(path: string, body?: unknown): Promise<T> {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(`${this.apiUrl}/_control/${path}`, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`The emulator answers ${response.status} to ${path}: ${text}`);
    return JSON.parse(text) as T;
  }

  stats(store = 'abc'): Promise<Record<string, number>> {
    return this.control(`stats?store=${store}`);
  }

  customer(id: number, store = 'abc'): Promise<Record<string, unknown>> {
    return this.control(`customers/${store}/${id}`);
  }

  /** Ends whatever was started of it. */
  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.kill()));
    await this.connection?.close();
    await Promise.all([this.emulator?.kill(), this.server?.stop()]);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Variables that make our programs ignore the machine's own settings, profiles and `.env`. */
export function noSettings(): Record<string, string | undefined> {
  const own = Object.keys(process.env).filter((name) => /^(TEMPORAL|BIGCOMMERCE|AWS)_/.test(name));
  return {
    ...Object.fromEntries(own.map((name) => [name, undefined])),
    TEMPORAL_CONFIG_FILE: '/nonexistent',
    ENV_FILE: '',
  };
}

/** Starts a system. Throws when a part of it doesn't come up, and leaves nothing of it then. */
export async function startSystem(options?: SystemOptions): Promise<System> {
  const system = new System(options);
  try {
    await system.open();
    return system;
  } catch (error) {
    await system.close();
    throw error;
  }
}

/**
 * A system for the tests of this suite or `describe`: up before the first one. Each test finds the emulator as it was at
 * the start, and none may have sent a store more than three requests at once.
 */
export function useSystem(options?: SystemOptions): System {
  const system = new System(options);
  beforeAll(() => system.open());
  beforeEach(() => system.control('reset', {}));
  afterEach(() => expectThreeAtMost(system));
  afterAll(() => system.close());
  return system;
}

/** All failures in a job's state, page by page. */
export async function allFailures(handle: WorkflowHandle): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (let after: number | null = 0; after !== null;) {
    const page: { failures: Failure[]; next: number | null } = await handle.query(failuresQuery, { after });
    failures.push(...page.failures);
    after = page.next;
  }
  return failures;
}
