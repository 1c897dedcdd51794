/** Jobs that are paused, resumed or cancelled during an activity that can't be interrupted: they act on it later. */
import type { Client, WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import {
  type ChunkOutcome,
  type ClosedJob,
  type CloseJobInput,
  type JobActivities,
  type StoreActivities,
} from '../../src/contract/activities.ts';
import {
  jobId,
  JOBS_TASK_QUEUE,
  pauseUpdate,
  progressQuery,
  resumeUpdate,
  storeTaskQueue,
  type JobInput,
} from '../../src/contract/job.ts';
import { startInProcess } from '../support/in-process.ts';
import { expectNoFailedTask, prepared } from '../support/jobs.ts';
import { until } from '../support/until.ts';

type Activities = JobActivities & Pick<StoreActivities, 'updateChunk'>;

/** Chunks of a job; and of one with so many failures, because its store rejects all customers, that some are moved to a file. */
const [CHUNKS, MANY] = [30, 250];

let client: Client;
let stop: () => Promise<void>;

/** Which activities have begun, in order, and what is to happen during the nth of a name. */
let begun: (keyof Activities)[];
let during: { name: keyof Activities; nth: number; act: () => unknown };

async function begin(name: keyof Activities): Promise<void> {
  begun.push(name);
  if (name === during.name && begun.filter((each) => each === name).length === during.nth) await during.act();
}

/** Whether the store refuses all calls, and whether it answers at all; otherwise it rejects all customers. */
let refuses: boolean;
let answers = true;

function answer(chunk: number): ChunkOutcome {
  if (!answers) throw ApplicationFailure.create({ type: 'Unavailable', nextRetryDelay: '1 minute' });
  if (refuses) throw ApplicationFailure.nonRetryable('401', 'Refused');
  const failures = Array.from({ length: 10 }, (_, index) => {
    const row = chunk * 10 + index + 1;
    return { row, line: null, id: row, outcome: 'rejected', code: 'unknown_id', message: 'invalid' } as const;
  });
  return { updated: 0, failures, calls: 1, reads: 0, throttled: 0, attempts: 1, unanswered: 0, concurrency: 3 };
}

/** What closeJob was given last. */
let closing: CloseJobInput;

async function close(input: CloseJobInput): Promise<ClosedJob> {
  closing = input;
  return closed;
}

const closed = { report: 'file:///report.csv', retry: null, fix: null, changes: null };
const activities: Activities = {
  prepareJob: () => begin('prepareJob').then(() => prepared(during.name === 'saveFailures' ? MANY : CHUNKS)),
  openStore: () => begin('openStore').then(() => ({ served: true })),
  saveFailures: ({ name }) => begin('saveFailures').then(() => `file:///${name}`),
  closeJob: (input) => begin('closeJob').then(() => close(input)),
  updateChunk: ({ chunk }) => begin('updateChunk').then(() => answer(chunk)),
};

beforeAll(async () => {
  ({ client, stop } = await startInProcess({ [JOBS_TASK_QUEUE]: activities, [storeTaskQueue('abc')]: activities }));
});
afterAll(() => stop());

/** Starts a job; something happens during one of its activities. */
async function start(name: string, doing: typeof during, maxRejectedPercent = 100): Promise<WorkflowHandle> {
  begun = [];
  during = doing;
  const workflowId = jobId('abc', name);
  const source = { uri: 'file:///customers.csv' };
  const input: JobInput = { storeHash: 'abc', source, options: { maxRejectedPercent } };
  return client.workflow.start('updateCustomers', { workflowId, taskQueue: JOBS_TASK_QUEUE, args: [input] });
}

async function resumeOnceHeld(job: WorkflowHandle): Promise<void> {
  await until(async () => (await job.query(progressQuery)).state === 'held');
  await job.executeUpdate(resumeUpdate);
}

const callsBegun = () => begun.filter((each) => each === 'updateChunk').length;

/** How many activities of this type have ended. */
async function completed(job: WorkflowHandle, type: keyof Activities): Promise<number> {
  const { events } = await job.fetchHistory();
  const scheduled = events?.filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === type);
  const ended = events?.map((event) => Number(event.activityTaskCompletedEventAttributes?.scheduledEventId));
  return scheduled?.filter(({ eventId }) => ended?.includes(Number(eventId))).length ?? 0;
}

test.each<[string, keyof Activities, number]>([
  ['its source is read', 'prepareJob', 1],
  ['its store is opened', 'openStore', 1],
  ['a call is made', 'updateChunk', 5],
  ['failures are moved to a file', 'saveFailures', 1],
  ['its store is asked again after a hold', 'openStore', 2],
  ['its report is written', 'closeJob', 1],
])('a job that is cancelled while %s ends as cancelled, and begins no call', async (_, name, nth) => {
  refuses = name === 'openStore' && nth === 2;
  const job = await start(`${name}-${nth}`, { name, nth, act: () => job.cancel() });
  if (refuses) await resumeOnceHeld(job);
  await expect(job.result()).rejects.toMatchObject({ cause: expect.any(CancelledFailure) });

  expect(await job.query(progressQuery)).toMatchObject({ state: 'cancelled', report: closed.report });
  const events = (await job.fetchHistory()).events ?? [];
  const cancelled = events.findIndex((event) => event.workflowExecutionCancelRequestedEventAttributes);
  const knows = events.findIndex((event, at) => at > cancelled && event.workflowTaskStartedEventAttributes);
  const calls = events.slice(knows).map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);
  expect(calls).not.toContain('updateChunk');
  expectNoFailedTask(events);
});

test('a job that is paused while it opens its store to ask again sends nothing until it is resumed', async () => {
  refuses = true;
  const pause = () => job.executeUpdate(pauseUpdate, { args: [{}] });
  const job = await start('paused', { name: 'openStore', nth: 2, act: pause });
  await resumeOnceHeld(job);
  await until(async () => (await job.query(progressQuery)).state === 'paused');
  // The query is answered after the job has seen the store open.
  await until(async () => (await completed(job, 'openStore')) === 2);
  await job.query(progressQuery);
  const before = callsBegun();
  refuses = false;
  await job.executeUpdate(resumeUpdate);
  await job.result();
  expect(before).toBe(1);
  expectNoFailedTask((await job.fetchHistory()).events);
});

test('a job that a person resumes after too many rejections opens its store again', async () => {
  refuses = false;
  const job = await start('rejections', { name: 'openStore', nth: 0, act: () => undefined }, 20);
  await resumeOnceHeld(job);
  await until(() => begun.filter((each) => each === 'openStore').length === 2);
  await job.cancel();
  await expect(job.result()).rejects.toThrow();
  expectNoFailedTask((await job.fetchHistory()).events);
});

test('a job continues if a person ends the activity that opens its store', async () => {
  refuses = false;
  const act = () => {
    throw ApplicationFailure.nonRetryable('ended by a person');
  };
  const job = await start('ended', { name: 'openStore', nth: 1, act });
  expect(await job.result()).toMatchObject({ customers: { rejected: CHUNKS * 10 } });
  expectNoFailedTask((await job.fetchHistory()).events);
});

test('a job that is cancelled while a chunk waits to be retried says that it may have been sent', async () => {
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
