import { progressQuery } from '../../src/contract/job.ts';
import { customers } from '../support/customers.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '1000', '--latency', '300'], workers: 2 });

async function holder() {
  const worker = await system.holder();
  if (!worker) throw new Error('No worker of ours holds the lease.');
  return worker;
}

async function startJob(name: string, count: number) {
  const handle = await system.start(name, { storeHash: 'abc', source: { customers: customers(count) } });
  await until(async () => (await handle.query(progressQuery)).chunks.done >= 6);
  return handle;
}

test('two jobs on one store share its three slots', async () => {
  const [a, b] = await Promise.all([startJob('a', 100), startJob('b', 100)]);
  const results = await Promise.all([a.result(), b.result()]);
  expect(results.map((result) => result.customers.updated)).toEqual([100, 100]);
  expect(await system.stats()).toMatchObject({ maxInFlight: 3 });
});

test('on SIGTERM the serving worker finishes its calls, hands over, and nothing is sent twice', async () => {
  const handle = await startJob('terminated worker', 300);
  const serving = await holder();
  expect(await serving.stop()).toBe(0);
  await system.startWorker();

  expect((await handle.result()).customers).toMatchObject({ total: 300, updated: 300 });
  expect(await system.stats()).toMatchObject({ maxInFlight: 3, unanswered: 0, customersAppliedMoreThanOnce: 0 });
});

test('on SIGKILL another worker takes over, and nothing is lost', async () => {
  const handle = await startJob('killed worker', 300);
  await (await holder()).kill();

  expect((await handle.result()).customers).toMatchObject({ total: 300, updated: 300 });
  expect(await system.stats()).toMatchObject({ maxInFlight: 3, customersUpdatedDistinct: 300 });
});

test('one Ctrl-C under npm, which arrives twice, is one graceful stop', async () => {
  const [worker] = await system.workersUp();
  worker?.signal('SIGINT');
  setTimeout(() => worker?.signal('SIGINT'), 1);
  expect(await worker?.exited).toEqual({ code: 0, signal: null });
  expect(worker?.output()).toMatch(/"msg":"stopped"/);
});
