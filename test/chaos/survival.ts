/**
 * `npm run test:survival`: the promises, one disturbance at a time, with its figures. Exits with 1 if a
 * promise was broken. `-- NAME …` runs only scenarios whose name contains one of the words.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { progressQuery, resumeUpdate, storeWorkflowId, type Progress } from '../../src/contract/job.ts';
import { customers, writeSource } from '../support/customers.ts';
import { startProxy } from '../support/proxy.ts';
import { startSystem, TOKENS, type System, type SystemOptions } from '../support/system.ts';
import { until } from '../support/until.ts';
import { BY_EMAIL, byEmail } from './by-email.ts';

/** The outcome of a scenario: figures in words, and whether the promise was kept. */
interface Outcome {
  figures: string;
  kept: boolean;
}

interface Scenario {
  name: string;
  system: SystemOptions;
  run(system: System): Promise<Outcome>;
}

const CUSTOMERS = 3_000;
const SLOW = ['--customers', String(CUSTOMERS), '--latency', '250'];

const scenarios: Scenario[] = [
  {
    name: '3 workers, 6 × SIGKILL',
    system: { emulator: SLOW, workers: 3 },
    run: (system) => disturbed(system, 6, () => killHolder(system)),
  },
  {
    name: '3 workers, 6 × SIGTERM',
    system: { emulator: SLOW, workers: 3 },
    async run(system) {
      const outcome = await disturbed(system, 6, async () => {
        const worker = await holderOf(system);
        await system.startWorker();
        await worker.stop(120_000);
      });
      const { customersAppliedMoreThanOnce: twice } = await system.stats();
      return { figures: `${outcome.figures}, ${twice} sent twice`, kept: outcome.kept && twice === 0 };
    },
  },
  {
    name: '3 workers, 3 freezes of 16 s',
    system: { emulator: SLOW, workers: 3 },
    run: (system) =>
      disturbed(system, 3, async () => {
        const worker = await holderOf(system);
        worker.signal('SIGSTOP');
        await sleep(16_000);
        worker.signal('SIGCONT');
      }),
  },
  {
    name: 'cut off from Temporal for 20 s during calls of 15 s',
    system: { emulator: ['--customers', String(CUSTOMERS), '--latency', '15000'], workers: 0 },
    async run(system) {
      const proxy = await startProxy(system.server.address);
      await system.startWorker({ TEMPORAL_ADDRESS: proxy.address });
      const handle = await start(system, 300);
      await reached(handle, ({ chunks }) => chunks.done >= 1);
      await until(async () => (await system.stats()).inFlight === 3);
      await system.startWorker();
      proxy.cut();
      await sleep(20_000);
      proxy.mend();
      const { customers: counts } = await handle.result();
      const { maxInFlight } = await system.stats();
      proxy.close();
      return {
        figures: `${counts.updated} of 300 updated, most in flight ${maxInFlight}`,
        kept: counts.updated === 300 && maxInFlight === 3,
      };
    },
  },
  {
    name: 'serveStore terminated while its holder is frozen during calls of 45 s',
    system: { emulator: ['--customers', String(CUSTOMERS), '--latency', '45000'] },
    async run(system) {
      const handle = await start(system, 70);
      await reached(handle, ({ chunks }) => chunks.done >= 1);
      await until(async () => (await system.stats()).inFlight === 3);
      const frozen = await holderOf(system);
      // Long enough for a renewal that reports them.
      await sleep(3_000);
      frozen.signal('SIGSTOP');
      await system.startWorker();
      await system.client.workflow.getHandle(storeWorkflowId('abc')).terminate();
      await system.openStore();
      await sleep(60_000);
      frozen.signal('SIGCONT');
      const { customers: counts } = await handle.result();
      const { maxInFlight } = await system.stats();
      return {
        figures: `${counts.updated} of 70 updated, most in flight ${maxInFlight}`,
        kept: counts.updated === 70 && maxInFlight === 3,
      };
    },
  },
  {
    name: 'quota of 60 in 5 s, 30 ms a call',
    system: { emulator: ['--customers', String(CUSTOMERS), '--latency', '30', '--quota', '60', '--window', '5000'] },
    async run(system) {
      const handle = await start(system);
      const { calls } = await handle.result();
      const { throttled429, firstRequestAt, lastRequestAt } = await system.stats();
      const took = Date.parse(String(lastRequestAt)) - Date.parse(String(firstRequestAt));
      // The first window begins with the first call, and the last call comes early in the last one.
      const allowed = Math.floor((calls - 1) / 60) * 5_000;
      const over = took / allowed - 1;
      return {
        figures: `${calls} calls, ${throttled429} answered 429, ${(over * 100).toFixed(1)}% over the time the quota allows`,
        kept: Number(throttled429) <= 3 && over < 0.15,
      };
    },
  },
  {
    name: 'one slot of three left by another app',
    system: { emulator: ['--customers', String(CUSTOMERS), '--latency', '100'] },
    async run(system) {
      await system.control('faults', { fault: 'other-app', slots: 2 });
      const handle = await start(system);
      const { calls, throttled, customers: counts } = await handle.result();
      const share = throttled / calls;
      return {
        figures: `${calls} calls, ${(share * 100).toFixed(1)}% answered 429, ${counts.updated} updated`,
        kept: share < 0.2 && counts.updated === CUSTOMERS,
      };
    },
  },
  {
    name: 'outage of 45 s',
    system: { emulator: ['--customers', String(CUSTOMERS), '--latency', '50'] },
    async run(system) {
      const handle = await start(system);
      await reached(handle, ({ chunks }) => chunks.done >= 50);
      await system.control('faults', { fault: 'status', status: 503, seconds: 45, on: 'all' });
      const { customers: counts } = await handle.result();
      return {
        figures: `${counts.updated} updated, ${counts.failed} failed, nobody acted`,
        kept: counts.updated === CUSTOMERS,
      };
    },
  },
  {
    name: 'token revoked in mid-job',
    system: { emulator: ['--customers', String(CUSTOMERS), '--latency', '50'] },
    async run(system) {
      const handle = await start(system);
      await reached(handle, ({ chunks }) => chunks.done >= 50);
      await system.control('tokens', { store: 'abc', token: 'another-token' });
      await reached(handle, ({ state }) => state === 'held');
      // Long enough for the job to ask again by itself.
      await sleep(35_000);
      const { byStatus } = await system.control<{ byStatus: Record<string, number> }>('stats?store=abc');
      const { waitingFor } = await handle.query(progressQuery);
      await system.control('tokens', { store: 'abc', token: TOKENS.abc });
      await handle.executeUpdate(resumeUpdate);
      const { customers: counts } = await handle.result();
      const refused = byStatus['401'] ?? 0;
      return {
        figures: `${refused} calls with it, then held (“${waitingFor?.message}”); ${counts.updated} updated after resume`,
        kept: refused <= 12 && waitingFor?.kind === 'refused' && counts.updated === CUSTOMERS,
      };
    },
  },
  {
    name: 'two stores and one worker with MAX_STORES=1',
    system: { emulator: SLOW, workers: 0 },
    async run(system) {
      await system.startWorker({ MAX_STORES: '1' });
      // The first job is still busy when the second one has waited long enough to say why.
      await system.control('faults', { fault: 'latency', ms: 5_000, store: 'abc' });
      const first = await start(system, 300);
      await reached(first, ({ chunks }) => chunks.done >= 1);
      const input = (storeHash: string) => ({ storeHash, source: { customers: customers(300) } });
      const second = await system.start('second', input('def'));
      await reached(second, ({ waitingFor }) => waitingFor?.kind === 'lease');
      const told = (await second.query(progressQuery)).waitingFor?.message ?? '';
      await system.control('faults', { fault: 'latency', ms: 100, store: 'abc' });
      // Served once the lease of the first store was idle for a few seconds, and given back.
      const results = [await first.result(), await second.result()];
      const { status } = await system.client.workflow.getHandle(storeWorkflowId('abc')).describe();
      await system.startWorker();
      results.push(await system.run('third', input('abc')));
      const updated = results.map((result) => result.customers.updated);
      const inFlight = [await system.stats('abc'), await system.stats('def')].map(({ maxInFlight }) => maxInFlight);
      return {
        figures: `the second store's job waited (“${told}”), then ${updated.join(', ')} of 300 updated each, serveStore of the first ${status.name}, most in flight ${inFlight.join(' and ')}`,
        kept:
          [...updated, ...inFlight].join() === '300,300,300,3,3' &&
          status.name === 'COMPLETED' &&
          told.includes('MAX_STORES'),
      };
    },
  },
  {
    name: '100,000 rows by e-mail with a backup',
    system: { emulator: ['--customers', String(BY_EMAIL), '--latency', '20'] },
    run: (system) => byEmail(system),
  },
  {
    name: '100,000 rows by e-mail with a backup, 2 workers, SIGKILL every 10 s',
    system: { emulator: ['--customers', String(BY_EMAIL), '--latency', '20'], workers: 2 },
    run: (system) => byEmail(system, () => killHolder(system)),
  },
];

