import { Serving } from '../../src/activities/serving.ts';

/** A promise and the function that resolves it. */
function deferred() {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

test('a second attempt for a store waits until the first one has ended, even if that failed', async () => {
  const serving = new Serving(2);
  const first = deferred();
  const order: string[] = [];
  const one = serving.serve('abc', async () => {
    await first.promise;
    order.push('first ended');
    throw new Error('lost');
  });
  const two = serving.serve('abc', async () => void order.push('second began'));
  first.resolve();
  await expect(one).rejects.toThrow('lost');
  await two;
  expect(order).toEqual(['first ended', 'second began']);
});

test('stores do not wait for each other', async () => {
  const serving = new Serving(2);
  const first = deferred();
  const one = serving.serve('abc', () => first.promise);
  await serving.serve('def', () => Promise.resolve());
  first.resolve();
  await one;
});

test('draining waits for every store', async () => {
  const serving = new Serving(2);
  const one = deferred();
  let drained = false;
  const served = serving.serve('abc', () => one.promise);
  const drain = serving.drain().then(() => (drained = true));
  expect(serving.draining.aborted).toBe(true);
  expect(serving.handingOver.aborted).toBe(false);
  await Promise.resolve();
  expect(drained).toBe(false);
  one.resolve();
  await drain;
  await served;
});

test('a process is full while it serves as many stores as it may, and for ten seconds after', async () => {
  const clock = { now: 0 };
  const serving = new Serving(2, () => clock.now);
  const [one, two] = [deferred(), deferred()];
  const first = serving.serve('abc', () => one.promise);
  expect(serving.isFull).toBe(false);
  const second = serving.serve('def', () => two.promise);
  expect(serving.isFull).toBe(true);
  clock.now = 60_000;
  one.resolve();
  await first;
  clock.now += 9_999;
  expect(serving.isFull).toBe(true);
  clock.now += 1;
  expect(serving.isFull).toBe(false);
  two.resolve();
  await second;
});
