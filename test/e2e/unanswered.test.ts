import { readFile } from 'node:fs/promises';
import { customerUpdate } from '../../src/client.ts';
import { progressQuery } from '../../src/contract/job.ts';
import { customers, writeSource } from '../support/customers.ts';
import { expectCountsToAddUp } from '../support/jobs.ts';
import { allFailures, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '6000', '--latency', '250'] });

test('chunks that the store never answers fail as unavailable, all others are updated, and nobody has to act', async () => {
  await system.control('faults', [
    { fault: 'status', status: 504, customer: 15, count: 'always' },
    { fault: 'reset', customer: 25, count: 'always' },
  ]);
  const unanswered = Array.from({ length: 20 }, (_, index) => 11 + index);
  const uri = await writeSource(system, 'poison.ndjson', customers(6_000));
  const handle = await system.start('poison', { storeHash: 'abc', source: { uri } });
  // Others must be settled between their tries: a store that answers nobody has an outage.
  await until(async () => (await handle.query(progressQuery)).customers.failed === 20);
  await system.control('faults', { fault: 'latency' });

  const result = await handle.result();
  expectCountsToAddUp(result);
  expect(result.customers).toMatchObject({ total: 6_000, updated: 5_980, failed: 20 });
  const failures = (await allFailures(handle)).map(({ id, outcome, code }) => ({ id, outcome, code }));
  expect(failures).toEqual(unanswered.map((id) => ({ id, outcome: 'failed', code: 'unavailable' })));
  expect(await system.stats()).toMatchObject({ customersUpdatedDistinct: 5_980, customersAppliedMoreThanOnce: 0 });
  const retry = (await readFile(new URL(result.retry ?? ''), 'utf8')).trim().split('\n');
  expect(retry.map((line) => (JSON.parse(line) as { id: number }).id)).toEqual(unanswered);
});

test('a store that throttles for long is told as one that throttles, not as one that is slow', async () => {
  await system.control('faults', { fault: 'throttle', store: 'def', retryAfter: 40, count: 1 });
  const handle = await system.start('throttled', { storeHash: 'def', source: { customers: customers(30) } });
  // All that the job itself knows is that it hears nothing.
  await until(async () => (await handle.query(progressQuery)).waitingFor?.kind === 'lease');
  const { waitingFor } = await customerUpdate(system.client, handle.workflowId).progress();
  expect(waitingFor).toMatchObject({ kind: 'throttle', until: expect.any(String) });
  expect((await handle.result()).customers).toMatchObject({ total: 30, updated: 30 });
});