async function killHolder(system: System): Promise<void> {
  await (await holderOf(system)).kill();
  await system.startWorker();
}

/** Starts a job for all customers, or for this many. */
async function start(system: System, count = CUSTOMERS) {
  const uri = await writeSource(system, 'all.ndjson', customers(count));
  return system.start('survival', { storeHash: 'abc', source: { uri } });
}

async function reached(handle: WorkflowHandle, is: (progress: Progress) => boolean): Promise<void> {
  await until(async () => is(await handle.query(progressQuery)));
}

async function holderOf(system: System) {
  await until(async () => (await system.holder()) !== undefined);
  const worker = await system.holder();
  if (!worker) throw new Error('Nobody holds the lease.');
  return worker;
}

/** A job that is disturbed this many times, each time at a random moment in a tenth of it. */
async function disturbed(system: System, times: number, disturb: () => Promise<void>): Promise<Outcome> {
  const handle = await start(system);
  for (let time = 0; time < times; time++) {
    const done = 15 + time * Math.floor(240 / times) + Math.floor(Math.random() * 20);
    await reached(handle, ({ chunks }) => chunks.done >= done);
    await disturb();
  }
  const { customers: counts } = await handle.result();
  const { maxInFlight, customersUpdatedDistinct } = await system.stats();
  const lost = CUSTOMERS - Number(customersUpdatedDistinct);
  return {
    figures: `${counts.updated} of ${CUSTOMERS} updated, ${lost} lost, most in flight ${maxInFlight}`,
    kept: counts.updated === CUSTOMERS && lost === 0 && maxInFlight === 3,
  };
}

const wanted = process.argv.slice(2);
for (const scenario of scenarios) {
  if (wanted.length > 0 && !wanted.some((word) => scenario.name.includes(word))) continue;
  const system = await startSystem(scenario.system);
  try {
    const { figures, kept } = await scenario.run(system);
    console.log(`${kept ? 'kept  ' : 'BROKEN'}  ${scenario.name}: ${figures}`);
    if (!kept) process.exitCode = 1;
  } finally {
    await system.close();
  }
}
