/** Jobs of more than one run: continued as new, drained for it, or reset. */
import { readFile } from 'node:fs/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { startCustomerUpdate } from '../../src/client.ts';
import { failuresQuery, type JobInput, type JobResult, outcomesQuery, progressQuery } from '../../src/contract/job.ts';
import { readFailures } from '../../src/jobs/failure-files.ts';
import { openStorage } from '../../src/storage/open.ts';
import { customers, writeSource } from '../support/customers.ts';
import { expectCountsToAddUp, expectNoFailedTask, untilDone } from '../support/jobs.ts';
import { reset } from '../support/reset.ts';
import { allFailures, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({
  emulator: ['--customers', '8000', '--latency', '2'],
  // The server's own threshold is 4,096 events; this makes a run some 125 chunks long.
  server: { dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 500 } },
});

describe('continued as new', () => {
  test('a job of 8,000 continues as new several times, counts exactly, and still answers for its early runs', async () => {
    const rows = customers(8_000);
    const unknown = [3, 4, 5_000, 7_999];
    for (const row of unknown) rows[row - 1] = { id: 1_000_000 + row, notes: 'nobody' };
    rows[9] = { id: 10, first_name: '' };
    const uri = await writeSource(system, 'eight-thousand.ndjson', rows);

    const handle = await system.start('eight-thousand', { storeHash: 'abc', source: { uri } });
    const result = await handle.result();

    expect(result.customers).toEqual({
      total: 8_000,
      updated: 7_995,
      rejected: 4,
      failed: 0,
      invalid: 1,
      unprocessed: 0,
    });
    expect(result.chunks).toEqual({ total: 800, done: 800 });
    const stats = await system.stats();
    expect(stats).toMatchObject({ customersApplied: 7_995, customersAppliedMoreThanOnce: 0, maxInFlight: 3 });
    expect(stats.puts).toBe(result.calls);

    const runs = [];
    for await (const run of system.client.workflow.list({ query: `WorkflowId = '${handle.workflowId}'` }))
      runs.push(run);
    expect(runs.length).toBeGreaterThan(4);

    expect((await allFailures(handle)).map(({ row }) => row)).toEqual([3, 4, 10, 5_000, 7_999]);
    const { total, outcomes } = await handle.query(outcomesQuery, { from: 0, count: 2 });
    expect(total).toBe(800);
    expect(outcomes).toMatchObject([
      { rows: [1, 11], updated: 8, rejected: 2 },
      { rows: [12, 21], updated: 10, rejected: 0 },
    ]);
  });

  test('a job of 2,500 that reads keeps reading, counting and backing up over several runs', async () => {
    // Every other customer has a blank note already.
    const rows = customers(2_500).map(({ id }) => ({ id, notes: id % 2 === 0 ? '' : 'new' }));
    await system.control('reset', {});
    const uri = await writeSource(system, 'reads.ndjson', rows);
    const options = { backup: true, skipUnchanged: true };
    const handle = await system.start('reads', { storeHash: 'abc', source: { uri }, options });
    const result = await handle.result();

    expect(result).toMatchObject({ unchanged: 1_250, notInBackup: 0, customers: { total: 2_500, updated: 2_500 } });
    const { puts = 0, gets, customersApplied, customersRead } = await system.stats();
    expect({ puts, gets, customersApplied, customersRead }).toEqual({
      ...{ puts: result.calls, gets: 10 },
      ...{ customersApplied: 1_250, customersRead: 2_500 },
    });
    expect((await readFile(new URL(result.backup ?? ''), 'utf8')).trim().split('\n')).toEqual(
      rows.flatMap(({ id }) => (id % 2 === 0 ? [] : [`{"id":${id},"notes":""}`])),
    );
    const runs = [];
    for await (const run of system.client.workflow.list({ query: `WorkflowId = '${handle.workflowId}'` }))
      runs.push(run);
    expect(runs.length).toBeGreaterThan(1);
  });

  test('a dry run that waits for its store continues as new, and says what sending would take when the store answers', async () => {
    await system.control('faults', { fault: 'status', status: 503, on: 'all', count: 'always' });
    const options = { dryRun: true };
    const job = await system.start('patient', { storeHash: 'abc', source: { customers: customers(100) }, options });
    const { workflowId } = job;
    const latest = system.client.workflow.getHandle<(input: JobInput) => Promise<JobResult>>(workflowId);
    await until(async () => Number((await system.stats()).gets) > 0);
    // Every half minute it opens its store again, which makes ten thousands of events in a day and a half. So do signals.
    await until(async () => {
      for (let signals = 0; signals < 20; signals++) await latest.signal('unknown');
      return (await latest.describe()).runId !== job.firstExecutionRunId;
    });
    await system.control('faults', { clear: true });
    expect(await latest.result()).toMatchObject({
      customers: { total: 100, unprocessed: 100 },
      wouldSend: { customers: 100, calls: 10 },
    });
    expectNoFailedTask((await latest.fetchHistory()).events);
  });

  test('a job whose customers are all rejected keeps the latest failures in state and the others in files', async () => {
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
    expect([...older, ...inState.map(({ row }) => row)].sort((a, b) => a - b)).toEqual(
      rows.map((_, index) => index + 1),
    );
  });
});

