/** A job that is cancelled while one of its activities runs which nothing interrupts: it must begin nothing after it. */
import type { Client } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type {
  ChunkOutcome,
  ClosedJob,
  CloseJobInput,
  JobActivities,
  PreparedJob,
  StoreActivities,
} from '../../src/activity-contract.ts';
import {
  jobId,
  JOBS_TASK_QUEUE,
  progressQuery,
  resumeUpdate,
  storeTaskQueue,
  type JobInput,
} from '../../src/contract.ts';
import { encodeRuns } from '../../src/outcomes.ts';
import { startInProcess } from '../support/in-process.ts';
import { until } from '../support/until.ts';

type Activities = JobActivities & Pick<StoreActivities, 'updateChunk'>;

/** Enough for failures to be moved to a file, all of which the store rejects. */
const CHUNKS = 250;

let client: Client;
let stop: () => Promise<void>;

/** What has begun, in order, and what is to be done while the nth of a name runs. */
let begun: (keyof Activities)[];
let during: { name: keyof Activities; nth: number; act: () => Promise<unknown> };

async function begin(name: keyof Activities): Promise<void> {
  begun.push(name);
  if (name === during.name && begun.filter((each) => each === name).length === during.nth) await during.act();
}

const prepared: PreparedJob = {
  total: CHUNKS * 10,
  invalid: 0,
  valid: CHUNKS * 10,
  chunks: CHUNKS,
  chunksToSend: CHUNKS,
  lastSentSize: 10,
  lastSize: 10,
  gaps: encodeRuns(Array<number>(CHUNKS * 2).fill(0)),
  failures: [],
  olderIn: null,
};

/** Whether the store refuses all calls, or does not answer them; else it rejects all customers. */
let refuses: boolean;
let answers = true;

function answer(chunk: number): ChunkOutcome {
  if (!answers) throw ApplicationFailure.create({ type: 'Unavailable', nextRetryDelay: '1 minute' });
  if (refuses) throw ApplicationFailure.nonRetryable('401', 'Refused');
  const failures = Array.from({ length: 10 }, (_, index) => {
    const row = chunk * 10 + index + 1;
    return { row, id: row, outcome: 'rejected', code: 'unknown_id', message: 'invalid' } as const;
  });
  return { updated: 0, failures, calls: 1, throttled: 0, attempts: 1, concurrency: 3 };
}

/** What closeJob was given last. */
let closing: CloseJobInput;

async function close(input: CloseJobInput): Promise<ClosedJob> {
  closing = input;
  return closed;
}

const closed = { report: 'file:///report.csv', retry: null };
const activities: Activities = {
  prepareJob: () => begin('prepareJob').then(() => prepared),
  openStore: () => begin('openStore').then(() => ({ served: true })),
  saveFailures: ({ name }) => begin('saveFailures').then(() => `file:///${name}`),
  closeJob: (input) => begin('closeJob').then(() => close(input)),
  closeReadingJob: (input) => begin('closeReadingJob').then(() => close(input)),
  updateChunk: ({ chunk }) => begin('updateChunk').then(() => answer(chunk)),
};

beforeAll(async () => {
  ({ client, stop } = await startInProcess({ [JOBS_TASK_QUEUE]: activities, [storeTaskQueue('abc')]: activities }));
});
afterAll(() => stop());

test.each<[string, keyof Activities, number]>([
  ['its source is read', 'prepareJob', 1],
  ['its store is opened', 'openStore', 1],
  ['a call is made', 'updateChunk', 5],
  ['failures are moved to a file', 'saveFailures', 1],
  ['its store is asked again after a hold', 'openStore', 2],
  ['its report is written', 'closeJob', 1],
])('a job that is cancelled while %s ends as cancelled, and begins no call', async (_, name, nth) => {
  begun = [];
  refuses = name === 'openStore' && nth === 2;
  const workflowId = jobId('abc', `${name}-${nth}`);
  const job = client.workflow.getHandle(workflowId);
  let atCancel = -1;
  during = { name, nth, act: () => job.cancel().then(() => (atCancel = begun.length)) };

  const source = { uri: 'file:///customers.csv' };
  const input: JobInput = { storeHash: 'abc', source, options: { maxRejectedPercent: 100 } };
  await client.workflow.start('updateCustomers', { workflowId, taskQueue: JOBS_TASK_QUEUE, args: [input] });
  if (refuses) {
    await until(async () => (await job.query(progressQuery)).state === 'held');
    await job.executeUpdate(resumeUpdate);
  }
  await expect(job.result()).rejects.toMatchObject({ cause: expect.any(CancelledFailure) });

  expect(await job.query(progressQuery)).toMatchObject({ state: 'cancelled', report: closed.report });
  // Calls that the server had been given by then are let go on.
  const calls = begun.slice(atCancel).filter((each) => each === 'updateChunk');
  expect(calls.length).toBeLessThanOrEqual(name === 'updateChunk' ? 8 : 0);
  const { events = [] } = await job.fetchHistory();
  expect(events?.filter((event) => event.workflowTaskFailedEventAttributes)).toEqual([]);
});

test('a job that is cancelled while a chunk waits to be tried again says that it may have been sent', async () => {
  begun = [];
  answers = false;
  during = { name: 'updateChunk', nth: 0, act: () => Promise.resolve() };
  const workflowId = jobId('abc', 'unanswered');
  const input: JobInput = { storeHash: 'abc', source: { uri: 'file:///customers.csv' } };
  const job = await client.workflow.start('updateCustomers', { workflowId, taskQueue: JOBS_TASK_QUEUE, args: [input] });
  await until(async () =>
    Boolean((await job.describe()).raw.pendingActivities?.some(({ lastFailure }) => lastFailure)),
  );
  await job.cancel();
  await expect(job.result()).rejects.toMatchObject({ cause: expect.any(CancelledFailure) });
  expect(closing.maybeSent).toEqual([0]);
});
