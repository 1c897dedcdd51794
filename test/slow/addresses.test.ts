/** Jobs whose customers are found by e-mail address, end to end. */
import { readFile } from 'node:fs/promises';
import { type JobOptions, type JobResult, jobId, progressQuery } from '../../src/contract/job.ts';
import { writeSource } from '../support/customers.ts';
import { expectCountsToAddUp, historyText } from '../support/jobs.ts';
import { runStarter } from '../support/starter.ts';
import { allFailures, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '5000', '--latency', '5', '--max-url', '1800'] });

type Customer = Record<string, unknown>;

const email = (id: number) => `customer${id}@example.com`;
const handleOf = (name: string) => system.client.workflow.getHandle<() => Promise<JobResult>>(jobId('abc', name));

/** Changes customers as another app would. */
const set = (customers: Customer[]) => system.control('customers', { store: 'abc', customers });

async function run(
  name: string,
  rows: unknown[],
  options: JobOptions = {},
  file = `${name}.ndjson`,
): Promise<JobResult> {
  const uri = await writeSource(system, file, rows);
  const result = await system.run(name, { storeHash: 'abc', source: { uri }, options: { match: 'email', ...options } });
  expectCountsToAddUp(result);
  return result;
}

const codesOf = async (name: string) =>
  Object.fromEntries((await allFailures(handleOf(name))).map(({ row, id, code }) => [row, [code, id]]));

