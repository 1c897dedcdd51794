import { readdir, readFile } from 'node:fs/promises';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { startCustomerUpdate } from '../../src/client.ts';
import {
  outcomesQuery,
  pauseUpdate,
  progressQuery,
  resumeUpdate,
  type JobInput,
  type JobResult,
} from '../../src/contract/job.ts';
import { customers, writeSource } from '../support/customers.ts';
import { expectCountsToAddUp } from '../support/jobs.ts';
import { allFailures, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '3000', '--latency', '50'] });

const read = (uri: string | null) => readFile(new URL(uri ?? ''), 'utf8');

/** How the job failed: its type and message, and the result in its details. */
async function failureOf(name: string, input: unknown): Promise<ApplicationFailure> {
  const error = await system.run(name, input as JobInput).catch((caught: unknown) => caught);
  if (error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure) return error.cause;
  throw new Error('Expected the job to fail.', { cause: error });
}

const resultIn = (failure: ApplicationFailure) => (failure.details as [JobResult])[0];

test('a job of 600 updates every good customer, names every other one, and keeps to three calls in flight', async () => {
  const rows = customers(600);
  rows[14] = { id: 15, email: 'customer100@example.com' };
  rows[299] = { id: 987_654, notes: 'nobody' };
  rows[300] = { id: 988_000, notes: 'nobody either' };
  rows[400] = { id: 401, first_name: '' };
  rows[401] = { id: 402, nickname: 'x' };
  rows[599] = { id: 1, notes: 'again' };
  const uri = await writeSource(system, 'six-hundred.ndjson', rows);

  const handle = await system.start('six-hundred', { storeHash: 'abc', source: { uri } });
  const result = await handle.result();

  expect(result.customers).toEqual({ total: 600, updated: 594, rejected: 3, failed: 0, invalid: 3, unprocessed: 0 });
  expect(result.chunks).toEqual({ total: 60, done: 60 });
  expect(result.retry).toBeNull();
  const failures = await allFailures(handle);
  expect(failures.map(({ row, id, outcome, code }) => [row, id, outcome, code])).toEqual([
    [15, 15, 'rejected', 'email_taken'],
    [300, 987_654, 'rejected', 'unknown_id'],
    [301, 988_000, 'rejected', 'unknown_id'],
    [401, 401, 'invalid', 'invalid_field'],
    [402, 402, 'invalid', 'unknown_field'],
    [600, 1, 'invalid', 'duplicate'],
  ]);
  const report = await read(result.report);
  expect(report.split('\n')[0]).toBe('row,line,id,outcome,code,message');
  expect(
    report
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => Number(line.split(',')[0])),
  ).toEqual(failures.map(({ row }) => row));
  const bad = new Set(failures.map(({ row }) => row));
  const wrong = [];
  for (const [index, row] of rows.entries()) {
    if (bad.has(index + 1)) continue;
    const { notes } = await system.customer(row.id);
    if (notes !== row.notes) wrong.push(row.id);
  }
  expect(wrong).toEqual([]);
  const stats = await system.stats();
  expect(stats.maxInFlight).toBe(3);
  expect(stats.puts).toBe(result.calls);
  expect(stats.customersApplied).toBe(594);
});

test('its queries answer after it has ended', async () => {
  const handle = await system.start('ended', { storeHash: 'abc', source: { customers: customers(25) } });
  const result = await handle.result();

  expect(await handle.query(progressQuery)).toMatchObject({
    ...result,
    state: 'completed',
    waitingFor: null,
    eta: null,
  });
  const { total, outcomes } = await handle.query(outcomesQuery, { from: 1 });
  expect(total).toBe(3);
  expect(outcomes).toEqual([
    { chunk: 1, rows: [11, 20], state: 'done', updated: 10, rejected: 0, failed: 0, attempts: 1 },
    { chunk: 2, rows: [21, 25], state: 'done', updated: 5, rejected: 0, failed: 0, attempts: 1 },
  ]);
});

test('starting a job twice is one job', async () => {
  const input = { storeHash: 'abc', source: { customers: customers(25) } };
  const [one, two] = await Promise.all([
    startCustomerUpdate(system.client, input, 'twice'),
    startCustomerUpdate(system.client, input, 'twice'),
  ]);
  expect(await one.result()).toEqual(await two.result());
  const again = await startCustomerUpdate(system.client, input, 'twice');
  expect(await again.result()).toEqual(await one.result());
  expect((await system.client.workflow.getHandle(one.id).query(progressQuery)).calls).toBe(3);
});

