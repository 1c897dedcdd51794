/** A customer for whom the store gives no answer, while it does for all others. */
import { failuresQuery, progressQuery } from '../../src/contract/job.ts';
import { customers } from '../support/customers.ts';
import { expectCountsToAddUp } from '../support/jobs.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '1000', '--latency', '20'] });

test.each([
  ['in the middle of a job', 300, 107],
  ['in the last chunk of a job', 300, 297],
  ['that is all of the last chunk', 281, 281],
  ['in a job of one chunk', 10, 3],
  ['that is the whole job', 1, 1],
])('a customer that the store can not digest, %s, fails alone, and the job ends', async (name, count, undigested) => {
  await system.control('faults', { fault: 'status', status: 500, customer: undigested, count: 'always' });
  const handle = await system.start(name, { storeHash: 'abc', source: { customers: customers(count) } });
  const result = await handle.result();
  expect(result.customers).toMatchObject({ total: count, updated: count - 1, failed: 1, rejected: 0, unprocessed: 0 });
  expectCountsToAddUp(result);
  expect((await handle.query(failuresQuery)).failures).toEqual([
    {
      row: undigested,
      line: null,
      id: undigested,
      outcome: 'failed',
      code: 'unavailable',
      message: expect.stringMatching(/status 500.*[0-9]+ times/),
    },
  ]);
  const { customersUpdatedDistinct, maxInFlight } = await system.stats();
  expect(Number(customersUpdatedDistinct)).toBe(count - 1);
  expect(Number(maxInFlight)).toBeLessThanOrEqual(3);
});

test.each([
  ['of ten customers', 10],
  ['of one customer', 1],
])('an outage of all writes holds a job %s, which ends by itself when it is over', async (name, count) => {
  await system.control('faults', { fault: 'status', status: 503, count: 'always' });
  const handle = await system.start(name, { storeHash: 'abc', source: { customers: customers(count) } });
  await until(async () => (await handle.query(progressQuery)).waitingFor?.kind === 'outage', 120_000);
  await system.control('faults', { clear: true });
  expect((await handle.result()).customers).toMatchObject({ total: count, updated: count });
});
