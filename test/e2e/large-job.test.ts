import { readFile } from 'node:fs/promises';
import { failuresQuery, outcomesQuery, progressQuery } from '../../src/contract/job.ts';
import { readFailures } from '../../src/jobs/failure-files.ts';
import { openStorage } from '../../src/storage/open.ts';
import { customers, writeSource } from '../support/customers.ts';
import { allFailures, useSystem } from '../support/system.ts';

const system = useSystem({
  emulator: ['--customers', '20000', '--latency', '2'],
  // The server's own threshold is 4,096 events; this makes a run some 250 chunks long.
  server: { dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 1000 } },
});

test('a job of 20,000 continues as new several times, counts exactly, and still answers for its early runs', async () => {
  const rows = customers(20_000);
  const unknown = [3, 4, 5_000, 19_999];
  for (const row of unknown) rows[row - 1] = { id: 1_000_000 + row, notes: 'nobody' };
  rows[9] = { id: 10, first_name: '' };
  const uri = await writeSource(system, 'twenty-thousand.ndjson', rows);

  const handle = await system.start('twenty-thousand', { storeHash: 'abc', source: { uri } });
  const result = await handle.result();

  expect(result.customers).toEqual({
    total: 20_000,
    updated: 19_995,
    rejected: 4,
    failed: 0,
    invalid: 1,
    unprocessed: 0,
  });
  expect(result.chunks).toEqual({ total: 2_000, done: 2_000 });
  const stats = await system.stats();
  expect(stats).toMatchObject({ customersApplied: 19_995, customersAppliedMoreThanOnce: 0, maxInFlight: 3 });
  expect(stats.puts).toBe(result.calls);

  const runs = [];
  for await (const run of system.client.workflow.list({ query: `WorkflowId = '${handle.workflowId}'` })) runs.push(run);
  expect(runs.length).toBeGreaterThan(4);

  expect((await allFailures(handle)).map(({ row }) => row)).toEqual([3, 4, 10, 5_000, 19_999]);
  const { total, outcomes } = await handle.query(outcomesQuery, { from: 0, count: 2 });
  expect(total).toBe(2_000);
  expect(outcomes).toMatchObject([
    { rows: [1, 11], updated: 8, rejected: 2 },
    { rows: [12, 21], updated: 10, rejected: 0 },
  ]);
});

test('a job of 6,000 that reads goes on reading, counting and backing up over several runs', async () => {
  // Every other customer has a blank note already.
  const rows = customers(6_000).map(({ id }) => ({ id, notes: id % 2 === 0 ? '' : 'new' }));
  await system.control('reset', {});
  const uri = await writeSource(system, 'reads.ndjson', rows);
  const options = { backup: true, skipUnchanged: true };
  const handle = await system.start('reads', { storeHash: 'abc', source: { uri }, options });
  const result = await handle.result();

  expect(result).toMatchObject({ unchanged: 3_000, notInBackup: 0, customers: { total: 6_000, updated: 6_000 } });
  const { puts = 0, gets, customersApplied, customersRead } = await system.stats();
  expect({ puts, gets, customersApplied, customersRead }).toEqual({
    ...{ puts: result.calls, gets: 24 },
    ...{ customersApplied: 3_000, customersRead: 6_000 },
  });
  expect((await readFile(new URL(result.backup ?? ''), 'utf8')).trim().split('\n')).toEqual(
    rows.flatMap(({ id }) => (id % 2 === 0 ? [] : [`{"id":${id},"notes":""}`])),
  );
  const runs = [];
  for await (const run of system.client.workflow.list({ query: `WorkflowId = '${handle.workflowId}'` })) runs.push(run);
  expect(runs.length).toBeGreaterThan(1);
});

test('a job that the store rejects altogether keeps the latest failures in state and the others in files', async () => {
  const rows = Array.from({ length: 3_500 }, (_, index) => ({ id: 1_000_000 + index, notes: 'nobody' }));
  const uri = await writeSource(system, 'nobody.ndjson', rows);
  const options = { maxRejectedPercent: 100 };
  const handle = await system.start('nobody', { storeHash: 'abc', source: { uri }, options });
  const result = await handle.result();

  expect(result.customers).toMatchObject({ total: 3_500, updated: 0, rejected: 3_500 });
  const inState = await allFailures(handle);
  expect(inState).toHaveLength(1_000);
  const { total, olderIn } = await handle.query(failuresQuery);
  expect(total).toBe(3_500);
  expect(olderIn).toMatch(/^file:/);
  expect((await handle.query(progressQuery)).customers.rejected).toBe(3_500);

  const older = [];
  const storage = await openStorage(`file:${system.folder}/data`, system.folder);
  for await (const { row } of readFailures(storage, olderIn)) older.push(row);
  expect([...older, ...inState.map(({ row }) => row)].sort((a, b) => a - b)).toEqual(rows.map((_, index) => index + 1));
});
