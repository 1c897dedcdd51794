import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { type Choose, updateChunk } from '../../src/activities/update-chunk.ts';
import type { ChunkOutcome } from '../../src/contract/activities.ts';
import { Attempt } from '../../src/bigcommerce/attempt.ts';
import { Draining } from '../../src/bigcommerce/errors.ts';
import { start } from '../../src/bigcommerce/isolate.ts';
import type { Permit, Store } from '../../src/bigcommerce/store.ts';
import { BadPage } from '../../src/jobs/errors.ts';
import type { PageReader } from '../../src/jobs/pages.ts';
import { StorageFailed } from '../../src/storage/storage.ts';

const chunk = { rows: [1, 2], body: '[{"id":1,"notes":"a"},{"id":2,"notes":"b"}]' };
const pages = { readChunk: async () => chunk } as unknown as PageReader;
const fake = { concurrency: () => 3 };
const store = fake as unknown as Store;
const permit = { draining: new AbortController().signal } as Permit;
const ref = { job: { storeHash: 'abc', key: 'run-1' }, chunk: 0 };

/** What the workflow is told where the present values of a chunk that was read can't be had. */
async function toldOf(error: Error): Promise<ChunkOutcome> {
  const choose: Choose = () => Promise.reject(error);
  const failure: unknown = await new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') })
    .run(updateChunk, store, permit, pages, ref, choose)
    .catch((thrown: unknown) => thrown);
  expect(failure).toMatchObject({ type: 'Unavailable', message: error.message });
  return (failure as ApplicationFailure).details?.[0] as ChunkOutcome;
}

test('a job store that fails tells of no customer, so that none is given up for it', async () => {
  expect(await toldOf(new StorageFailed("Can't read a file."))).toMatchObject({
    updated: 0,
    failures: [],
    unanswered: 1,
  });
});

test('earlier values that are damaged stay so: the customers are told as failed', async () => {
  expect((await toldOf(new BadPage('damaged'))).failures.map(({ id, code }) => [id, code])).toEqual([
    [1, 'unavailable'],
    [2, 'unavailable'],
  ]);
});

test.each([
  [0, 'Not sent: the job was cancelled.'],
  [1, 'It may have been sent: the job was cancelled before its answer came.'],
])(
  'of a chunk that is cancelled in the middle, after %d tries without an answer, the rest is told',
  async (tries, message) => {
    const state = { ...start([1, 2]), updated: [1] };
    const activity = new MockActivityEnvironment({ heartbeatDetails: { unanswered: tries, state } });
    activity.cancel();
    const draining = new Draining('stopped', new Attempt({ permit }));
    const stopped = { ...fake, updateCustomers: () => Promise.reject(draining) } as unknown as Store;
    expect(await activity.run(updateChunk, stopped, permit, pages, ref)).toMatchObject({
      updated: 1,
      failures: [{ id: 2, outcome: 'failed', code: 'cancelled', message }],
    });
  },
);
