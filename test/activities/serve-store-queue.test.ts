import { DefaultLogger } from '@temporalio/worker';
import { MockActivityEnvironment } from '@temporalio/testing';
import { withLease } from '../../src/activities/serve-store-queue.ts';
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
