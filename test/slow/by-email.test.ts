/** Jobs whose rows name customers by e-mail address, at an emulated store. */
import { readFile } from 'node:fs/promises';
import { jobId, progressQuery, type JobOptions, type JobResult } from '../../src/contract/job.ts';
import { writeSource } from '../support/customers.ts';
import { expectCountsToAddUp, untilDone } from '../support/jobs.ts';
import { runStarter } from '../support/starter.ts';
import { allFailures, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '2500', '--latency', '10'] });

type Row = Record<string, unknown>;
const store = 'abc';
const address = (id: number) => `customer${id}@example.com`;
const ids = (n: number) => Array.from({ length: n }, (_, index) => index + 1);
const noted = (id: number, notes: string): Row => ({ email: address(id), notes });
const set = (customers: Row[]) => system.control('customers', { store, customers });
const notesOf = async (id: number) => (await system.customer(id))['notes'];
const linesOf = async (uri: string | null | undefined) =>
  (await readFile(new URL(uri ?? ''), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);

async function start(name: string, rows: Row[], options: JobOptions = {}) {
  const uri = await writeSource(system, `${name}.ndjson`, rows);
  return system.start(name, { storeHash: store, source: { uri }, options: { match: 'email', ...options } });
}

async function run(name: string, rows: Row[], options?: JobOptions): Promise<JobResult> {
  const result = await (await start(name, rows, options)).result();
  expectCountsToAddUp(result);
  return result;
}

test('each row updates the customer who has its address, whatever its case; few questions are asked', async () => {
  const rows = ids(1_050).map((id) => ({ email: address(id).toUpperCase(), notes: `note ${id}` }));
  const result = await run('upper case', rows);
  expect(result).toMatchObject({
    customers: { total: 1_050, updated: 1_050 },
    chunks: { total: 105, done: 105 },
    calls: 105,
  });
  // Asked for in lower case, once the store was asked as the file has them.
  expect(result.reads).toBeLessThanOrEqual(22);
  for (const id of [1, 500, 1_050]) expect(await notesOf(id)).toBe(`note ${id}`);
});

test('says who is not there, whose address several have, and who is in the file twice; the others are updated', async () => {
  await set([
    { id: 21, channel_ids: [1] },
    { id: 22, channel_ids: [2], email: address(21) },
    { id: 30, email: 'o\'neil+"x"@exämple.com' },
  ]);
  const rows: Row[] = [
    noted(1, 'one'),
    { email: 'nobody@example.com', notes: 'two' },
    { email: address(21), notes: 'three' },
    { id: 5, notes: 'four' },
    { email: address(5), notes: 'five' },
    { email: 'o\'neil+"x"@exämple.com', notes: 'six' },
    { id: 7, email: address(8), notes: 'seven' },
    { id: 9, email: address(9), new_email: 'new9@example.com' },
    { email: address(10), new_email: 'new10@example.com', notes: 'nine' },
    { email: address(1), notes: 'ten' },
  ];
  const job = await start('mixed', rows, { reportAll: true });
  const result = await job.result();
  expectCountsToAddUp(result);
  expect(result.customers).toEqual({ total: 10, updated: 5, rejected: 3, failed: 0, invalid: 2, unprocessed: 0 });
  const failures = (await allFailures(job)).map(({ row, line, id, outcome, code }) => [row, line, id, outcome, code]);
  expect(failures).toEqual([
    [2, 2, null, 'rejected', 'unknown_email'],
    [3, 3, null, 'rejected', 'ambiguous_email'],
    [5, 5, 5, 'invalid', 'same_customer'],
    [7, 7, 7, 'rejected', 'unknown_email'],
    [10, 10, null, 'invalid', 'duplicate'],
  ]);
  expect(await Promise.all([1, 5, 30, 7, 10].map(notesOf))).toEqual(['one', 'four', 'six', '', 'nine']);
  expect([(await system.customer(9))['email'], (await system.customer(10))['email']]).toEqual([
    'new9@example.com',
    'new10@example.com',
  ]);
  const report = (await readFile(new URL(result.report ?? ''), 'utf8')).trim().split('\n').slice(1);
  expect(report.map((line) => line.split(',').slice(0, 4).join())).toEqual([
    ...['1,1,1,updated', '2,2,,rejected', '3,3,,rejected', '4,4,5,updated', '5,5,5,invalid', '6,6,30,updated'],
    ...['7,7,7,rejected', '8,8,9,updated', '9,9,10,updated', '10,10,,invalid'],
  ]);
  expect((await linesOf(result.fix)).map(({ email, error_code: code }) => [email, code])).toEqual([
    ['nobody@example.com', 'unknown_email'],
    [address(21), 'ambiguous_email'],
    [address(8), 'unknown_email'],
  ]);
  // No address is in the history, nor in what people see.
  const history = JSON.stringify(await job.fetchHistory());
  expect(history).not.toMatch(/example\.com|exämple|neil/);
});

test('a customer who turns out to be in the file twice does not stop a job that is to stop at invalid rows', async () => {
  const rows = [{ id: 5, notes: 'by id' }, noted(5, 'by address'), noted(6, 'six')];
  const { customers } = await run('twice', rows, { onInvalid: 'fail' });
  expect(customers).toMatchObject({ total: 3, updated: 2, invalid: 1 });
});

test('the wrong store holds after its first page, of which nobody is there, having sent nothing', async () => {
  const rows = ids(2_500).map((id) => ({ email: `else${id}@example.com`, notes: 'x' }));
  const job = await start('wrong store', rows);
  await until(async () => (await job.query(progressQuery)).state === 'held');
  expect(await job.query(progressQuery)).toMatchObject({ calls: 0, waitingFor: { kind: 'rejections' } });
  await job.cancel();
  await expect(job.result()).rejects.toThrow();
});

test('a dry run says what would change of whom, and who is not there, in files alone; it sends nothing', async () => {
  await set([
    { id: 1, notes: 'same' },
    { id: 21, channel_ids: [1] },
    { id: 22, channel_ids: [2], email: address(21) },
  ]);
  const rows = [
    ...[noted(1, 'same'), { ...noted(2, '=other'), new_email: 'new2@example.com' }, noted(21, 'x')],
    ...[{ email: 'nobody@example.com', notes: 'x' }, { id: 5, notes: 'x' }, noted(5, 'y')],
  ];
  const job = await start('dry', rows, { dryRun: true, skipUnchanged: true });
  const result = await job.result();
  expectCountsToAddUp(result);
  expect(result).toMatchObject({ customers: { unprocessed: 6 }, calls: 0 });
  const compared = { changed: 2, unchanged: 1, unknown: 1, ambiguous: 1, sameCustomer: 1, unreadable: 0 };
  expect(result.wouldSend).toMatchObject({ customers: 2, calls: 1, compared });
  expect(await readFile(new URL(result.changes ?? ''), 'utf8')).toBe(
    "row,id,field,before,after\n2,2,email,customer2@example.com,new2@example.com\n2,2,notes,,'=other\n5,5,notes,,x\n",
  );
  expect(await readFile(new URL(result.report ?? ''), 'utf8')).toContain(
    '4,4,,unprocessed,unknown_email,Not sent: the job was a dry run. No customer has this e-mail address.\n',
  );
  expect(JSON.stringify(await job.fetchHistory())).not.toMatch(/example\.com|=other/);
  expect(system.workers.map((worker) => worker.output()).join('')).not.toMatch(/example\.com|=other/);

  const { code, output } = await runStarter(system, ['changes', 'dry', '--store', store, '-']);
  expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('2,2,email,') });
  await runStarter(system, ['purge', 'dry', '--store', store, '--yes']);
  await expect(readFile(new URL(result.changes ?? ''))).rejects.toThrow('ENOENT');
});

