/** How stores are served: by several workers, to several jobs, and when a worker or serveStore ends early. */
import { readFile } from 'node:fs/promises';
import { defaultPayloadConverter } from '@temporalio/common';
import { pauseUpdate, progressQuery, resumeUpdate, storeWorkflowId } from '../../src/contract/job.ts';
import { customers, writeSource } from '../support/customers.ts';
import { expectCountsToAddUp, untilDone } from '../support/jobs.ts';
import { reset } from '../support/reset.ts';
import { allFailures, type JobHandle, TOKENS, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '5000', '--latency', '50'], workers: 0 });

/** Replaces all workers by two that serve one store each, so that a lease that moves goes to the other process. */
async function startTwoWorkers(): Promise<void> {
  await Promise.all((await system.workersUp()).map((worker) => worker.stop()));
  await Promise.all([system.startWorker({ MAX_STORES: '1' }), system.startWorker({ MAX_STORES: '1' })]);
}

describe('workers with two job stores', () => {
  /** A job that was begun where its files are, and is served by a worker that has another job store. */
  async function misplaced(name: string): Promise<JobHandle> {
    await Promise.all((await system.workersUp()).map((worker) => worker.stop()));
    const worker = await system.startWorker();
    // Too slow to end before the other worker is there.
    await system.control('faults', { fault: 'latency', ms: 3_000 });
    const job = await system.start(name, { storeHash: 'abc', source: { customers: customers(600) } });
    await untilDone(job, 1);
    await job.executeUpdate(pauseUpdate, { args: [{}] });
    await system.control('faults', { clear: true });
    await until(async () => ((await job.describe()).raw.pendingActivities ?? []).length === 0);
    await system.startWorker({ JOB_STORE: `file:${system.folder}/elsewhere` });
    await worker.stop();
    await job.executeUpdate(resumeUpdate);
    const waitsFor = async () => (await job.query(progressQuery)).waitingFor?.message ?? '';
    await until(async () =>
      /\/data \(\w{8}\), and this worker has another one, file:.*\/elsewhere /.test(await waitsFor()),
    );
    return job;
  }

  test('a job waits, names both, and continues where its files are', async () => {
    const job = await misplaced('misplaced');
    await Promise.all((await system.workersUp()).map((worker) => worker.stop()));
    await system.startWorker();
    await job.executeUpdate(resumeUpdate);
    expect((await job.result()).customers).toMatchObject({ total: 600, updated: 600, failed: 0 });
    expect(await system.stats()).toMatchObject({ maxInFlight: 3, customersUpdatedDistinct: 600 });
  });

  test('what was given to no call is not reported as maybe sent, and the report is written where the files are', async () => {
    const job = await misplaced('misplaced and cancelled');
    await job.cancel();
    await system.startWorker();
    await expect(job.result()).rejects.toThrow();
    const { customers: counts, report } = await job.query(progressQuery);
    expect(counts.failed).toBe(0);
    expect(counts.updated + counts.unprocessed).toBe(600);
    expect(await readFile(new URL(report ?? ''), 'utf8')).not.toContain('may have been sent');
  });
});

describe('serveStore ends early', () => {
  beforeAll(startTwoWorkers);

  const serveStore = () => system.client.workflow.getHandle(storeWorkflowId('abc'));

  /** A job that is disturbed while three of its calls are in flight and hang. */
  async function disturbed(name: string, disturb: () => Promise<unknown>): Promise<JobHandle> {
    await system.control('faults', { fault: 'hang', after: 5, count: 3 });
    const job = await system.start(name, { storeHash: 'abc', source: { customers: customers(600) } });
    await until(async () => {
      const { puts, inFlight } = await system.stats();
      return puts === 8 && inFlight === 3;
    });
    await disturb();
    return job;
  }

  async function expectAllUpdated(job: JobHandle): Promise<void> {
    expect((await job.result()).customers).toMatchObject({ total: 600, updated: 600 });
    expect(await system.stats()).toMatchObject({ customersUpdatedDistinct: 600 });
  }

  test('serveStore is terminated while a job runs, which opens the store again when resumed', async () => {
    const job = await disturbed('terminated', () => serveStore().terminate());
    await job.executeUpdate(pauseUpdate, { args: [{}] });
    await job.executeUpdate(resumeUpdate);
    await expectAllUpdated(job);
  });

  test('serveStore is terminated while a job runs, and the next job that opens the store has it served for both', async () => {
    const job = await disturbed('terminated again', () => serveStore().terminate());
    const next = await system.run('next', { storeHash: 'abc', source: { customers: customers(50) } });
    expect(next.customers).toMatchObject({ total: 50, updated: 50 });
    await expectAllUpdated(job);
  });

  test('serveStore is reset while a job runs, which continues', async () => {
    await expectAllUpdated(await disturbed('reset', () => reset(system, serveStore())));
  });
});