describe('drain', () => {
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

  test('a worker that dies while a job drains for continue-as-new stops nothing: everything is sent', async () => {
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
});

describe('reset', () => {
  const UNKNOWN = 999_999;
  const input: JobInput = {
    storeHash: 'abc',
    source: { customers: [...customers(499), { id: UNKNOWN, notes: 'nobody' }] },
    options: { reportAll: true },
  };

  /** A job of which some chunks are done; it is too slow to end before `fast`. */
  async function startSlowly(name: string) {
    await system.control('faults', { fault: 'latency', ms: 500 });
    const job = await system.start(name, input);
    await untilDone(job, 5);
    return job;
  }
  const fast = () => system.control('faults', { clear: true });

  /** The run that a reset began, from its id to its end. */
  const latest = ({ workflowId }: WorkflowHandle) =>
    system.client.workflow.getHandle<(input: JobInput) => Promise<JobResult>>(workflowId);

  /** Everyone but the unknown customer was updated, and the report says so, row by row. */
  async function expectToEndRight(job: WorkflowHandle): Promise<void> {
    const result = await latest(job).result();
    expectCountsToAddUp(result);
    expect(result.customers).toMatchObject({ total: 500, updated: 499, rejected: 1 });
    expect(result.retry).toBeNull();
    expect((await system.stats()).customersUpdatedDistinct).toBe(499);
    const [, ...lines] = (await readFile(new URL(result.report ?? ''), 'utf8')).trim().split('\n');
    expect(lines.map((line) => Number(line.split(',')[0]))).toEqual(lines.map((_, index) => index + 1));
    expect(lines.filter((line) => line.includes(',updated,'))).toHaveLength(499);
    expect(lines[499]).toMatch(new RegExp(`^500,\\d*,${UNKNOWN},rejected,unknown_id`));
  }

  test.each([
    ['its first workflow task', undefined],
    ['where its source had been read', 'prepareJob'],
    ['where its first chunk was done', 'updateChunk'],
  ])('a job that is reset while it runs, to %s, ends right', async (where, afterActivity) => {
    const job = await startSlowly(`running, to ${where}`);
    await reset(system, job, afterActivity);
    await fast();
    await expectToEndRight(job);
  });

  test('a job that is reset after it was cancelled, to its first workflow task, ends right, and has another report', async () => {
    const job = await startSlowly('cancelled');
    await job.cancel();
    await fast();
    await expect(job.result()).rejects.toThrow();
    await reset(system, job);
    await expectToEndRight(job);
  });

  test('a job that is reset after it has completed, to its first workflow task, sends the same again and ends right', async () => {
    const job = await system.start('completed', input);
    await job.result();
    await reset(system, job);
    await expectToEndRight(job);
    expect(await system.stats()).toMatchObject({ customersApplied: 2 * 499 });
  });

  test('a job that is reset after its end, whose source is gone, fails and keeps the report it had', async () => {
    async function* rows() {
      yield* [
        { id: 1, notes: 'x' },
        { id: UNKNOWN, notes: 'nobody' },
      ];
    }
    const streamed = { storeHash: 'abc', source: { customers: rows() } };
    const jobStore = `file:${system.folder}/data`;
    const job = await startCustomerUpdate(system.client, streamed, 'streamed', { jobStore });
    const { report } = await job.result();
    await reset(system, system.client.workflow.getHandle(job.id));
    await expect(job.result()).rejects.toMatchObject({ type: 'BadSource' });
    expect(await readFile(new URL(report ?? ''), 'utf8')).toMatch(
      new RegExp(`^2,\\d*,${UNKNOWN},rejected,unknown_id`, 'm'),
    );
  });
});
