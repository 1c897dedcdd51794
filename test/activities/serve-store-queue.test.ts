import { DefaultLogger } from '@temporalio/worker';
import { MockActivityEnvironment } from '@temporalio/testing';
import { withLease } from '../../src/activities/serve-store-queue.ts';
import type { LeaseEnd } from '../../src/contract/activities.ts';

/** What is told of a lease during `serve`, in order: lines of the log, and whether the store is held. */
async function told(serve: (lose: (why: Error) => void) => Promise<LeaseEnd>): Promise<string[]> {
  const told: string[] = [];
  const logger = new DefaultLogger('INFO', ({ level, message, meta }) => {
    if (message.startsWith('lease')) told.push(`${level} ${message}: ${meta?.['store']} ${meta?.['why'] ?? ''}`.trim());
  });
  const taken = (store: string) => {
    told.push(`${store} is held`);
    return () => void told.push(`${store} is not held`);
  };
  const lost = new AbortController();
  const run = () => withLease('abc', lost.signal, taken, () => serve((why) => lost.abort(why)));
  await new MockActivityEnvironment({}, { logger })
    .run(run)
    .catch((error: Error) => told.push(`threw: ${error.message}`));
  return told;
}

const TAKEN = ['INFO lease taken: abc', 'abc is held'];

test('a lease is told of when it is taken, and when it is given back', async () => {
  const lines = await told(() => Promise.resolve('rotated'));
  expect(lines).toEqual([...TAKEN, 'INFO lease given back: abc rotated', 'abc is not held']);
});

test('a lease that is lost is a warning, with the reason', async () => {
  const why = new Error('not renewed');
  const lines = await told((lose) => Promise.reject((lose(why), why)));
  expect(lines).toEqual([...TAKEN, 'WARN lease lost: abc not renewed', 'abc is not held', 'threw: not renewed']);
});

test('so is one that ends otherwise, since it was cancelled for instance', async () => {
  const lines = await told(() => Promise.reject(new Error('cancelled')));
  expect(lines).toEqual([...TAKEN, 'WARN lease given up: abc cancelled', 'abc is not held', 'threw: cancelled']);
});
