/** The whole system for a test: a Temporal server, an emulator and workers, each a process of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
import { startServer } from './server.ts';

const WORKER = fileURLToPath(new URL('../../dist/worker.js', import.meta.url));

/** The stores that a system has, with their tokens. */
export const TOKENS: Record<string, string> = { abc: 'secret-token-of-abc', def: 'secret-token-of-def' };

/** A job that a test has started. */
export type JobHandle = WorkflowHandleWithFirstExecutionRunId<(input: JobInput) => Promise<JobResult>>;

export interface SystemOptions {
  /** Tokens of the stores, by hash; default TOKENS. */
  tokens?: Record<string, string>;
  /** Flags of the emulator, beyond its stores. */
  emulator?: string[];
  server?: DevServerOptions;
  /** The server keeps what it knows over a restart. */
  durable?: boolean;
  /** Workers started at once; default 1. */
  workers?: number;
}

/** A running system; `close` ends all of it. */
export class System {
  readonly folder: string;
  server: DevServer;
  readonly #serverOptions: DevServerOptions;
  readonly emulator: Program;
  readonly apiUrl: string;
  readonly connection: Connection;
  readonly client: Client;
  readonly workers: Program[] = [];

  constructor(
    folder: string,
    server: DevServer,
    serverOptions: DevServerOptions,
    emulator: Program,
    apiUrl: string,
    connection: Connection,
  ) {
    this.folder = folder;
    this.server = server;
    this.#serverOptions = serverOptions;
    this.emulator = emulator;
    this.apiUrl = apiUrl;
    this.connection = connection;
    this.client = new Client({ connection });
  }

  /** The environment of our programs: nothing of the machine's own settings. */
  get env(): Record<string, string | undefined> {
    return {
      ...noSettings(),
      TEMPORAL_ADDRESS: this.server.address,
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

  /** Kills the server of a durable system, and starts it again where it was. */
  async restartServer(): Promise<void> {
    const port = Number(this.server.address.split(':')[1]);
    await this.server.kill();
    this.server = await startServer({ ...this.#serverOptions, port });
  }

  /** Workers that are up. */
  async workersUp(): Promise<Program[]> {
    const now = sleep(0).then(() => true);
    const up = await Promise.all(this.workers.map(({ exited }) => Promise.race([exited.then(() => false), now])));
    return this.workers.filter((_, index) => up[index]);
  }

  /** The worker that holds the lease of a store, if one of ours that is up does. */
  async holder(store = 'abc'): Promise<Program | undefined> {
    const { raw } = await this.client.workflow.getHandle(storeWorkflowId(store)).describe();
    const identity = raw.pendingActivities?.[0]?.lastWorkerIdentity ?? '';
    return (await this.workersUp()).find(({ pid }) => identity.startsWith(`${pid}@`));
  }

  /** Says that a store's queue is needed, as a job does. */
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

  /** Asks or tells the emulator. */
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

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.kill()));
    await this.connection.close();
    await Promise.all([this.emulator.kill(), this.server.stop()]);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Variables that make our programs deaf to the machine's own settings, profiles and `.env`. */
export function noSettings(): Record<string, string | undefined> {
  const own = Object.keys(process.env).filter((name) => /^(TEMPORAL|BIGCOMMERCE|AWS)_/.test(name));
  return {
    ...Object.fromEntries(own.map((name) => [name, undefined])),
    TEMPORAL_CONFIG_FILE: '/nonexistent',
    ENV_FILE: '',
  };
}

/** Starts a system. Throws when a part of it doesn't come up, and leaves nothing of it then. */
export async function startSystem({
  tokens = TOKENS,
  emulator: flags = [],
  server: serverOptions = {},
  durable = false,
  workers = 1,
}: SystemOptions = {}): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), 'customer-updates-'));
  const options = { ...serverOptions, ...(durable && { dbFile: join(folder, 'temporal.db') }) };
  await writeFile(join(folder, 'tokens.json'), JSON.stringify(tokens), { mode: 0o600 });
  const stores = Object.entries(tokens).map(([hash, token]) => `${hash}=${token}`);
  const emulator = startProgram(process.execPath, [
    ...['dist/emulator.js', '--port', '0', '--stores', stores.join(',')],
    ...flags,
  ]);
  const starting = startServer(options);
  let close = async () => {
    const stopServer = starting.then((server) => server.stop());
    await Promise.allSettled([emulator.kill(), stopServer]);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const [server, ready] = await Promise.all([starting, emulator.waitFor(/ready/)]);
    const apiUrl = /http:\/\/\S+/.exec(ready)?.[0] ?? '';
    const connection = await Connection.connect({ address: server.address });
    const system = new System(folder, server, options, emulator, apiUrl, connection);
    close = () => system.close();
    await Promise.all(Array.from({ length: workers }, () => system.startWorker()));
    return system;
  } catch (error) {
    await close();
    throw error;
  }
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
