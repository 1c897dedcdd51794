/** Leases beyond their ordinary life: more stores than places, and more signals than a run may take. */
import { openSignal, storeWorkflowId } from '../../src/contract/job.ts';
import { customers } from '../support/customers.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

describe('more stores than places', () => {
  const stores = Array.from({ length: 60 }, (_, index) => `s${index}`);
  const system = useSystem({
    tokens: Object.fromEntries(stores.map((store) => [store, `token-of-${store}`])),
    emulator: ['--customers', '100', '--latency', '50'],
    workers: 2,
  });

  // It took 67 s when idle leases were kept for a minute; on two quiet cores it is less than 20 s.
  const BEFORE_THE_MINUTE_MS = 50_000;

  test('two workers with twenty places each serve sixty stores with a small job each, and nobody waits for an idle minute', async () => {
    const begun = performance.now();
    const input = (storeHash: string) => ({ storeHash, source: { customers: customers(30) } });
    const jobs = await Promise.all(stores.map((store) => system.start('small', input(store))));
    for (const job of jobs) expect((await job.result()).customers).toMatchObject({ total: 30, updated: 30 });
    const took = performance.now() - begun;
    console.info(`60 stores, a job each, 40 places: all ended in ${(took / 1_000).toFixed(1)} s`);
    expect(took).toBeLessThan(BEFORE_THE_MINUTE_MS);
  });
});

describe('more signals than a run may take', () => {
  const system = useSystem({
    server: { dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 100 } },
    emulator: ['--customers', '2000', '--latency', '100'],
  });

  test('serveStore continues as new long before, while its job runs', async () => {
    const job = await system.start('signalled', { storeHash: 'abc', source: { customers: customers(900) } });
    await until(async () => Number((await system.stats()).puts) > 3);
    const serveStore = system.client.workflow.getHandle(storeWorkflowId('abc'));
    const { runId } = await serveStore.describe();
    for (let i = 0; i < 60; i++) await serveStore.signal(openSignal);
    await until(async () => (await serveStore.describe()).runId !== runId);
    expect((await job.result()).customers).toMatchObject({ total: 900, updated: 900 });
    expect(await system.stats()).toMatchObject({ customersUpdatedDistinct: 900, customersAppliedMoreThanOnce: 0 });
  });
});
