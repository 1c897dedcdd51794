import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { StoreParts } from '../../src/activities/store-activities.ts';
import { updateChunk } from '../../src/activities/update-chunk.ts';
import type { ChunkOutcome } from '../../src/contract/activities.ts';
import { Attempt } from '../../src/bigcommerce/attempt.ts';
import { Draining, Unavailable } from '../../src/bigcommerce/errors.ts';
import { type IsolationState, start } from '../../src/bigcommerce/isolate.ts';
import type { Part } from '../../src/bigcommerce/parts.ts';
import type { Permit } from '../../src/bigcommerce/store.ts';
import type { Places } from '../../src/contract/look-ups.ts';
import { BadPage } from '../../src/jobs/pages.ts';
import { StorageFailed } from '../../src/storage/storage.ts';

const chunk = { rows: [1, 2], lines: [2, 3], body: '[{"id":1,"notes":"a"},{"id":2,"notes":"b"}]' };
const ref = { job: { storeHash: 'abc', key: 'run-1' }, chunk: 0 };
const permit = { draining: new AbortController().signal } as Permit;
const asked: Places[] = [[0, 1]];

/** A store that sends as it is told, and a job store that has the chunk, or the look-up that has made it. */
function partsOf(
  updateCustomers: (update?: { only?: number[] }) => Promise<unknown>,
  lookedUp: () => Promise<unknown> = async () => chunk,
): StoreParts {
  return {
    store: { concurrency: () => 3, updateCustomers },
    permit,
    pages: { readChunk: async () => chunk },
    lookUps: { readChunk: lookedUp },
  } as unknown as StoreParts;
}

/** What the workflow is told if a chunk can't be had, or not be sent. */
async function outcomeAfter(error: Error, where: 'read' | 'sent', attempt = 1): Promise<ChunkOutcome> {
  const fails = () => Promise.reject(error);
  const parts = where === 'read' ? partsOf(() => Promise.resolve(), fails) : partsOf(fails);
  const failure: unknown = await new MockActivityEnvironment({ attempt }, { logger: new DefaultLogger('ERROR') })
    .run(updateChunk, parts, { ...ref, asked })
    .catch((thrown: unknown) => thrown);
  expect(failure).toMatchObject({ type: 'Unavailable', message: error.message });
  return (failure as ApplicationFailure).details?.[0] as ChunkOutcome;
}

test.each([new StorageFailed("Can't read a file."), new BadPage('damaged')])(
  'if its chunk can not be read, no customer is named, and none counts as sent: %s',
  async (error) => {
    const outcome = await outcomeAfter(error, 'read');
    expect(outcome).toMatchObject({ updated: 0, failures: [], calls: 0, unanswered: 1 });
    expect(outcome).not.toHaveProperty('uncounted');
  },
);

test('if the store does not answer, its customers are named as failed', async () => {
  const { failures } = await outcomeAfter(new Unavailable('502', new Attempt({ permit })), 'sent');
  expect(failures.map(({ id, code }) => [id, code])).toEqual([
    [1, 'unavailable'],
    [2, 'unavailable'],
  ]);
});

test('says that an earlier attempt died, which may have called', async () => {
  expect(await outcomeAfter(new BadPage('damaged'), 'read', 2)).toMatchObject({ calls: 0, uncounted: true });
});

