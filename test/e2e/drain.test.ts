import { progressQuery } from '../../src/contract/job.ts';
import { customers } from '../support/customers.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

/** Events after which a run continues as new. */
const RENEWED_AT = 100;

const system = useSystem({
  emulator: ['--customers', '1000', '--latency', '2000'],
  server: { dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': RENEWED_AT } },
});

async function replaceWorker(): Promise<void> {
  await Promise.all((await system.workersUp()).map((worker) => worker.kill()));
  await system.control('faults', { fault: 'latency', ms: 50 });
  await system.startWorker();
}

test('a worker that dies while a job drains for continue-as-new stops nothing: all is sent', async () => {
  const handle = await system.start('dies in a drain', { storeHash: 'abc', source: { customers: customers(400) } });
  const { runId } = await handle.describe();
  const latest = system.client.workflow.getHandle(handle.workflowId);
  await until(async () => {
    const now = await latest.describe();
    return now.runId !== runId || now.historyLength > RENEWED_AT;
  });
  await replaceWorker();
  expect((await latest.result()).customers).toMatchObject({ total: 400, updated: 400, failed: 0 });
});

test('a worker that dies after a cancel stops nothing: the job ends as cancelled, and its counts add up', async () => {
  const handle = await system.start('dies in a cancel', { storeHash: 'abc', source: { customers: customers(400) } });
  await until(async () => (await handle.query(progressQuery)).chunks.done >= 2);
  await handle.cancel();
  await until(async () => (await handle.query(progressQuery)).state === 'cancelling');
  await replaceWorker();
  await expect(handle.result()).rejects.toThrow();
  const { state, customers: counts } = await handle.query(progressQuery);
  expect(state).toBe('cancelled');
  expect(counts.updated + counts.unprocessed).toBe(400);
});
