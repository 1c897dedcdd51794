import { pauseUpdate, resumeUpdate, progressQuery } from '../../src/contract/job.ts';
import { customers } from '../support/customers.ts';
import { expectCountsToAddUp, lastFailure } from '../support/jobs.ts';
import { useSystem, TOKENS } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '1000', '--latency', '20'] });

const start = (name: string, count: number) =>
  system.start(name, { storeHash: 'abc', source: { customers: customers(count) } });

/** Attempts of the chunks that needed more than one. */
async function retried(handle: Awaited<ReturnType<typeof start>>): Promise<{ type: string; attempt: number }[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap(({ activityTaskStartedEventAttributes: started }) =>
    started?.lastFailure && (started.attempt ?? 0) > 1
      ? [{ type: started.lastFailure.applicationFailureInfo?.type ?? '', attempt: started.attempt ?? 0 }]
      : [],
  );
}

test('a 429 is an attempt in the history, tried again no earlier than the store says', async () => {
  await system.control('faults', { fault: 'throttle', count: 1, after: 2 });
  const handle = await start('throttled', 60);
  const result = await handle.result();
  expect(result.customers).toMatchObject({ total: 60, updated: 60 });
  expect(result.throttled).toBe(1);
  expect(result.calls).toBe(7);
  expect(await retried(handle)).toEqual([{ type: 'Throttled', attempt: 2 }]);
  expect(await system.stats()).toMatchObject({ callsAfterThrottle: 0, customersAppliedMoreThanOnce: 0 });
});

test.each([
  ['500', { fault: 'status', status: 500 }],
  ['502 in HTML', { fault: 'status', status: 502 }],
  ['503', { fault: 'status', status: 503 }],
  ['504 after it was applied', { fault: 'status', status: 504, applied: true }],
  ['a reset connection', { fault: 'reset' }],
  ['a connection reset after it was applied', { fault: 'reset-after' }],
  ['a truncated answer', { fault: 'truncate' }],
])('%s is tried again, and every customer is updated', async (name, fault) => {
  await system.control('faults', { ...fault, count: 2, after: 1 });
  const handle = await start(name, 40);
  const result = await handle.result();
  expect(result.customers).toMatchObject({ total: 40, updated: 40 });
  expect(result.calls).toBe(6);
  expect((await retried(handle)).every(({ type }) => type === 'Unavailable')).toBe(true);
  expect((await retried(handle)).length).toBeGreaterThan(0);
});

test('a revoked token holds the job after few calls, and resume finishes it', async () => {
  await system.control('faults', { fault: 'latency', ms: 300 });
  const handle = await start('revoked', 300);
  await until(async () => (await handle.query(progressQuery)).chunks.done >= 5);
  await system.control('tokens', { store: 'abc', token: 'reissued' });
  await until(async () => (await handle.query(progressQuery)).state === 'held');
  const held = await handle.query(progressQuery);
  expect(held.waitingFor).toMatchObject({ kind: 'refused', message: expect.stringMatching(/token/) });
  await until(async () => (await handle.describe()).raw.pendingActivities?.length === 0);
  const { byStatus } = await system.control<{ byStatus: Record<string, number> }>('stats?store=abc');
  expect(byStatus['401']).toBeLessThanOrEqual(3);

  await system.control('tokens', { store: 'abc', token: TOKENS.abc });
  await handle.executeUpdate(resumeUpdate);
  expect((await handle.result()).customers).toMatchObject({ total: 300, updated: 300 });
});

test('too many rejections hold the job, and resume waives them', async () => {
  const rows = customers(400).map((row, index) => (index < 150 && index % 2 ? { ...row, id: 5_000_000 + index } : row));
  const handle = await system.start('rejections', { storeHash: 'abc', source: { customers: rows } });
  await until(async () => (await handle.query(progressQuery)).state === 'held');
  const held = await handle.query(progressQuery);
  expect(held.waitingFor).toMatchObject({ kind: 'rejections', until: null });
  expect(held.customers.unprocessed).toBeGreaterThan(0);

  await handle.executeUpdate(resumeUpdate);
  expect((await handle.result()).customers).toMatchObject({ total: 400, updated: 325, rejected: 75 });
});

test('an outage holds the job, which continues by itself when the store answers again', async () => {
  await system.control('faults', { fault: 'latency', ms: 300 });
  const handle = await start('outage', 300);
  await until(async () => (await handle.query(progressQuery)).chunks.done >= 3);
  await system.control('faults', { fault: 'status', status: 503, count: 'always' });
  await until(async () => (await handle.query(progressQuery)).state === 'held');
  expect((await handle.query(progressQuery)).waitingFor).toMatchObject({
    kind: 'outage',
    until: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  await system.control('faults', { clear: true });
  expect((await handle.result()).customers).toMatchObject({ total: 300, updated: 300, failed: 0 });
});

test('a dry run waits out an outage, and completes when the store answers again', async () => {
  await system.control('faults', { fault: 'status', status: 503, on: 'all', count: 'always' });
  const input = { storeHash: 'abc', source: { customers: customers(20) }, options: { dryRun: true } };
  const handle = await system.start('dry in an outage', input);
  await until(async () => (await lastFailure(handle)).includes('The store gave the status 503'));
  await expect(handle.executeUpdate(pauseUpdate, { args: [{}] })).rejects.toMatchObject({
    cause: { message: expect.stringContaining('dry run, which sends nothing') },
  });
  await system.control('faults', { clear: true });
  const result = await handle.result();
  expectCountsToAddUp(result);
  expect(result.customers).toMatchObject({ total: 20, unprocessed: 20 });
  expect(await system.stats()).toMatchObject({ puts: 0, customersApplied: 0 });
});
