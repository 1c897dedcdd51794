/** Many jobs on one store: what they cost serveStore and the server while they wait for it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { progressQuery, storeWorkflowId } from '../../src/contract/job.ts';
import { customers } from '../support/customers.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const JOBS = 300;

/** How long they are watched; figures are given for an hour. */
const WATCHED_MS = 60_000;

// 5 calls a second, so that 300 jobs of 30 calls wait for each other all the time.
const system = useSystem({
  emulator: ['--customers', '300', '--quota', '150', '--window', '30000', '--latency', '50'],
});

const serveStore = () => system.client.workflow.getHandle(storeWorkflowId('abc'));

async function signalsOf(): Promise<number> {
  const { events } = await serveStore().fetchHistory();
  return (events ?? []).filter(({ workflowExecutionSignaledEventAttributes: signal }) => signal).length;
}

test('three hundred jobs on one store send it a signal each when they begin, and hardly any while they wait', async () => {
  const input = { storeHash: 'abc', source: { customers: customers(300) } };
  const jobs = await Promise.all(Array.from({ length: JOBS }, (_, index) => system.start(`job ${index}`, input)));
  for (const job of jobs) {
    await until(async () => (await job.query(progressQuery).catch(() => undefined))?.state === 'running');
  }
  const toBegin = await signalsOf();
  const eventsOf = async () => {
    const lengths = await Promise.all(jobs.map(async (job) => (await job.describe()).historyLength));
    return lengths.reduce((sum, length) => sum + length, 0);
  };
  const before = { served: (await serveStore().describe()).historyLength, jobs: await eventsOf() };
  await sleep(WATCHED_MS);
  const anHour = (count: number) => Math.round((count * 3_600_000) / WATCHED_MS);
  const signals = anHour((await signalsOf()) - toBegin);
  const served = anHour((await serveStore().describe()).historyLength - before.served);
  const ofJobs = anHour((await eventsOf()) - before.jobs);
  console.info(
    `${JOBS} jobs on one store: ${toBegin} signals to begin; in an hour ${signals} signals and ${served} events of ` +
      `serveStore, and ${Math.round(ofJobs / JOBS)} events of each job`,
  );
  expect(toBegin).toBeLessThanOrEqual(JOBS * 1.5);
  // At most 10,000 a run: serveStore continues as new long before.
  expect(signals).toBeLessThan(1_000);
  expect(ofJobs / JOBS).toBeLessThan(3_000);
});