test('a dry run at the command line ends with the counts and the file of changes', async () => {
  const uri = await writeSource(system, 'typed.ndjson', [noted(1, 'n'), { email: 'nobody@example.com', notes: 'n' }]);
  const { code, output } = await runStarter(system, [
    ...['start', uri, '--store', store, '--name', 'typed', '--match', 'email', '--dry-run'],
  ]);
  expect(code).toBe(0);
  expect(output).toContain('1 customer would change, 0 would not: they already have all the values.');
  expect(output).toContain('1 row would be rejected: no customer has the id or the address. The report says which.');
  expect(output).toMatch(/^Changes: .*changes\.csv\n +To see what would change: npm run starter -- changes .*typed$/m);
});

test('a dry run whose worker is killed says what would change of each customer once', async () => {
  await set(ids(2_400).map((id) => ({ id, notes: 'old' })));
  await system.control('faults', { fault: 'latency', ms: 300 });
  const rows = ids(2_400).map((id) => noted(id, id % 100 === 0 ? 'new' : 'old'));
  const job = await start('dry, killed', rows, { dryRun: true });
  await until(async () => (await job.query(progressQuery)).reads > 12);
  await Promise.all((await system.workersUp()).map((worker) => worker.kill()));
  await system.control('faults', { clear: true });
  await system.startWorker();
  const { wouldSend, changes } = await job.result();
  expect(wouldSend?.compared).toMatchObject({ changed: 24, unchanged: 2_376, unknown: 0 });
  const lines = (await readFile(new URL(changes ?? ''), 'utf8')).trim().split('\n').slice(1);
  expect(lines).toEqual(ids(24).map((n) => `${100 * n},${100 * n},notes,old,new`));
});