describe('isolation', () => {
  beforeAll(startTwoWorkers);

  /** How far its isolation is, by the chunk's last heartbeat. */
  async function heartbeaten(job: JobHandle) {
    const { raw } = await job.describe();
    const chunk = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'updateChunk');
    const [payload] = chunk?.heartbeatDetails?.payloads ?? [];
    const details = payload && defaultPayloadConverter.fromPayload<{ state?: { updated: []; rejected: [] } }>(payload);
    return details?.state ?? { updated: [], rejected: [] };
  }

  test('a worker dies in the middle of an isolation, and the next attempt sends only those without an answer', async () => {
    const unknown = [2, 4, 6, 7, 8, 9, 10];
    const rows = customers(10).map((row) => (unknown.includes(row.id) ? { ...row, id: 900_000 + row.id } : row));
    // The store names nobody, so the chunk is halved; then it names the unknown customers of each half one by one.
    await system.control('faults', { fault: 'status', status: 422 });
    await system.control('faults', { fault: 'latency', ms: 2_500 });
    const callsOfAll = 1 + (2 + 1) + 5;
    const job = await system.start('isolation', { storeHash: 'abc', source: { customers: rows } });

    await until(async () => (await heartbeaten(job)).updated.length > 0);
    const { updated, rejected } = await heartbeaten(job);
    expect(updated).toHaveLength(3);
    const callsBefore = 1 + rejected.length + 1;
    await (await system.holder())?.kill();
    await system.control('faults', { fault: 'latency', ms: 20 });
    const { puts } = await system.stats();

    const result = await job.result();
    expectCountsToAddUp(result);
    expect(result.customers).toMatchObject({ total: 10, updated: 3, rejected: 7 });
    expect((await allFailures(job)).map(({ row }) => row)).toEqual(unknown);
    const stats = await system.stats();
    expect(Number(stats.puts) - Number(puts)).toBe(callsOfAll - callsBefore);
    expect(stats).toMatchObject({ customersUpdatedDistinct: 3, customersAppliedMoreThanOnce: 0 });
  });
});

describe('stores side by side', () => {
  const stores = Object.keys(TOKENS);

  async function start(storeHash: string, name: string, count: number) {
    const uri = await writeSource(system, `${storeHash}-${name}.ndjson`, customers(count));
    return system.start(name, { storeHash, source: { uri } });
  }

  beforeEach(() => system.control('faults', { fault: 'latency', ms: 100 }));

  test('two stores that one worker serves have three calls in flight each, at the same time', async () => {
    await Promise.all((await system.workersUp()).map((worker) => worker.stop()));
    await system.startWorker();
    // So slow that neither job can end before the other one is seen.
    await system.control('faults', { fault: 'latency', ms: 5_000 });
    const jobs = await Promise.all(stores.map((store) => start(store, 'side by side', 300)));
    await until(async () => {
      const stats = await system.control<Record<string, { inFlight: number }>>('stats');
      return stores.every((store) => stats[store]?.inFlight === 3);
    });
    await system.control('faults', { clear: true });
    for (const job of jobs) expect((await job.result()).customers).toMatchObject({ total: 300, updated: 300 });
  });

  test('a small job that starts beside a huge one ends while the huge one still has most of its chunks to do', async () => {
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

  test('two workers that serve one store each finish two jobs on each, and nothing is lost or sent twice', async () => {
    await startTwoWorkers();
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
});
