/** Faults of the worker itself that some data brings out: real activities on a real server, broken for that data. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Context } from '@temporalio/activity';
import { type Client, type WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import type { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createJobActivities } from '../../src/activities/job-activities.ts';
import { QueueUsage } from '../../src/activities/serving.ts';
import { createStoreActivities } from '../../src/activities/store-activities.ts';
import { Api } from '../../src/bigcommerce/http.ts';
import { type Permit, type Store, Stores } from '../../src/bigcommerce/store.ts';
import type { Tokens } from '../../src/bigcommerce/tokens.ts';
import { CHUNKS_PER_PAGE, type JobActivities } from '../../src/contract/activities.ts';
import {
  failuresQuery,
  jobId,
  type JobInput,
  type JobOptions,
  type JobResult,
  JOBS_TASK_QUEUE,
  progressQuery,
  storeTaskQueue,
} from '../../src/contract/job.ts';
import { LookUpFiles } from '../../src/jobs/look-ups.ts';
import { PageReader } from '../../src/jobs/pages.ts';
import { whichStore } from '../../src/jobs/which-store.ts';
import { FileStorage } from '../../src/storage/file.ts';
import { Rig } from '../emulator/rig.ts';
import { customers } from '../support/customers.ts';
import { startInProcess } from '../support/in-process.ts';
import { expectCountsToAddUp, expectNoFailedTask } from '../support/jobs.ts';
import { reset } from '../support/reset.ts';

const STORE = 'one';
/** Rows of a page. */
const PAGE = 10 * CHUNKS_PER_PAGE;
const QUIET = new DefaultLogger('ERROR', () => {});

let rig: Rig;
let stores: Stores;
let folder: string;
let client: Client;
let stop: () => Promise<void>;

/** What the worker can't do: anything with these customers' answers, or with files whose keys have this in them. */
let breaks: { customers?: number[]; file?: string };
/** The store rejects everyone. */
let rejectsAll: boolean;

function fault(): never {
  return (undefined as unknown as { value: never }).value;
}

/** A store client that can't digest what comes back for some customers. */
const broken = (store: Store) =>
  ({
    concurrency: () => store.concurrency(),
    checkToken: (options) => store.checkToken(options),
    readGroups: (options) => store.readGroups(options),
    findByEmail: (finding) => store.findByEmail(finding),
    findById: ({ onFound, ...finding }) =>
      store.findById({
        ...finding,
        onFound: (id, found) => (breaks.customers?.includes(id) ? fault() : onFound?.(id, found)),
      }),
    async updateCustomers(update) {
      if (rejectsAll) {
        const ids = (JSON.parse(update.body) as { id: number }[]).map(({ id }) => id);
        const rejected = ids.map((id) => ({ id, code: 'rejected', message: 'no' }) as const);
        return { updated: [], rejected, failed: [], calls: 1, requestId: undefined };
      }
      const outcome = await store.updateCustomers(update);
      if (breaks.customers?.some((id) => outcome.updated.includes(id))) fault();
      return outcome;
    },
  }) as Pick<Store, 'concurrency' | 'checkToken' | 'readGroups' | 'findByEmail' | 'findById' | 'updateCustomers'>;

class BrokenStorage extends FileStorage {
  override write(...[key, content]: Parameters<FileStorage['write']>): Promise<void> {
    if (breaks.file !== undefined && key.includes(breaks.file)) fault();
    return super.write(key, content);
  }
}

beforeAll(async () => {
  rig = await Rig.start({ customers: 3_000 });
  const tokens = { tokenFor: () => 'token-one', reread: () => 'token-one', cures: {} } as unknown as Tokens;
  const observe = () => ({ callStarted() {}, callEnded() {}, quotaLeft() {} });
  stores = new Stores({ api: new Api(rig.url, '1'), tokens, quotaReservePercent: 0, observe });
  folder = await mkdtemp(join(tmpdir(), 'customer-updates-'));
  await mkdir(join(folder, 'sources'));
  const sourceRoots = [new FileStorage(join(folder, 'sources'))];
  const storage = new BrokenStorage(join(folder, 'jobs'));
  const jobStore = await whichStore(storage);
  const pages = new PageReader(storage);
  const lookUps = new LookUpFiles(storage, pages);
  const signal = new AbortController().signal;
  const permit: Permit = { lost: signal, draining: signal, check: () => {} };
  const store = broken(stores.get(STORE)) as Store;
  const calls = createStoreActivities({ store, permit, pages, lookUps, storage, jobStore }, new QueueUsage());
  // The client is there once the workers are; and nobody wants to wait for the first eight of ten attempts.
  const late = (name: keyof JobActivities) => (input: never) => {
    const { info } = Context.current();
    const activities = createJobActivities({ client, storage, jobStore, sourceRoots });
    const environment = new MockActivityEnvironment({ ...info, attempt: info.attempt + 8 }, { logger: QUIET });
    return environment.run(activities[name], input);
  };
  const jobs = {
    ...{ prepareJob: late('prepareJob'), saveFailures: late('saveFailures'), closeJob: late('closeJob') },
    openStore: async () => ({ served: true }),
  };
  ({ client, stop } = await startInProcess({ [JOBS_TASK_QUEUE]: jobs, [storeTaskQueue(STORE)]: calls }));
});
beforeEach(async () => {
  breaks = {};
  rejectsAll = false;
  await rig.reset();
});
afterAll(async () => {
  await stop();
  await stores.close();
  await rig.close();
  await rm(folder, { recursive: true });
});

