import { progressQuery } from '../../src/contract/job.ts';
import { customers, writeSource } from '../support/customers.ts';
import { expectCountsToAddUp, untilDone } from '../support/jobs.ts';
import { useSystem, TOKENS } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '5000', '--latency', '100'] });

const stores = Object.keys(TOKENS);

async function start(storeHash: string, name: string, count: number) {
  const uri = await writeSource(system, `${storeHash}-${name}.ndjson`, customers(count));
  return system.start(name, { storeHash, source: { uri } });
}

test('two stores that one worker serves have three calls in flight each, at the same time', async () => {
  const jobs = await Promise.all(stores.map((store) => start(store, 'side by side', 900)));
  await until(async () => {
    const stats = await system.control<Record<string, { inFlight: number }>>('stats');
    return stores.every((store) => stats[store]?.inFlight === 3);
  });
  for (const job of jobs) expect((await job.result()).customers).toMatchObject({ total: 900, updated: 900 });
});

test('a small job that starts beside a huge one ends while the huge one has most of its chunks to do', async () => {
  const huge = await start('abc', 'huge', 5_000);
  await untilDone(huge, 3);
  const small = await start('abc', 'small', 100);
  expect((await small.result()).customers).toMatchObject({ total: 100, updated: 100 });
  expect((await huge.query(progressQuery)).chunks.done).toBeLessThan(100);

  await huge.cancel();
  await expect(huge.result()).rejects.toThrow();
  const ended = await huge.query(progressQuery);
  expectCountsToAddUp(ended);
  expect(ended.customers.unprocessed).toBeGreaterThan(4_000);
});

test('two workers that serve a store each end two jobs on each, and nothing is lost or sent twice', async () => {
  await Promise.all(system.workers.map((worker) => worker.stop()));
  await Promise.all([system.startWorker({ MAX_STORES: '1' }), system.startWorker({ MAX_STORES: '1' })]);
  const jobs = await Promise.all(
    stores.flatMap((store) => ['one', 'another'].map((name) => start(store, name, name === 'one' ? 500 : 300))),
  );
  await until(async () => {
    const holders = await Promise.all(stores.map((store) => system.holder(store)));
    return holders.every(Boolean) && new Set(holders).size === 2;
  });
  const results = await Promise.all(jobs.map((job) => job.result()));
  results.forEach(expectCountsToAddUp);
  expect(results.map(({ customers: { updated } }) => updated)).toEqual([500, 300, 500, 300]);
  for (const store of stores) {
    expect(await system.stats(store)).toMatchObject({ customersApplied: 800, customersUpdatedDistinct: 500 });
  }
});
