import { defaultPayloadConverter } from '@temporalio/common';
import { customers } from '../support/customers.ts';
import { expectCountsToAddUp } from '../support/jobs.ts';
import { allFailures, useSystem, type JobHandle } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '1000', '--latency', '1200'], workers: 2 });

/** What the chunk's last heartbeat says of its isolation. */
async function heartbeaten(job: JobHandle) {
  const { raw } = await job.describe();
  const chunk = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'updateChunk');
  const [payload] = chunk?.heartbeatDetails?.payloads ?? [];
  const details = payload && defaultPayloadConverter.fromPayload<{ state?: { updated: []; rejected: [] } }>(payload);
  return details?.state ?? { updated: [], rejected: [] };
}

test('a worker dies in the middle of an isolation, and the next attempt sends only those who are not settled', async () => {
  const unknown = [2, 4, 6, 7, 8, 9, 10];
  const rows = customers(10).map((row) => (unknown.includes(row.id) ? { ...row, id: 900_000 + row.id } : row));
  // The store names nobody, so that the chunk is halved; of each half it then names one unknown customer after the other.
  await system.control('faults', { fault: 'status', status: 422 });
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