/** Starts a job with so many customers, or with another source. */
async function start(
  name: string,
  from: number | JobInput['source'],
  options: JobOptions = {},
): Promise<WorkflowHandle> {
  const path = join(folder, 'sources', `${name}.ndjson`);
  if (typeof from === 'number')
    await writeFile(
      path,
      customers(from)
        .map((row) => `${JSON.stringify(row)}\n`)
        .join(''),
    );
  const source = typeof from === 'number' ? { uri: pathToFileURL(path).href } : from;
  const input: JobInput = { storeHash: STORE, source, options };
  const workflowId = jobId(STORE, name);
  return client.workflow.start('updateCustomers', { workflowId, taskQueue: JOBS_TASK_QUEUE, args: [input] });
}

/** How a job has failed, which has run to its end in the state `failed`. */
async function failureOf(job: WorkflowHandle): Promise<{ message: string; result: JobResult }> {
  const error = (await job.result().catch((thrown: unknown) => thrown)) as WorkflowFailedError;
  const { type, message, details } = error.cause as ApplicationFailure;
  expect(type).toBe('Defect');
  expect(message).toMatch(
    /^The worker itself is at fault: TypeError in \w+ at \w+ \(slow\/defects\.test\.ts:\d+:\d+\)/,
  );
  expect(message).toMatch(/Report this.*The job's files are kept/);
  expect(message).not.toContain('note ');
  expect((await job.query(progressQuery)).state).toBe('failed');
  expectNoFailedTask((await job.fetchHistory()).events);
  const [result] = details as [JobResult];
  expectCountsToAddUp(result);
  return { message, result };
}

const read = async (uri: string | null) => readFile(fileURLToPath(uri ?? ''), 'utf8');

test('a chunk with such a customer fails alone: the job completes, and its retry sends those ten', async () => {
  breaks = { customers: [105] };
  const job = await start('chunk', 300);
  const result = (await job.result()) as JobResult;
  expect(result.customers).toMatchObject({ total: 300, updated: 290, failed: 10, unprocessed: 0 });
  const { failures } = await job.query(failuresQuery);
  expect(failures.map(({ row, code }) => `${row} ${code}`)).toEqual(
    Array.from({ length: 10 }, (_, index) => `${101 + index} unavailable`),
  );
  expect(failures[0]?.message).toMatch(
    /^The worker itself is at fault: TypeError in updateChunk at .* Tried 12 times\.$/,
  );
  expect((await read(result.retry)).trim().split('\n')).toHaveLength(10);
});

test('a page that can not be looked up because of one fails alone as well', async () => {
  breaks = { customers: [1_500] };
  const job = await start('page', 2_500, { skipUnchanged: true, backup: true });
  const result = (await job.result()) as JobResult;
  expect(result.customers).toMatchObject({ total: 2_500, updated: 2_500 - PAGE, failed: PAGE, unprocessed: 0 });
  expect((await read(result.report)).trim().split('\n')).toHaveLength(PAGE + 1);
  expect((await read(result.retry)).trim().split('\n')).toHaveLength(PAGE);
  expectNoFailedTask((await job.fetchHistory()).events);

  breaks = {};
  const retried = await start('page again', { retryOf: job.workflowId });
  expect(((await retried.result()) as JobResult).customers).toMatchObject({ total: PAGE, updated: PAGE });
});

test('a job whose source brings it out has sent nothing, and says so', async () => {
  breaks = { file: '/pages/' };
  const { result } = await failureOf(await start('source', 30));
  expect(result).toMatchObject({ customers: { total: 0 }, calls: 0, report: null });
});

test('a job whose report brings it out has its counts, and its report once it is reset with a worker without the fault', async () => {
  breaks = { file: 'report.csv' };
  const job = await start('report', 30);
  const { result } = await failureOf(job);
  expect(result).toMatchObject({ customers: { total: 30, updated: 30 }, report: null });

  breaks = {};
  await reset({ client }, job, 'updateChunk');
  const after = (await client.workflow.getHandle(job.workflowId).result()) as JobResult;
  expect(after.customers).toMatchObject({ total: 30, updated: 30 });
  expect(await read(after.report)).toMatch(/^row,/);
});

test('a job whose failures can not be saved ends with its counts, and waits for what is in flight', async () => {
  rejectsAll = true;
  breaks = { file: '/failures' };
  const { result } = await failureOf(await start('failures', 3_000, { maxRejectedPercent: 100 }));
  expect(result.customers.rejected).toBeGreaterThanOrEqual(2_000);
  expect(result.customers.unprocessed).toBeGreaterThan(0);
});
