import { DefaultLogger } from '@temporalio/worker';
import { MockActivityEnvironment } from '@temporalio/testing';
import { leaseEnd, withLease } from '../../src/activities/serve-store-queue.ts';
import { QueueUsage } from '../../src/activities/serving.ts';
import type { LeaseEnd } from '../../src/contract/activities.ts';

/** What is reported about a lease during `serve`, in order: log lines, and whether the store is held. */
async function reported(serve: (lose: (why: Error) => void) => Promise<LeaseEnd>): Promise<string[]> {
  const lines: string[] = [];
  const logger = new DefaultLogger('INFO', ({ level, message, meta }) => {
    if (message.startsWith('lease'))
      lines.push(`${level} ${message}: ${meta?.['store']} ${meta?.['why'] ?? ''}`.trim());
  });
  const taken = (store: string) => {
    lines.push(`${store} is held`);
    return () => void lines.push(`${store} is not held`);
  };
  const lost = new AbortController();
  const run = () => withLease('abc', lost.signal, taken, () => serve((why) => lost.abort(why)));
  await new MockActivityEnvironment({}, { logger })
    .run(run)
    .catch((error: Error) => lines.push(`threw: ${error.message}`));
  return lines;
}

const TAKEN = ['INFO lease taken: abc', 'abc is held'];

test('a lease is reported when it is taken, and when it is given back', async () => {
  const lines = await reported(() => Promise.resolve('rotated'));
  expect(lines).toEqual([...TAKEN, 'INFO lease given back: abc rotated', 'abc is not held']);
});

test('a lost lease is a warning, with the reason', async () => {
  const why = new Error('not renewed');
  const lines = await reported((lose) => Promise.reject((lose(why), why)));
  expect(lines).toEqual([...TAKEN, 'WARN lease lost: abc not renewed', 'abc is not held', 'threw: not renewed']);
});

test('so is one that ends in another way, for instance because it was cancelled', async () => {
  const lines = await reported(() => Promise.reject(new Error('cancelled')));
  expect(lines).toEqual([...TAKEN, 'WARN lease given up: abc cancelled', 'abc is not held', 'threw: cancelled']);
});

/** How a queue was used that nothing has run on for this long. */
function idleFor(seconds: number, isOwedRetry = false): QueueUsage {
  const usage = new QueueUsage();
  return Object.assign(usage, { idleMs: () => seconds * 1_000, isOwedRetry });
}

test.each<[string, QueueUsage, number, boolean, LeaseEnd | undefined]>([
  ['is kept while the queue is used', idleFor(0), 600, false, undefined],
  ['is kept for most of a minute after that', idleFor(59), 600, false, undefined],
  ['is given back after a minute', idleFor(60), 600, false, 'idle'],
  ['is given back after seconds if no place is left', idleFor(3), 200, true, 'idle'],
  ['is kept while a failed chunk is to come back', idleFor(3, true), 200, true, undefined],
  ['is kept for that no longer than a minute', idleFor(60, true), 200, true, 'idle'],
  ['is kept as long as it was held for only a moment', idleFor(3_000), 2, true, undefined],
  ['is rotated after an hour', idleFor(0), 3_600, false, 'rotated'],
  ['is rotated after five minutes if no place is left', idleFor(0), 300, true, 'rotated'],
])('a lease %s', (_, usage, heldForSeconds, isFull, end) => {
  expect(leaseEnd(usage, heldForSeconds * 1_000, isFull)).toBe(end);
});
