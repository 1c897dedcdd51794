import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import {
  failuresQuery,
  jobId,
  pauseUpdate,
  progressQuery,
  resumeUpdate,
  type JobInput,
  type JobOptions,
  type JobResult,
} from '../../src/contract/job.ts';
import { writeSource } from '../support/customers.ts';
import { expectCountsToAddUp, untilDone } from '../support/jobs.ts';
import { buildWith } from '../support/next-version.ts';
import { reset } from '../support/reset.ts';
import { runStarter } from '../support/starter.ts';
import { useSystem, TOKENS } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '1300', '--latency', '20'] });

// What the customers below are in.
const groups = [1, 2, 3, 9].map((id) => ({ id, name: `Group ${id}` }));
beforeEach(() => system.control('stores', { store: 'abc', groups, channels: [1, 2, 3] }));

type Customer = Record<string, unknown>;

/** Updates customers without a job, as another app would. */
async function set(rows: Customer[]): Promise<void> {
  for (let at = 0; at < rows.length; at += 10) {
    const { ok } = await fetch(`${system.apiUrl}/stores/abc/v3/customers`, {
      method: 'PUT',
      headers: { 'x-auth-token': TOKENS['abc'] as string, 'content-type': 'application/json' },
      body: JSON.stringify(rows.slice(at, at + 10)),
    });
    expect(ok).toBe(true);
  }
}

/** Customers 1 to n as the store has them, without their times of change. */
async function present(n: number): Promise<Customer[]> {
  const all: Customer[] = [];
  for (let id = 1; id <= n; id++) {
    const { date_modified: _, _applied: __, ...customer } = await system.customer(id);
    const fields = customer['form_fields'] as { name: string }[];
    all.push({ ...customer, form_fields: fields.toSorted((a, b) => (a.name < b.name ? -1 : 1)) });
  }
  return all;
}

/** Every customer is as before, compared one by one, except for these ids. */
async function expectAsBefore(before: Customer[], but: number[] = []): Promise<void> {
  const now = await present(before.length);
  const different = now.filter((customer, index) => JSON.stringify(customer) !== JSON.stringify(before[index]));
  expect(different.map(({ id }) => id)).toEqual(but);
}

/** Customers that differ in the fields they have and in their values. */
const varied = (id: number): Customer => ({
  id,
  company: id % 3 === 0 ? '' : `Company ${id}`,
  phone: id % 2 === 0 ? '' : `555-${id}`,
  customer_group_id: id % 4,
  accepts_product_review_abandoned_cart_emails: id % 5 === 0,
  authentication: { force_password_reset: id % 7 === 0 },
  store_credit_amounts: [{ amount: id / 4 }],
  channel_ids: id % 3 === 0 ? null : [1, (id % 2) + 2],
  form_fields: [
    { name: 'Size', value: 'SML'.charAt(id % 3) },
    ...(id % 2 === 0 ? [{ name: 'Likes', value: ['tea', `no. ${id}`] }] : []),
  ],
});

/** What a job changes: different fields from one customer to the next, and addresses that move between customers. */
function changes(id: number): Customer {
  const texts = { first_name: `Ada ${id}`, notes: 'n', company: id % 2 === 0 ? '' : 'C', phone: '1' };
  const kinds: Customer[] = [
    texts,
    { customer_group_id: 9, accepts_product_review_abandoned_cart_emails: true, tax_exempt_category: 'T' },
    { store_credit_amounts: [{ amount: 0 }], channel_ids: null },
    {
      form_fields: [
        { name: 'Size', value: 'XL' },
        { name: 'New', value: `${id}` },
        { name: 'Many', value: ['x'] },
      ],
    },
    { email: id % 60 === 10 ? `customer${id - 6}@example.com` : `moved${id}@example.com` },
    { ...texts, authentication: { force_password_reset: true, ...(id === 599 && { new_password: 'sesame 12' }) } },
  ];
  return { id, ...kinds[id % kinds.length] };
}

const ids = (n: number) => Array.from({ length: n }, (_, index) => index + 1);
const store = 'abc';
const handleOf = (name: string) =>
  system.client.workflow.getHandle<(input: JobInput) => Promise<JobResult>>(jobId(store, name));

