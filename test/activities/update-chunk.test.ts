import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { StoreParts } from '../../src/activities/store-activities.ts';
import { updateChunk } from '../../src/activities/update-chunk.ts';
import type { ChunkOutcome } from '../../src/contract/activities.ts';
import { Attempt } from '../../src/bigcommerce/attempt.ts';
import { Draining } from '../../src/bigcommerce/errors.ts';
import { start } from '../../src/bigcommerce/isolate.ts';
import type { Permit } from '../../src/bigcommerce/store.ts';
import { BadPage } from '../../src/jobs/pages.ts';
import { StorageFailed } from '../../src/storage/storage.ts';

const chunk = { rows: [1, 2], lines: [2, 3], body: '[{"id":1,"notes":"a"},{"id":2,"notes":"b"}]' };
const ref = { job: { storeHash: 'abc', key: 'run-1' }, chunk: 0 };
const read = { chunks: 1, skipUnchanged: true };
const permit = { draining: new AbortController().signal } as Permit;

/** A store that sends as it is told, and a job store that has the chunk and these values of its customers. */
function partsOf(updateCustomers: () => Promise<unknown>, ofPage: () => Promise<unknown>): StoreParts {
  return {
    store: { concurrency: () => 3, updateCustomers },
    permit,
    pages: { readChunk: async () => chunk },
    present: { ofPage },
  } as unknown as StoreParts;
}

/** What the workflow is told if the present values of a chunk can't be had. */
async function outcomeAfter(error: Error): Promise<ChunkOutcome> {
  const parts = partsOf(
    () => Promise.resolve(),
    () => Promise.reject(error),
  );
  const failure: unknown = await new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') })
    .run(updateChunk, parts, { ...ref, read })
    .catch((thrown: unknown) => thrown);
  expect(failure).toMatchObject({ type: 'Unavailable', message: error.message });
  return (failure as ApplicationFailure).details?.[0] as ChunkOutcome;
}

test('if the job store fails, no customer is named, so that none is given up for it', async () => {
  const outcome = await outcomeAfter(new StorageFailed("Can't read a file."));
  expect(outcome).toMatchObject({ updated: 0, failures: [], unanswered: 1 });
});

test('damaged values stay damaged: the customers are named as failed', async () => {
  const { failures } = await outcomeAfter(new BadPage('damaged'));
  expect(failures.map(({ id, code }) => [id, code])).toEqual([
    [1, 'unavailable'],
    [2, 'unavailable'],
  ]);
});

test('customers that have all values already count as updated and unchanged, and are not sent', async () => {
  const updateCustomers = jest.fn(async () => ({ updated: [2], rejected: [], failed: [], calls: 1 }));
  const parts = partsOf(updateCustomers, async () => new Map([[1, { notes: 'a' }]]));
  const outcome: unknown = await new MockActivityEnvironment().run(updateChunk, parts, { ...ref, read });
  expect(updateCustomers).toHaveBeenCalledWith(expect.objectContaining({ only: [2] }));
  expect(outcome).toMatchObject({ updated: 2, unchanged: 1, failures: [] });
});

test('customers that are sent again are not read again', async () => {
  const updateCustomers = jest.fn(async () => ({ updated: [1], rejected: [], failed: [], calls: 1 }));
  const parts = partsOf(updateCustomers, () => Promise.reject(new Error('read again')));
  const outcome: unknown = await new MockActivityEnvironment().run(updateChunk, parts, { ...ref, read, only: [1] });
  expect(updateCustomers).toHaveBeenCalledWith(expect.objectContaining({ only: [1] }));
  expect(outcome).toMatchObject({ updated: 1, failures: [] });
});

test.each([
  [0, 'Not sent: the job was cancelled.'],
  [1, 'It may have been sent: the job was cancelled before its answer came.'],
])(
  'a chunk that is cancelled halfway, after %d tries without an answer, names the rest as failed',
  async (tries, message) => {
    const state = { ...start([1, 2]), updated: [1] };
    const activity = new MockActivityEnvironment({ heartbeatDetails: { unanswered: tries, state } });
    activity.cancel();
    const draining = new Draining('stopped', new Attempt({ permit }));
    const parts = partsOf(
      () => Promise.reject(draining),
      () => Promise.reject(new Error('read')),
    );
    expect(await activity.run(updateChunk, parts, ref)).toMatchObject({
      updated: 1,
      failures: [{ id: 2, outcome: 'failed', code: 'cancelled', message }],
    });
  },
);
