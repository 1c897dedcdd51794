import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { StoreParts } from '../../src/activities/store-activities.ts';
import { updateChunk } from '../../src/activities/update-chunk.ts';
import type { ChunkOutcome } from '../../src/contract/activities.ts';
import { Attempt } from '../../src/bigcommerce/attempt.ts';
import { Draining, Unavailable } from '../../src/bigcommerce/errors.ts';
import { type IsolationState, start } from '../../src/bigcommerce/isolate.ts';
import type { Permit } from '../../src/bigcommerce/store.ts';
import { BadPage } from '../../src/jobs/pages.ts';
import { StorageFailed } from '../../src/storage/storage.ts';

const chunk = { rows: [1, 2], lines: [2, 3], body: '[{"id":1,"notes":"a"},{"id":2,"notes":"b"}]' };
const ref = { job: { storeHash: 'abc', key: 'run-1' }, chunk: 0 };
const read = { chunks: 1, skipUnchanged: true };
const permit = { draining: new AbortController().signal } as Permit;

/** A store that sends as it is told, and a job store that has the chunk and these values of its customers. */
function partsOf(
  updateCustomers: (update?: { only?: number[] }) => Promise<unknown>,
  ofPage: () => Promise<unknown>,
): StoreParts {
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

describe('the last try for customers of whom the store answers for none, or only for some,', () => {
  const unavailable = (state?: IsolationState) =>
    new Unavailable('The store gave the status 500.', new Attempt({ permit }, state));
  const lastTry = (parts: StoreParts) =>
    new MockActivityEnvironment({ heartbeatDetails: { calls: 0, throttled: 0, unanswered: 3 } }).run(
      updateChunk,
      parts,
      {
        ...ref,
        unansweredBefore: 4,
      },
    );

  test('fails the silent one if the store answers for its neighbour, who is sent the same values again', async () => {
    const calls: unknown[] = [];
    const parts = partsOf(
      async ({ only }: { only?: number[] } = {}) => {
        calls.push(only);
        if (calls.length === 1) throw unavailable({ ...start([1, 2]), todo: [[2]], updated: [1] });
        return { updated: [1], rejected: [], failed: [], calls: 1 };
      },
      () => Promise.reject(new Error('read')),
    );
    expect(await lastTry(parts)).toMatchObject({
      updated: 1,
      failures: [
        { id: 2, outcome: 'failed', code: 'unavailable', message: 'The store gave the status 500. Tried 8 times.' },
      ],
    });
    expect(calls).toEqual([undefined, [1]]);
  });

  test('is an outage if the store does not answer for the neighbour any more', async () => {
    const parts = partsOf(
      () => Promise.reject(unavailable({ ...start([1, 2]), todo: [[2]], updated: [1] })),
      () => Promise.reject(new Error('read')),
    );
    await expect(lastTry(parts)).rejects.toMatchObject({ type: 'Unavailable' });
  });

  test('is an outage if nobody was answered for', async () => {
    const updateCustomers = jest.fn(() => Promise.reject(unavailable()));
    const parts = partsOf(updateCustomers, () => Promise.reject(new Error('read')));
    await expect(lastTry(parts)).rejects.toMatchObject({ type: 'Unavailable' });
    expect(updateCustomers).toHaveBeenCalledTimes(1);
  });
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
