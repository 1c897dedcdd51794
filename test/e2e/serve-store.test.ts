import { pauseUpdate, resumeUpdate, storeWorkflowId } from '../../src/contract/job.ts';
import { customers } from '../support/customers.ts';
import { reset } from '../support/reset.ts';
import { useSystem, type JobHandle } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '1000', '--latency', '50'], workers: 0 });
beforeAll(async () => {
  // With one store each, the lease goes to the process that has not yet learned of anything.
  await Promise.all([system.startWorker({ MAX_STORES: '1' }), system.startWorker({ MAX_STORES: '1' })]);
});

const serveStore = () => system.client.workflow.getHandle(storeWorkflowId('abc'));

/** A job to which something happens while three calls of it are in flight, which would be so for long. */
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

test('serveStore is terminated while a job runs, which opens the store again when it is resumed', async () => {
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

test('serveStore is reset while a job runs, which goes on', async () => {
  await expectAllUpdated(await disturbed('reset', () => reset(system, serveStore())));
});