const rowsIn = async (uri: string | null | undefined) =>
  (await readFile(new URL(uri ?? ''), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Customer);

test('each row goes to the one customer who has its address, or says why it goes to none', async () => {
  await set([
    { id: 10, email: "Anne.O'Neil+shop@Example.com" },
    { id: 11, channel_ids: [1] },
    { id: 12, channel_ids: [2], email: email(11) },
    { id: 13, email: 'jürgen@exämple.de' },
    { id: 14, channel_ids: [1] },
    { id: 15, channel_ids: [2], email: email(14) },
  ]);
  const rows = [
    { email: email(1).toUpperCase(), notes: 'a' },
    { email: "anne.o'neil+SHOP@example.com", notes: 'b' },
    { email: 'Jürgen@Exämple.de', notes: 'c' },
    { email: email(11), notes: 'none of both' },
    { id: 14, email: email(14), notes: 'd' },
    { email: 'nobody@example.com', notes: 'x' },
    { id: 2, email: email(3), notes: 'of another store' },
    { email: email(4), new_email: 'Four@example.org', notes: 'e' },
    { id: 5, new_email: 'five@example.org' },
    { email: email(6), new_email: email(7) },
    { id: 8, notes: 'f' },
    { email: email(8), notes: 'the same' },
    { email: email(1), notes: 'again' },
    { id: 9_999, email: email(9), notes: 'x' },
  ];
  const { customers, reads } = await run('kinds', rows);
  expect(customers).toMatchObject({ total: 14, updated: 7, rejected: 5, invalid: 2, failed: 0, unprocessed: 0 });
  expect(reads).toBeGreaterThan(0);
  expect(await codesOf('kinds')).toEqual({
    4: ['ambiguous_email', null],
    6: ['unknown_email', null],
    7: ['unknown_email', 2],
    10: ['email_taken', 6],
    12: ['same_customer', 8],
    13: ['duplicate', null],
    14: ['unknown_id', 9_999],
  });
  const notes = await Promise.all([1, 10, 13, 14, 15, 2, 3, 8].map(async (id) => (await system.customer(id))['notes']));
  expect(notes).toEqual(['a', 'b', 'c', 'd', '', '', '', 'f']);
  expect(await system.customer(1)).toMatchObject({ email: email(1), _applied: 1 });
  expect([await system.customer(4), await system.customer(5)]).toMatchObject([
    { email: 'Four@example.org', notes: 'e' },
    { email: 'five@example.org' },
  ]);
});

test('no address is in a history, in a log, or in an error, whatever the store answers', async () => {
  await system.control('faults', [
    {
      fault: 'status',
      status: 400,
      title: `${email(21)}, Customer21 or customer21%40example.com?`,
      email: email(21),
      count: 'always',
    },
    { fault: 'status', status: 500, title: email(22), email: email(22), count: 'always' },
    { fault: 'status', status: 503, title: email(23), on: 'get', count: 2 },
  ]);
  const rows = [20, 21, 22, 23, 24].map((id) => ({ email: email(id), new_email: `moved${id}@example.org` }));
  const { customers } = await run('secret', [...rows, { email: 'secret.nobody@example.com', notes: 'x' }]);
  expect(customers).toMatchObject({ updated: 3, rejected: 2, failed: 1 });
  expect(await codesOf('secret')).toMatchObject({
    2: ['rejected', null],
    3: ['unavailable', null],
    6: ['unknown_email', null],
  });
  const texts = [
    await historyText(system, jobId('abc', 'secret')),
    await historyText(system, 'customer-updates-store/abc'),
    JSON.stringify(await handleOf('secret').query(progressQuery)),
    JSON.stringify(await allFailures(handleOf('secret'))),
    ...system.workers.map((worker) => worker.output()),
  ];
  const found = texts.flatMap(
    (text) => text.match(/.{0,40}(customer2\d|moved2\d|secret\.nobody|example\.(com|org)).{0,40}/gi) ?? [],
  );
  expect(found).toEqual([]);
});

test('what a job by address changed is undone by id, addresses included', async () => {
  const ids = Array.from({ length: 120 }, (_, n) => n + 101);
  const change = (id: number) => ({
    email: email(id),
    notes: 'new',
    ...(id % 2 && { new_email: `moved${id}@example.org` }),
  });
  const { customers, backup } = await run('spring', ids.map(change), { backup: true });
  expect(customers).toMatchObject({ updated: 120 });
  expect(await system.customer(101)).toMatchObject({ email: 'moved101@example.org', notes: 'new' });
  expect((await rowsIn(backup))[0]).toEqual({ id: 101, email: email(101), notes: '' });
  const { code } = await runStarter(system, ['undo', 'spring', '--store', 'abc', '--yes']);
  expect(code).toBe(0);
  for (const id of ids) expect(await system.customer(id)).toMatchObject({ email: email(id), notes: '' });
});

test('a retry finds the customers again whose addresses the job may have changed, and those it never asked for', async () => {
  const rows = Array.from({ length: 1_010 }, (_, n) => ({
    email: email(n + 301),
    new_email: `moved${n + 301}@example.org`,
  }));
  await system.control('faults', { fault: 'status', status: 500, applied: true, count: 'always' });
  const uri = await writeSource(system, 'first.ndjson', rows);
  const job = await system.start('first', { storeHash: 'abc', source: { uri }, options: { match: 'email' } });
  await until(async () => (await system.stats())['puts'] !== 0);
  await job.cancel();
  await expect(job.result()).rejects.toThrow();
  await system.control('faults', { clear: true });
  const { retry } = await job.query(progressQuery);
  const left = await rowsIn(retry);
  expect(left).toHaveLength(1_010);
  expect(left[0]).toEqual({ id: 301, new_email: 'moved301@example.org' });
  expect(left.at(-1)).toEqual({ email: email(1_310), new_email: 'moved1310@example.org' });
  const { code, output } = await runStarter(system, ['retry', 'first', '--store', 'abc', '--yes']);
  expect([code, output]).toEqual([0, expect.stringMatching(/updated +1,010\b/)]);
  expect([await system.customer(301), await system.customer(1_310)]).toMatchObject([
    { email: 'moved301@example.org' },
    { email: 'moved1310@example.org' },
  ]);
});

test('rows to correct have the ids of customers who were found', async () => {
  const rows = [
    { email: email(401), new_email: email(402) },
    { email: 'nobody@example.com', notes: 'n' },
  ];
  const { fix } = await run('fixed', rows);
  expect(await rowsIn(fix)).toMatchObject([
    { email: email(401), new_email: email(402), id: 401, error_code: 'email_taken' },
    { email: 'nobody@example.com', error_code: 'unknown_email' },
  ]);
  expect((await rowsIn(fix))[1]).not.toHaveProperty('id');
});

test('thousands of customers are found with a few calls, however short the URLs have to be', async () => {
  const rows = Array.from({ length: 3_000 }, (_, n) => ({ email: email(n + 1_001), notes: 'n' }));
  const { customers, reads, calls } = await run('many', rows);
  expect(customers).toMatchObject({ updated: 3_000 });
  expect(calls).toBe(300);
  const { longestUrl, gets } = (await system.stats()) as { longestUrl: number; gets: number };
  expect(reads).toBe(gets);
  // Lists of a hundred addresses are too long, lists of fifty are not.
  expect(gets).toBeLessThan(90);
  expect(longestUrl).toBeLessThanOrEqual(4_000);
});

test('a file of another store holds after its first page, and sends nothing', async () => {
  const rows = Array.from({ length: 4_000 }, (_, n) => ({ email: `stranger${n}@example.com`, notes: 'n' }));
  const uri = await writeSource(system, 'strangers.ndjson', rows);
  const job = await system.start('strangers', { storeHash: 'abc', source: { uri }, options: { match: 'email' } });
  for (;;) {
    const { state, customers, waitingFor } = await job.query(progressQuery);
    if (state !== 'held') continue;
    expect(waitingFor).toMatchObject({ kind: 'rejections' });
    expect(customers.rejected).toBeLessThanOrEqual(2_000);
    break;
  }
  await job.cancel();
  await job.result().catch(() => undefined);
  expect((await system.stats())['puts']).toBe(0);
});