test('an empty source completes with a total of 0', async () => {
  const result = await system.run('empty', { storeHash: 'abc', source: { customers: [] } });
  expect(result).toMatchObject({ customers: { total: 0, updated: 0 }, chunks: { total: 0, done: 0 }, calls: 0 });
  expect(await read(result.report)).toBe('row,line,id,outcome,code,message\n');
});

test('e-mail addresses that move from one customer to another arrive, whatever their order in the source', async () => {
  const rows = customers(40);
  rows[0] = { id: 1, email: 'customer40@example.com' };
  rows[39] = { id: 40, email: 'moved@example.com' };
  const result = await system.run('moved', { storeHash: 'abc', source: { customers: rows } });
  expect(result.customers).toMatchObject({ updated: 40, rejected: 0 });
  expect(await system.customer(1)).toMatchObject({ email: 'customer40@example.com' });
});

describe("a job that can't run fails at once, with a type, what was wrong, and its counts:", () => {
  const none = { total: 0, updated: 0, rejected: 0, failed: 0, invalid: 0, unprocessed: 0 };
  test.each<[string, unknown, string, RegExp]>([
    ['no input at all', undefined, 'BadInput', /expected/i],
    ['a store hash in capitals', { storeHash: 'ABC', source: { customers: [] } }, 'BadInput', /storeHash/],
    [
      'a misspelt option',
      { storeHash: 'abc', source: { customers: [] }, options: { dryrun: true } },
      'BadInput',
      /dryrun/,
    ],
    ['no source', { storeHash: 'abc' }, 'BadInput', /source/],
    ['a source elsewhere', { storeHash: 'abc', source: { uri: 'file:///etc/passwd' } }, 'BadSource', /sources/],
    ['nothing to retry', { storeHash: 'abc', source: { retryOf: 'customer-updates/abc/never' } }, 'BadInput', /no job/],
  ])('%s', async (name, input, type, message) => {
    const failure = await failureOf(name, input);
    expect(failure.type).toBe(type);
    expect(failure.message).toMatch(message);
    expect(resultIn(failure).customers).toEqual(none);
    expect((await system.stats()).requests).toBe(0);
  });
});

test('onInvalid "fail" stops the job before any call, with a report of the invalid rows', async () => {
  const rows = [...customers(25), { id: 26, first_name: '' }];
  const input = { storeHash: 'abc', source: { customers: rows }, options: { onInvalid: 'fail' } };
  const failure = await failureOf('strict', input);
  expect(failure.type).toBe('InvalidRows');
  const result = resultIn(failure);
  expect(result.customers).toMatchObject({ total: 26, invalid: 1, unprocessed: 25 });
  expect(await read(result.report)).toMatch(/26,\d*,26,invalid,invalid_field,/);
  expect((await system.stats()).requests).toBe(0);
});

test('dryRun checks the source and the token, and sends nothing', async () => {
  const options = { dryRun: true };
  const result = await system.run('dry', { storeHash: 'abc', source: { customers: customers(25) }, options });
  expect(result.customers).toMatchObject({ total: 25, updated: 0, unprocessed: 25 });
  // This store announces no quota.
  expect(result.wouldSend).toEqual({ customers: 25, calls: 3, quota: null });
  expect(await system.stats()).toMatchObject({ puts: 0, gets: 1 });

  await system.control('tokens', { store: 'abc', token: 'another-token' });
  const failure = await failureOf('dry refused', { storeHash: 'abc', source: { customers: customers(5) }, options });
  expect(failure.type).toBe('BadInput');
  expect(failure.message).toMatch(/token/);
});

test('limit sends that many customers and leaves the others unprocessed, for a retry', async () => {
  const input: JobInput = { storeHash: 'abc', source: { customers: customers(40) }, options: { limit: 15 } };
  const result = await system.run('limited', input);
  expect(result.customers).toMatchObject({ total: 40, updated: 15, unprocessed: 25 });
  expect(await system.stats()).toMatchObject({ customersApplied: 15 });
  expect((await read(result.retry)).trim().split('\n')).toHaveLength(25);

  const rest = await system.run('the rest', { storeHash: 'abc', source: { retryOf: 'customer-updates/abc/limited' } });
  expect(rest.customers).toMatchObject({ total: 25, updated: 25 });
  expect(await system.stats()).toMatchObject({ customersApplied: 40, customersAppliedMoreThanOnce: 0 });
});