describe('a chunk that was looked up', () => {
  const MINUTE = 60_000;
  const sends = () => jest.fn(async () => ({ updated: [1, 2], rejected: [], failed: [], calls: 1 }));
  const run = (minutesOld: number, environment: object, more: object = {}) => {
    const updateCustomers = sends();
    const parts = partsOf(updateCustomers, async () => ({ ...chunk, at: Date.now() - minutesOld * MINUTE }));
    const outcome: Promise<unknown> = new MockActivityEnvironment(environment).run(updateChunk, parts, {
      ...ref,
      asked,
      ...more,
    });
    return { outcome, updateCustomers };
  };

  test('is sent if that is less than an hour ago', async () => {
    const { outcome, updateCustomers } = run(59, {});
    expect(await outcome).toMatchObject({ updated: 2, failures: [] });
    expect(updateCustomers).toHaveBeenCalledWith(expect.objectContaining({ body: chunk.body }));
  });

  test('is not sent if that is longer ago, and says so', async () => {
    const { outcome, updateCustomers } = run(61, {});
    expect(await outcome).toMatchObject({ stale: true, updated: 0, failures: [], calls: 0 });
    expect(updateCustomers).not.toHaveBeenCalled();
  });

  test.each<[string, object, object]>([
    ['a call was made before', { heartbeatDetails: { calls: 1, ended: 1 }, attempt: 2 }, {}],
    ['an attempt died, which may have called', { attempt: 2 }, {}],
    ['an activity before may have sent it', {}, { maybeSent: true }],
    ['some of its customers are sent again', {}, { only: [1] }],
  ])('is sent however long ago that is if %s', async (_, environment, more) => {
    const { outcome, updateCustomers } = run(600, environment, more);
    expect(await outcome).not.toHaveProperty('stale');
    expect(updateCustomers).toHaveBeenCalledTimes(1);
  });
});

describe('the last try for customers of whom the store answers for none, or only for some,', () => {
  const unavailable = (state?: IsolationState<Part>) =>
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
    const parts = partsOf(async ({ only }: { only?: number[] } = {}) => {
      calls.push(only);
      if (calls.length === 1) throw unavailable({ ...start([1, 2]), todo: [[2]], updated: [1] });
      return { updated: [1], rejected: [], failed: [], calls: 1 };
    });
    expect(await lastTry(parts)).toMatchObject({
      updated: 1,
      failures: [
        { id: 2, outcome: 'failed', code: 'unavailable', message: 'The store gave the status 500. Tried 8 times.' },
      ],
    });
    expect(calls).toEqual([undefined, [1]]);
  });

  test('is an outage if the store does not answer for the neighbour any more', async () => {
    const parts = partsOf(() => Promise.reject(unavailable({ ...start([1, 2]), todo: [[2]], updated: [1] })));
    await expect(lastTry(parts)).rejects.toMatchObject({ type: 'Unavailable' });
  });

  test("is an outage if the store answers for fields, and for nobody's attributes", async () => {
    const withAttributes = [1, 2].map((id) => ({ id, notes: 'n', attributes: { 1: 'x' } }));
    const body = JSON.stringify([...withAttributes, { id: 3, notes: 'only fields' }]);
    const state: IsolationState<Part> = { ...start<Part>(['1:1'], ['2:1']), updated: [1, 2, 3] };
    const updateCustomers = jest.fn(() => Promise.reject(unavailable(state)));
    const parts = partsOf(updateCustomers);
    parts.pages.readChunk = async () => ({ rows: [1, 2, 3], lines: [2, 3, 4], body });
    const failure = (await lastTry(parts).catch((thrown: unknown) => thrown)) as ApplicationFailure;
    expect(failure).toMatchObject({ type: 'Unavailable' });
    const [{ failures }] = failure.details as [ChunkOutcome];
    expect(failures).toMatchObject(
      [1, 2].map((id) => ({ id, outcome: 'failed', message: expect.stringMatching(/^Taken in part\./) })),
    );
    expect(updateCustomers).toHaveBeenCalledTimes(1);
  });

  test('is an outage if nobody was answered for', async () => {
    const updateCustomers = jest.fn(() => Promise.reject(unavailable()));
    const parts = partsOf(updateCustomers);
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
    const state = { ...start([2]), updated: [1] };
    const activity = new MockActivityEnvironment({ heartbeatDetails: { unanswered: tries, state } });
    activity.cancel();
    const draining = new Draining('stopped', new Attempt({ permit }));
    const parts = partsOf(() => Promise.reject(draining));
    expect(await activity.run(updateChunk, parts, ref)).toMatchObject({
      updated: 1,
      failures: [{ id: 2, outcome: 'failed', code: 'cancelled', message }],
    });
  },
);
