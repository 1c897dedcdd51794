/** Leases beyond their ordinary life: more stores than places, and more signals than a run may take. */
import { openSignal, progressQuery, storeWorkflowId } from '../../src/contract/job.ts';
import { customers } from '../support/customers.ts';
import { buildWith } from '../support/next-version.ts';
import { tokensOf, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

describe('more stores than places', () => {
  const stores = Array.from({ length: 60 }, (_, index) => `s${index}`);
  const system = useSystem({
    tokens: tokensOf(stores),
    emulator: ['--customers', '100', '--latency', '50'],
    workers: 2,
  });

  // Jobs that had to wait for an idle lease would end a minute after the others.
  const IDLE_MINUTE_MS = 45_000;

  test('two workers with twenty places each serve sixty stores with a small job each, and nobody waits for an idle minute', async () => {
    const begun = performance.now();
    const input = (storeHash: string) => ({ storeHash, source: { customers: customers(30) } });
    const endedAfter = await Promise.all(
      stores.map(async (store) => {
        expect((await system.run('small', input(store))).customers).toMatchObject({ total: 30, updated: 30 });
        return performance.now() - begun;
      }),
    );
    endedAfter.sort((a, b) => a - b);
    const [fortieth, last] = [endedAfter[39] as number, endedAfter[59] as number];
    const seconds = (ms: number) => (ms / 1_000).toFixed(1);
    console.info(`60 stores, a job each, 40 places: 40 ended in ${seconds(fortieth)} s, all in ${seconds(last)} s`);
    expect(last - fortieth).toBeLessThan(IDLE_MINUTE_MS);
  });
});

describe('more stores with much to do than places', () => {
  const system = useSystem({ emulator: ['--customers', '600', '--latency', '500'], workers: 0 });

  test('take turns: of two stores and one place, each gets on while the other still has most to do', async () => {
    const module = 'activities/serve-store-queue.js';
    const dist = await buildWith(`${system.folder}/turns`, module, 'ROTATE_WHEN_FULL_MS', 3_000);
    await system.startWorker({ MAX_STORES: '1' }, undefined, `${dist}/worker.js`);
    const jobs = await Promise.all(
      ['abc', 'def'].map((storeHash) => system.start('long', { storeHash, source: { customers: customers(600) } })),
    );
    // In the five turns until then, each has had two.
    await until(async () => {
      const done = await Promise.all(jobs.map(async (job) => (await job.query(progressQuery)).chunks.done));
      expect(Math.max(...done)).toBeLessThan(60);
      return Math.min(...done) > 20;
    });
    for (const job of jobs) expect((await job.result()).customers).toMatchObject({ total: 600, updated: 600 });
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
    // Signals that arrive together share a workflow task, so how many make a hundred events depends on the machine.
    await until(async () => {
      await serveStore.signal(openSignal);
      return (await serveStore.describe()).runId !== runId;
    });
    expect((await job.result()).customers).toMatchObject({ total: 900, updated: 900 });
    expect(await system.stats()).toMatchObject({ customersUpdatedDistinct: 900, customersAppliedMoreThanOnce: 0 });
  });
});
