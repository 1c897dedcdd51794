import { type Client, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { createJobActivities } from '../../src/activities/job-activities.ts';
import type { LeaseActivities, LeaseEnd } from '../../src/contract/activities.ts';
import { JOBS_TASK_QUEUE, STORES_TASK_QUEUE, storeWorkflowId } from '../../src/contract/job.ts';
import { openStorage } from '../../src/storage/open.ts';
import { startInProcess, workflowBundle } from '../support/in-process.ts';
import { until } from '../support/until.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/** An attempt to serve a store, which ends when and how the test says. */
interface Attempt {
  storeHash: string;
  giveBack(how: LeaseEnd): void;
  fail(failure: Error): void;
}

/** Ends an attempt, and the run that it belongs to. */
const OVER = ApplicationFailure.nonRetryable('The test is over.');

let client: Client;
let stop: () => Promise<void>;
let attempts: Attempt[];

const activities: LeaseActivities = {
  serveStoreQueue: ({ storeHash }) =>
    new Promise((giveBack, fail) => void attempts.push({ storeHash, giveBack, fail })),
};

beforeAll(async () => {
  ({ client, stop } = await startInProcess({ [JOBS_TASK_QUEUE]: {}, [STORES_TASK_QUEUE]: activities }));
});
afterAll(() => stop());
beforeEach(() => {
  attempts = [];
});
afterEach(() => attempts.forEach(({ fail }) => fail(OVER)));

/** Opens the store as a job does, and resolves with its workflow. */
async function open(storeHash: string): Promise<WorkflowHandle> {
  const nowhere = await openStorage('file:/nonexistent', '/');
  await createJobActivities({
    client,
    storage: nowhere,
    jobStore: { id: 'a', at: 'file:///data' },
    sourceRoots: [],
  }).openStore({ storeHash });
  return client.workflow.getHandle(storeWorkflowId(storeHash));
}

/** The nth attempt of the test, 1-based, once it serves. */
async function attempt(n: number): Promise<Attempt> {
  await until(() => attempts.length >= n);
  return attempts[n - 1] as Attempt;
}

async function eventsOf(handle: WorkflowHandle): Promise<HistoryEvent[]> {
  return (await handle.fetchHistory()).events ?? [];
}

/** The same history, but as if more than a few seconds had passed before the event at this index. */
function secondsLater(events: HistoryEvent[], from: number): HistoryEvent[] {
  return events.map(({ eventTime, ...event }, index) => {
    const seconds = Number(eventTime?.seconds) + (index < from ? 0 : 5);
    return { ...event, eventTime: { ...eventTime, seconds } } as unknown as HistoryEvent;
  });
}

/** The same history, but its last event is that the workflow completes. */
function completed(events: HistoryEvent[]): HistoryEvent[] {
  const last = events.length - 1;
  return events.with(last, {
    ...events[last],
    eventType: temporal.api.enums.v1.EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
    activityTaskScheduledEventAttributes: null,
    workflowExecutionCompletedEventAttributes: {},
  });
}

/** Throws unless the workflow does what the history says. */
function replay({ workflowId }: WorkflowHandle, events: HistoryEvent[]): Promise<void> {
  return Worker.runReplayHistory({ workflowBundle }, { events }, workflowId);
}

test.each(['idle', 'handedOver'] as const)(
  'a queue that is given back as %s just after it was opened is served again by the same run',
  async (how) => {
    const handle = await open(`early${how.toLowerCase()}`);
    const { runId } = await handle.describe();
    (await attempt(1)).giveBack(how);
    expect(await attempt(2)).toMatchObject({ storeHash: `early${how.toLowerCase()}` });
    expect(await handle.describe()).toMatchObject({ runId, status: { name: 'RUNNING' } });
  },
);

test.each(['idle', 'handedOver'] as const)(
  'a queue that is given back as %s a while after it was opened ends the run only if it was idle',
  async (how) => {
    const handle = await open(`late${how.toLowerCase()}`);
    (await attempt(1)).giveBack(how);
    await attempt(2);
    const events = await eventsOf(handle);
    const givenBack = events.findIndex((event) => event.activityTaskCompletedEventAttributes);
    const later = secondsLater(events, givenBack);
    const [right, wrong] = how === 'idle' ? [completed(later), later] : [later, completed(later)];
    await replay(handle, right);
    await expect(replay(handle, wrong)).rejects.toThrow();
  },
);

test('a job that opens the store just before the queue is given back as idle finds it served', async () => {
  const handle = await open('race');
  (await attempt(1)).giveBack(await open('race').then(() => 'idle'));
  await attempt(2);
  const events = await eventsOf(handle);
  const openedAgain = events.findLastIndex((event) => event.workflowExecutionSignaledEventAttributes);
  const later = secondsLater(events, openedAgain);
  await replay(handle, later);
  await expect(replay(handle, completed(later))).rejects.toThrow();
});

test('a job that opens the store after its run has ended begins another run', async () => {
  const handle = await open('ended');
  const { runId } = await handle.describe();
  (await attempt(1)).fail(OVER);
  await expect(handle.result()).rejects.toThrow();
  const again = await open('ended');
  expect(await attempt(2)).toMatchObject({ storeHash: 'ended' });
  expect((await again.describe()).runId).not.toBe(runId);
});

test('a lease that is rotated continues as new, and the queue is served again', async () => {
  const handle = await open('rotated');
  const { runId } = await handle.describe();
  (await attempt(1)).giveBack('rotated');
  expect(await attempt(2)).toMatchObject({ storeHash: 'rotated' });
  expect((await handle.describe()).runId).not.toBe(runId);
  const first = await client.workflow.getHandle(handle.workflowId, runId).describe();
  expect(first.status.name).toBe('CONTINUED_AS_NEW');
});

test.each([
  ['the id of another store', 'customer-updates-store/other', { storeHash: 'mine' }],
  ['an id of its own', 'serve mine', { storeHash: 'mine' }],
  ['a store hash in capitals', 'customer-updates-store/MINE', { storeHash: 'MINE' }],
  ['no input', 'customer-updates-store/mine', undefined],
])('with %s it fails with BadInput, and nothing is served', async (_, workflowId, input) => {
  const handle = await client.workflow.start('serveStore', { workflowId, taskQueue: JOBS_TASK_QUEUE, args: [input] });
  const error = await handle.result().catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(WorkflowFailedError);
  expect((error as WorkflowFailedError).cause).toMatchObject({ type: 'BadInput' });
  expect(attempts).toEqual([]);
});
