import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { QueueUsage } from '../../src/activities/serving.ts';
import { createStoreActivities, type StoreParts } from '../../src/activities/store-activities.ts';

const HERE = { id: 'here', at: 'file:///data' };
const THERE = { id: 'there', at: 'file:///data' };

/** A process that has the job store HERE, and may neither read of it nor call the store. */
const parts = { store: { concurrency: () => 3 }, jobStore: HERE } as unknown as StoreParts;
const { updateChunk, compareCustomers } = createStoreActivities(parts, new QueueUsage());

/** What an attempt tells the workflow of a chunk of a job whose files are THERE. */
const failureOf = (attempt: number): Promise<unknown> =>
  new MockActivityEnvironment({ attempt }, { logger: new DefaultLogger('ERROR') })
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

test('a dry run there is tried again, until a process with its files serves the store', async () => {
  const ref = { job: { storeHash: 'abc', key: 'run-1', jobStore: THERE }, from: 0, until: 1, chunks: 10 };
  const compared = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(() =>
    compareCustomers(ref),
  );
  await expect(compared).rejects.toMatchObject({ type: 'OtherJobStore', nonRetryable: false, nextRetryDelay: 2_000 });
});

test('nothing of it was given to a call, and no try counts against it', async () => {
  const nothing = { updated: 0, failures: [], calls: 0, unanswered: 0, attempts: 0 };
  expect(await failureOf(1)).toMatchObject({ details: [nothing] });
});

test('an earlier attempt, perhaps where its files are, may have sent some of it', async () => {
  expect(await failureOf(3)).toMatchObject({ details: [{ calls: 0, attempts: 2 }] });
});