async function start(name: string, rows: unknown[], options: JobOptions) {
  const uri = await writeSource(system, `${name}.ndjson`, rows);
  return system.start(name, { storeHash: store, source: { uri }, options });
}

async function run(name: string, rows: unknown[], options: JobOptions): Promise<JobResult> {
  return (await start(name, rows, options)).result();
}

/** Runs the starter's undo; returns the job's result. */
async function undo(name: string, ...flags: string[]): Promise<JobResult> {
  const { code, output } = await runStarter(system, ['undo', name, '--store', store, '--yes', ...flags]);
  if (code !== 0) throw new Error(`undo ended with ${code}: ${output}`);
  return handleOf(`${name}-undo`).result();
}

/** Calls that take so long that a job can't end before it is disturbed, however busy the machine is. */
const slow = () => system.control('faults', { fault: 'latency', ms: 500 });
const fast = () => system.control('faults', { clear: true });

/** A job of which this many chunks are done; it is slow until `fast`. */
async function startSlowly(name: string, rows: unknown[], options: JobOptions, done = 6) {
  await slow();
  const job = await start(name, rows, options);
  await untilDone(job, done);
  return job;
}

const lines = async (uri: string | null | undefined) => (await readFile(new URL(uri ?? ''), 'utf8')).trim().split('\n');

