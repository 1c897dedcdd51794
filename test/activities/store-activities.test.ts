import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { QueueUsage } from '../../src/activities/serving.ts';
import { createStoreActivities, type StoreParts } from '../../src/activities/store-activities.ts';

const HERE = { id: 'here', at: 'file:///data' };
const THERE = { id: 'there', at: 'file:///data' };

/** A process that has the job store HERE, and may neither read of it nor call the store. */
const parts = { store: { concurrency: () => 3 }, jobStore: HERE } as unknown as StoreParts;
const { updateChunk } = createStoreActivities(parts, new QueueUsage());

/** What an attempt tells the workflow of a chunk of a job whose files are THERE. */
const failureOf = (attempt: number, heartbeatDetails?: unknown): Promise<unknown> =>
  new MockActivityEnvironment({ attempt, heartbeatDetails }, { logger: new DefaultLogger('ERROR') })
    .run(() => updateChunk({ job: { storeHash: 'abc', key: 'run-1', jobStore: THERE }, chunk: 3 }))
    .catch((error: unknown) => error);

test('a chunk in another job store is not damaged: the job is told where it is and where this worker looks', async () => {
  expect(await failureOf(1)).toMatchObject({
    type: 'Unavailable',
    message:
      "The job's files are in the job store file:///data (there), and this worker has another one, file:///data (here). " +
      'Set JOB_STORE of all workers and of the starter to the same place.',
  });
});

test('nothing of it was given to a call, and no try counts against it', async () => {
  const nothing = { updated: 0, failures: [], calls: 0, unanswered: 0, attempts: 0 };
  expect(await failureOf(1)).toMatchObject({ details: [nothing] });
});

test('an earlier attempt that made a call, or died, may have sent some of it where its files are', async () => {
  expect(await failureOf(2, { calls: 3, ended: 1 })).toMatchObject({ details: [{ calls: 3, attempts: 1 }] });
  expect(await failureOf(2)).toMatchObject({ details: [{ calls: 0, attempts: 1, uncounted: true }] });
});

test('an earlier attempt that ended without a call has sent nothing', async () => {
  expect(await failureOf(2, { calls: 0, ended: 1 })).toMatchObject({
    details: [expect.not.objectContaining({ uncounted: true })],
  });
});