test('a paused job sends nothing until it is resumed', async () => {
  await system.control('faults', { fault: 'latency', ms: 500 });
  const handle = await system.start('paused', { storeHash: 'abc', source: { customers: customers(300) } });
  await until(async () => (await handle.query(progressQuery)).chunks.done >= 3);
  const paused = await handle.executeUpdate(pauseUpdate, { args: [{ reason: 'lunch' }] });
  expect(paused).toMatchObject({
    state: 'paused',
    waitingFor: { kind: 'pause', message: expect.stringMatching(/lunch/) },
  });

  // What was scheduled is still sent; after that, nothing.
  await until(async () => (await handle.describe()).raw.pendingActivities?.length === 0);
  const { puts } = await system.stats();
  expect(puts).toBeLessThan(30);
  await expect(handle.query(progressQuery)).resolves.toMatchObject({ state: 'paused' });
  expect((await system.stats()).puts).toBe(puts);

  await system.control('faults', { clear: true });
  await handle.executeUpdate(resumeUpdate);
  expect((await handle.result()).customers).toMatchObject({ total: 300, updated: 300 });
  await expect(handle.executeUpdate(resumeUpdate)).rejects.toThrow();
});

test('a cancelled job lets its calls finish, reports, and can be sent again', async () => {
  await system.control('faults', { fault: 'latency', ms: 500 });
  const handle = await system.start('cancelled', { storeHash: 'abc', source: { customers: customers(300) } });
  await until(async () => (await handle.query(progressQuery)).chunks.done >= 3);
  await handle.cancel();
  await system.control('faults', { clear: true });

  const error = await handle.result().catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(WorkflowFailedError);
  expect((error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
  const progress = await handle.query(progressQuery);
  expect(progress.state).toBe('cancelled');
  expectCountsToAddUp(progress);
  expect(progress.customers.updated).toBe((await system.stats()).customersApplied);
  expect(progress.calls).toBe((await system.stats()).puts);
  expect((await read(progress.retry)).trim().split('\n')).toHaveLength(progress.customers.unprocessed);

  const rest = await system.run('after cancel', {
    storeHash: 'abc',
    source: { retryOf: 'customer-updates/abc/cancelled' },
  });
  expect(rest.customers.updated).toBe(progress.customers.unprocessed);
  expect(await system.stats()).toMatchObject({ customersUpdatedDistinct: 300, customersAppliedMoreThanOnce: 0 });
});

test('a job that is cancelled before an answer came says of those rows that they may have been sent', async () => {
  await system.control('faults', { fault: 'status', status: 504, customer: 5, count: 'always' });
  const handle = await system.start('unanswered', { storeHash: 'abc', source: { customers: customers(20) } });
  await until(async () => ((await system.stats())['puts'] ?? 0) > 0);
  await handle.cancel();
  await expect(handle.result()).rejects.toThrow();
  const { report, customers: counts } = await handle.query(progressQuery);
  expect(counts).toMatchObject({ updated: 0, unprocessed: 20 });
  const messages = (await read(report))
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',')[5]);
  expect(messages).toEqual([
    ...Array.from({ length: 10 }, () => 'It may have been sent: the job was cancelled before its answer came.'),
    ...Array.from({ length: 10 }, () => 'Not sent: the job was cancelled.'),
  ]);
});

test('a job cancelled while its source is read ends as cancelled, with a report, counts that add up, and no page left', async () => {
  const uri = await writeSource(system, 'many.ndjson', customers(30_000));
  const handle = await system.start('cancelled early', { storeHash: 'abc', source: { uri } });
  const pages = `${system.folder}/data/jobs/abc/${handle.firstExecutionRunId}/pages`;
  await until(async () => (await readdir(`${pages}/0`).catch(() => [])).length > 3);
  await handle.cancel();
  await expect(handle.result()).rejects.toThrow();

  const progress = await handle.query(progressQuery);
  expect(progress.state).toBe('cancelled');
  expectCountsToAddUp(progress);
  expect(progress.customers.updated).toBe((await system.stats()).customersApplied);
  expect((await read(progress.report)).trim().split('\n')).toHaveLength(1 + progress.customers.unprocessed);
  expect(await readdir(pages).catch(() => [])).toEqual([]);
});