test('a job of 600 with a backup, whose worker is killed in the middle, is undone: every customer is as before', async () => {
  await set(ids(600).map(varied));
  const before = await present(600);
  const uri = await writeSource(system, 'all.ndjson', ids(600).map(changes));
  await slow();
  const started = runStarter(system, ['start', uri, '--store', store, '--name', 'all', '--backup']);
  await until(() =>
    untilDone(handleOf('all'), 10).then(
      () => true,
      () => false,
    ),
  );
  await Promise.all((await system.workersUp()).map((worker) => worker.kill()));
  await fast();
  await system.startWorker();
  const { output } = await started;
  expect(output).toMatch(/Backup: \/.*\n.*undo customer-updates\/abc\/all/);
  expect(output).toMatch(/1 customer can't be restored in full/);

  const result = await handleOf('all').result();
  expect(result.customers).toMatchObject({ total: 600, updated: 600 });
  expect(result.notInBackup).toBe(1);
  expect((await system.stats())['customersUpdatedDistinct']).toBe(600);
  const changed = await present(600);
  expect(changed.filter((customer, index) => JSON.stringify(customer) === JSON.stringify(before[index]))).toEqual([]);

  const undone = await undo('all', '--backup');
  expect(undone.customers).toMatchObject({ total: 600, updated: 600 });
  await expectAsBefore(before);

  // And an undo can be undone.
  await undo('all-undo');
  await expectAsBefore(changed);
});

const noted = (id: number, note: string): Customer => ({ id, notes: note });

test('customers who already have all values are not sent, count as updated, and the report says so', async () => {
  await set(ids(150).map((id) => noted(id, 'there')));
  const { puts = 0 } = await system.stats();
  const rows = [
    ...ids(130).map((id) => noted(id, 'there')),
    noted(140, 'other'),
    ...ids(50).map((n) => noted(200 + n, 'new')),
  ];
  const options = { skipUnchanged: true, reportAll: true };
  const result = await run('skips', [...rows, noted(999_999, 'nobody')], options);
  expect(result).toMatchObject({ unchanged: 130, customers: { total: 182, updated: 181, rejected: 1 } });
  expect(await system.stats()).toMatchObject({ puts: puts + result.calls, customersApplied: 150 + 51 });
  expect((await system.customer(130))['_applied']).toBe(1);
  // Chunks of unchanged customers make no call.
  expect(result.calls).toBeLessThanOrEqual(9);

  const report = (await lines(result.report))
    .slice(1)
    .map((line) => line.split(',').toSpliced(1, 1).slice(0, 4).join());
  expect(report.slice(0, 131)).toEqual([...ids(130).map((id) => `${id},${id},updated,unchanged`), '131,140,updated,']);
  expect(report.at(-1)).toBe('182,999999,rejected,unknown_id');

  const again = await run('skips again', rows, { ...options, backup: true });
  expect(again).toMatchObject({ unchanged: 181, calls: 0, backup: null, customers: { total: 181, updated: 181 } });
});

test('unchanged customers do not lower the share of rejected ones', async () => {
  const there = ids(600).map((id) => noted(id, 'there'));
  await set(there);
  // More than are in flight when it holds.
  const nobody = ids(300).map((n) => noted(900_000 + n, 'nobody'));
  const job = await start('rejected', [...there, ...nobody], { skipUnchanged: true });
  await until(async () => (await job.query(progressQuery)).state === 'held');
  const { waitingFor, customers } = await job.query(progressQuery);
  expect(waitingFor?.kind).toBe('rejections');
  expect(customers.rejected).toBeGreaterThanOrEqual(100);
  await job.cancel();
  await expect(job.result()).rejects.toThrow();
});

test('a dry run reports how many would change, sends nothing, and leaves no file', async () => {
  await set(ids(1_200).map((id) => noted(id, id % 4 === 0 ? 'old' : 'new')));
  const { customersApplied } = await system.stats();
  const uri = await writeSource(system, 'dry.ndjson', [
    ...ids(1_230).map((id) => noted(id, 'new')),
    noted(999_999, 'nobody'),
  ]);
  const dry = ['start', uri, '--store', store, '--dry-run', '--skip-unchanged', '--limit', '1205'];
  const { output, code } = await runStarter(system, [...dry, '--name', 'dry']);
  expect({ code, output }).toMatchObject({ code: 0 });
  expect(output).toContain('305 customers would change, 900 would not: they already have all the values.');
  expect(output).toMatch(/It would send 305 customers in 31 calls/);
  // Customers beyond the limit aren't even read.
  expect(await system.stats()).toMatchObject({ customersApplied, customersRead: 1_205 });

  const { wouldSend, backup } = await run('dry with backup', [noted(1, 'new'), noted(4, 'new'), noted(999_999, 'x')], {
    dryRun: true,
    backup: true,
  });
  expect(wouldSend).toMatchObject({ customers: 3, calls: 1, compared: { changed: 1, unchanged: 1, unknown: 1 } });
  expect(backup).toBeNull();
  const key = (await handleOf('dry').describe()).raw.workflowExecutionInfo?.firstRunId;
  await expect(readFile(`${system.folder}/data/jobs/abc/${key}/look-ups`)).rejects.toThrow('ENOENT');
});

test('only customers who will be sent are read, each once', async () => {
  const result = await run(
    'limited',
    ids(900).map((id) => noted(id, 'x')),
    { backup: true, limit: 15 },
  );
  expect(result.customers).toMatchObject({ updated: 15, unprocessed: 885 });
  expect(await system.stats()).toMatchObject({ customersRead: 15, gets: 1, puts: 2 });
  expect((await lines(result.backup)).map((line) => JSON.parse(line) as unknown)).toEqual(
    ids(15).map((id) => noted(id, '')),
  );
});

test('a job that looks customers up has one more activity, and one that need not has none', async () => {
  const types = async (name: string, options: JobOptions) => {
    const job = await start(name, [noted(1, name)], options);
    await job.result();
    const { events } = await job.fetchHistory();
    return (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? []);
  };
  const usual = ['prepareJob', 'openStore', 'updateChunk', 'closeJob'];
  expect(await types('usual', { reportAll: true })).toEqual(usual);
  const looking = usual.toSpliced(2, 0, 'lookUpPage');
  expect(await types('with backup', { backup: true })).toEqual(looking);
  expect(await types('skipping', { skipUnchanged: true })).toEqual(looking);
  const nothingChanged = { skipUnchanged: true, backup: true };
  await run('again', [noted(1, 'nothing changed')], {});
  expect(await types('nothing changed', nothingChanged)).toEqual(looking.filter((type) => type !== 'updateChunk'));
});

describe('a backup stands where its job', () => {
  const rows = ids(300).map((id) => noted(id, 'new'));
  const latest = (job: WorkflowHandle) => handleOf(job.workflowId.split('/')[2] as string);

  beforeEach(() => set(ids(300).map((id) => noted(id, `old ${id}`))));

  async function expectOldNotes(result: JobResult): Promise<void> {
    expectCountsToAddUp(result);
    expect(result).toMatchObject({ customers: { updated: 300 }, notInBackup: 0 });
    expect((await lines(result.backup)).map((line) => JSON.parse(line) as unknown)).toEqual(
      ids(300).map((id) => noted(id, `old ${id}`)),
    );
  }

  test('is reset while it runs, to its first workflow task, and another worker takes over', async () => {
    const job = await startSlowly('reset while it runs', rows, { backup: true });
    await Promise.all((await system.workersUp()).map((worker) => worker.kill()));
    await reset(system, job);
    await fast();
    await system.startWorker();
    await expectOldNotes(await latest(job).result());
  });

  test.each([true, false])('is reset after its end, to its first workflow task (skipUnchanged: %s)', async (skip) => {
    const job = await start(`reset after its end ${skip}`, rows, { backup: true, skipUnchanged: skip });
    await expectOldNotes(await job.result());
    await reset(system, job);
    await expectOldNotes(await latest(job).result());
  });

  test('was cancelled: it has everyone who may have been changed, and nobody else', async () => {
    const before = await present(300);
    const job = await startSlowly('cancelled', rows, { backup: true });
    await job.cancel();
    await fast();
    await expect(job.result()).rejects.toThrow();
    const { backup, customers: counts } = await job.query(progressQuery);
    const backedUp = await lines(backup);
    expect(backedUp.length).toBeGreaterThanOrEqual(counts.updated);
    expect(backedUp.length).toBeLessThan(300);
    await undo('cancelled');
    await expectAsBefore(before);
  });

  test.each([
    ['before-its-answer', { fault: 'reset-after' }, 'failed', /^It may have been sent/],
    ['with-an-answer-after-that', { fault: 'slow-body', ms: 3_000 }, undefined, undefined],
  ])('was cancelled in the second try of an e-mail address, %s', async (name, fault, outcome, message) => {
    const before = await present(40);
    const rows = ids(40).map((id): Customer => ({ id, notes: 'n' }));
    rows[0] = { id: 1, email: 'customer40@example.com' };
    rows[39] = { id: 40, email: 'moved@example.com' };
    await system.control('faults', { ...fault, customer: 1, after: 1, count: 'always' });
    const job = await start(name, rows, { backup: true });
    await until(async () => (await system.customer(1))['email'] === 'customer40@example.com');
    await job.cancel();
    await expect(job.result()).rejects.toThrow();
    await fast();

    const { customers: counts, backup } = await job.query(progressQuery);
    expect(counts).toMatchObject({ updated: outcome ? 39 : 40, failed: outcome ? 1 : 0, rejected: 0, unprocessed: 0 });
    const [first] = (await job.query(failuresQuery)).failures;
    expect(first).toEqual(
      outcome &&
        expect.objectContaining({ id: 1, outcome, code: 'cancelled', message: expect.stringMatching(message) }),
    );
    expect((await lines(backup)).map((line) => (JSON.parse(line) as Customer)['id'])).toContain(1);
    await undo(name);
    await expectAsBefore(before);
  });

  test.each([
    ['while it runs', 'running'],
    ['while it reads its source', 'preparing'],
  ])('was reset, and cancelled %s: undo restores everyone', async (when, state) => {
    const before = await present(300);
    const name = `reset-and-cancelled-while-${state}`;
    const job = await startSlowly(name, rows, { backup: true }, 12);
    const workers = await system.workersUp();
    await Promise.all(workers.map((worker) => worker.kill()));
    await reset(system, job);
    if (state === 'preparing') await latest(job).cancel();
    await system.startWorker();
    if (state === 'running') await untilDone(latest(job), 1).then(() => latest(job).cancel());
    await fast();
    await expect(latest(job).result()).rejects.toThrow();
    await undo(name);
    await expectAsBefore(before);
  });

  test('was cancelled, and reset after that: it has everyone', async () => {
    const job = await startSlowly('cancelled and reset', rows, { backup: true });
    await job.cancel();
    await fast();
    await expect(job.result()).rejects.toThrow();
    await reset(system, job);
    await expectOldNotes(await latest(job).result());
  });
});

describe('the runs of a name are undone, the latest first,', () => {
  const rows = ids(200).map((id) => ({ id, notes: `new ${id}`, ...(id > 100 && { company: 'New' }) }));

  beforeEach(() => set(ids(200).map((id) => ({ id, notes: `old ${id}`, company: 'Old' }))));

  async function cancelled(name: string, customers: unknown[], options: JobOptions = { backup: true }): Promise<void> {
    const job = await startSlowly(name, customers, options);
    await job.cancel();
    await fast();
    await expect(job.result()).rejects.toThrow();
  }

  test('back to one that completed: a cancelled run, and the run that went through after it', async () => {
    const before = await present(200);
    await cancelled('twice', rows);
    // The second one sets another field as well, and has found the first one's values.
    await run(
      'twice',
      rows.map((row) => ({ ...row, phone: '7' })),
      { backup: true },
    );
    expect(await present(200)).not.toEqual(before);
    await undo('twice');
    await expectAsBefore(before);
    expect(await handleOf('twice-undo-2').result()).toMatchObject({ customers: { rejected: 0, failed: 0 } });
  });

  test('and not beyond it: a run each night, of which the last is taken back', async () => {
    await run('nightly', rows, { backup: true });
    const firstNight = await present(200);
    await system.client.workflow.start('updateCustomers', {
      ...{ workflowId: jobId(store, 'nightly'), taskQueue: 'customer-updates' },
      args: [
        {
          storeHash: store,
          source: { uri: await writeSource(system, 'second.ndjson', [noted(1, 'bad')]) },
          options: { backup: true },
        },
      ],
      memo: { source: 'second', options: { backup: true } },
    });
    await handleOf('nightly').result();
    await undo('nightly');
    await expectAsBefore(firstNight);
  });

  test('and retries before their job, which have its options', async () => {
    const before = await present(200);
    await cancelled('left', rows);
    const retried = await runStarter(system, ['retry', 'left', '--store', store, '--yes']);
    expect(retried.code).toBe(0);
    expect((await handleOf('left-retry').result()).backup).not.toBeNull();
    const { code, output } = await runStarter(system, ['undo', 'left', '--store', store, '--yes']);
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(output).toMatch(/1 of 2: customer-updates\/abc\/left-retry, .*2 of 2: customer-updates\/abc\/left, /s);
    await expectAsBefore(before);
    // Again, it finds that both are undone.
    const { customersApplied } = await system.stats();
    expect((await runStarter(system, ['undo', 'left', '--store', store, '--yes'])).code).toBe(0);
    expect(await system.stats()).toMatchObject({ customersApplied });
  });

  test('and a retry without a backup is named: what it changed stays', async () => {
    const before = await present(200);
    await cancelled('half', rows);
    const { retry, backup } = await handleOf('half').query(progressQuery);
    const idsIn = async (uri: string | null | undefined) =>
      (await lines(uri)).map((line) => (JSON.parse(line) as { id: number }).id);
    // Some of those who are sent again may have been sent before.
    const backedUp = await idsIn(backup);
    const stay = (await idsIn(retry)).filter((id) => !backedUp.includes(id));
    expect(stay).not.toEqual([]);
    await system.run('half-by-hand', { storeHash: store, source: { retryOf: jobId(store, 'half') } });
    const { output } = await runStarter(system, ['undo', 'half', '--store', store, '--yes']);
    expect(output).toMatch(/half-by-hand can't be undone: it was started without --backup.* What it changed stays/);
    await expectAsBefore(before, stay);
  });
});

test('a terminated job is undone from what it had read', async () => {
  await set(ids(300).map((id) => noted(id, `old ${id}`)));
  const before = await present(300);
  const rows = ids(300).map((id) => noted(id, 'new'));
  const job = await startSlowly('terminated', rows, { backup: true });
  await job.terminate();
  await fast();
  // Until the calls in flight have ended.
  await until(async () => ((await system.stats())['inFlight'] ?? 1) === 0);
  expect((await system.customer(1))['notes']).toBe('new');
  await undo('terminated', '--skip-unchanged');
  await expectAsBefore(before);
});

test('what was looked up before a long pause is looked up again: by then others have changed who was not sent yet', async () => {
  for (const worker of await system.workersUp()) await worker.stop();
  const dist = await buildWith(`${system.folder}/impatient`, 'workflow-bundle.js', 'OLD_MS', 1_000);
  const worker = await system.startWorker({}, undefined, `${dist}/worker.js`);
  const before = await present(300);
  const rows = ids(300).map((id) => ({ id, notes: 'n' }));
  const job = await startSlowly('grown-old', rows, { backup: true, skipUnchanged: true });
  await job.executeUpdate(pauseUpdate, { args: [{ reason: 'for long' }] });
  await until(async () => ((await job.describe()).raw.pendingActivities ?? []).length === 0);
  await sleep(2_000);
  // Beyond what may have been sent by then.
  await set(
    ids(300)
      .slice(220)
      .map((id) => ({ id, notes: id <= 260 ? 'n' : 'theirs' })),
  );
  const paused = await present(300);
  await fast();
  await job.executeUpdate(resumeUpdate);

  const result = await job.result();
  expect(result).toMatchObject({ customers: { updated: 300 }, unchanged: 40 });
  await undo('grown-old');
  await expectAsBefore([...before.slice(0, 220), ...paused.slice(220)]);
  await worker.stop();
  await system.startWorker();
});

describe('while it reads, a job', () => {
  const rows = ids(300).map((id) => noted(id, 'new'));

  test.each([
    ['throttled', { fault: 'throttle', on: 'get', count: 2 }],
    ['not answered', { fault: 'reset', on: 'get', count: 2 }],
    ['given an incomplete answer', { fault: 'missing-customers', on: 'get', count: 2 }],
  ])('that is %s reads again, and sends nothing before it has read', async (name, fault) => {
    await system.control('faults', fault);
    const result = await run(name, rows, { backup: true });
    expect(result).toMatchObject({ calls: 30, notInBackup: 0, customers: { updated: 300, failed: 0 } });
    expect(await lines(result.backup)).toHaveLength(300);
    expect(await system.stats()).toMatchObject({ puts: 30, callsAfterThrottle: 0 });
  });

  test('that is refused holds, having sent nothing, and continues when resumed', async () => {
    await system.control('tokens', { store, token: 'reissued' });
    const job = await start('refused', rows, { backup: true, skipUnchanged: true });
    await until(async () => (await job.query(progressQuery)).state === 'held');
    expect((await job.query(progressQuery)).waitingFor).toMatchObject({ kind: 'refused' });
    const { puts, gets = 9 } = await system.stats();
    expect(puts).toBe(0);
    expect(gets).toBeLessThanOrEqual(2);
    await system.control('tokens', { store, token: TOKENS['abc'] });
    await job.executeUpdate(resumeUpdate);
    expect((await job.result()).customers).toMatchObject({ updated: 300 });
  });

  test('that was refused among unchanged customers continues after one resume', async () => {
    await set(ids(290).map((id) => noted(id, 'new')));
    const [changed, same] = [rows.slice(290), rows.slice(0, 290)];
    await system.control('faults', { fault: 'status', status: 403, count: 1 });
    const job = await start('refused amid', [...changed, ...same], { skipUnchanged: true });
    await until(async () => (await job.query(progressQuery)).state === 'held');
    await job.executeUpdate(resumeUpdate);
    expect(await job.result()).toMatchObject({ unchanged: 290, customers: { updated: 300 } });
  });
});

test('the starter refuses to undo what can not be undone, and a job of another store may not use the backup', async () => {
  await run('no-backup', [noted(1, 'x')], {});
  const { backup } = await run('purged', [noted(2, 'x')], { backup: true });
  const elsewhere = system.run('elsewhere', { storeHash: 'def', source: { uri: backup ?? '' } });
  await expect(elsewhere).rejects.toMatchObject({ cause: { type: 'BadSource' } });
  await runStarter(system, ['purge', 'purged', '--store', store, '--yes']);
  await run('nothing', [noted(999_999, 'x')], { backup: true, maxRejectedPercent: 100 });
  const said = async (name: string) => {
    const { code, output } = await runStarter(system, ['undo', name, '--store', store, '--yes']);
    expect(code).toBe(2);
    return output;
  };
  expect(await said('no-backup')).toMatch(/can't be undone: .*without --backup/);
  expect(await said('purged')).toMatch(/is gone: its files were purged/);
  expect(await said('nothing')).toMatch(/There is nothing to undo/);
});