test.each(['cancelled', 'terminated'])(
  'a job that was %s while it gave new addresses is started again, and goes through',
  async (how) => {
    await set(ids(1_000).map((id) => ({ id, email: address(id) })));
    await system.control('faults', { fault: 'latency', ms: 200 });
    const rows = ids(1_000).map((id) => ({ email: address(id), new_email: `${how}${id}@example.com` }));
    const first = await start(how, rows);
    await untilDone(first, 30);
    await (how === 'cancelled' ? first.cancel() : first.terminate());
    await system.control('faults', { clear: true });
    await expect(first.result()).rejects.toThrow();
    const result = await run(how, rows);
    expect(result.customers).toMatchObject({ total: 1_000, updated: 1_000 });
    for (const id of ids(1_000)) expect((await system.customer(id))['email']).toBe(`${how}${id}@example.com`);
  },
);

test('with a backup, killed in the middle: nobody is lost, and undo brings each value back, addresses too', async () => {
  await set(ids(900).map((id) => ({ id, notes: `old ${id}` })));
  await system.control('faults', { fault: 'latency', ms: 300 });
  const rows = ids(900).map((id) => ({
    ...noted(id, `new ${id}`),
    ...(id % 3 === 0 && { new_email: `moved${id}@example.com` }),
  }));
  const job = await start('killed', rows, { backup: true });
  for (const done of [5, 15]) {
    await untilDone(job, done);
    await Promise.all((await system.workersUp()).map((worker) => worker.kill()));
    await system.startWorker();
  }
  await system.control('faults', { clear: true });
  const result = await job.result();
  expect(result).toMatchObject({ customers: { total: 900, updated: 900 }, notInBackup: 0 });
  expect(await linesOf(result.backup)).toHaveLength(900);
  for (const id of [3, 4, 900]) expect(await notesOf(id)).toBe(`new ${id}`);
  expect((await system.customer(3))['email']).toBe('moved3@example.com');

  const { code } = await runStarter(system, ['undo', 'killed', '--store', store, '--yes']);
  expect(code).toBe(0);
  for (const id of ids(900)) {
    expect(await system.customer(id)).toMatchObject({ notes: `old ${id}`, email: address(id) });
  }
});

test('what a cancelled job has left is sent by its retry: by id where the new address may be there already', async () => {
  await system.control('faults', { fault: 'latency', ms: 500 });
  const rows = ids(600).map((id) => ({ email: address(id), new_email: `next${id}@example.com` }));
  const job = await start('cancelled', rows);
  await untilDone(job, 3);
  await job.cancel();
  await system.control('faults', { clear: true });
  await expect(job.result()).rejects.toThrow();
  const { customers, retry } = await job.query(progressQuery);
  expect((await linesOf(retry)).length).toBe(customers.unprocessed + customers.failed);
  const { code, output } = await runStarter(system, ['retry', 'cancelled', '--store', store, '--yes']);
  expect({ code, output }).toMatchObject({ code: 0 });
  const again = await system.client.workflow.getHandle(jobId(store, 'cancelled-retry')).result();
  expect(again).toMatchObject({ customers: { updated: customers.unprocessed + customers.failed } });
  for (const id of ids(600)) expect((await system.customer(id))['email']).toBe(`next${id}@example.com`);
});
