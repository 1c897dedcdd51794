/** Schedules: the same job again and again, each time from what the file has become. */
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { findTemporal } from '../../dev/servers/dev-server.ts';
import { startProgram } from '../../dev/servers/processes.ts';
import {
  BadInput,
  customerUpdate,
  customerUpdateSchedule,
  type CustomerUpdateSchedule,
  type JobOptions,
  NoSuchSchedule,
  scheduleCustomerUpdate,
  type When,
} from '../../src/client.ts';
import { customers, writeSource } from '../support/customers.ts';
import { expectNoFailedTask } from '../support/jobs.ts';
import { buildNext } from '../support/next-version.ts';
import { runStarter } from '../support/starter.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '300'] });

const made: CustomerUpdateSchedule[] = [];
afterEach(async () => {
  for (const schedule of made.splice(0)) {
    await schedule.delete().catch((error: unknown) => {
      if (!(error instanceof NoSuchSchedule)) throw error;
    });
  }
});

async function schedule(name: string, uri: string, when: When, options: JobOptions = {}) {
  const input = { storeHash: 'abc', source: { uri }, options };
  made.push(await scheduleCustomerUpdate(system.client, input, name, { ...when, startedBy: 'a test' }));
  return made.at(-1) as CustomerUpdateSchedule;
}

/** Puts another file in the place of a source, at once. */
async function replace(uri: string, name: string, rows: object[]): Promise<void> {
  await rename(new URL(await writeSource(system, `${name}.next.ndjson`, rows)), new URL(uri));
}

/** The workflow ids of the runs, which begin with the schedule's id and end with the time: the first one first. */
const runsOf = async ({ describe }: CustomerUpdateSchedule) => (await describe()).runs.map(({ id }) => id).reverse();

/** The job of the first run for which `isIt` is true, once there is one. */
async function runOf(of: CustomerUpdateSchedule, isIt: (id: string, index: number) => boolean = () => true) {
  let found: string | undefined;
  await until(async () => (found = (await runsOf(of)).find(isIt)) !== undefined);
  return customerUpdate(system.client, found as string);
}

/** Starts a run; returns its job. */
async function runNow(of: CustomerUpdateSchedule) {
  const before = (await runsOf(of)).length;
  await of.trigger();
  return runOf(of, (_, index) => index === before);
}

/** A time that does not come while a test runs. */
const RARELY: When = { cron: '30 2 1 1 *', timezone: 'Europe/Berlin' };

test('five runs over a file that changes: each sends what has changed since the one before', async () => {
  /** 20 + n customers; the first n have changed since the version before, and the last one is new. */
  const version = (n: number) =>
    customers(20 + n).map(({ id }) => ({ id, notes: id <= n ? `version ${n}` : 'the same' }));
  const uri = await writeSource(system, 'changes.ndjson', version(1));
  const nightly = await schedule('changes', uri, { every: '2s' }, { skipUnchanged: true });
  const counts: object[] = [];
  let last = '';
  for (let n = 1; n <= 5;) {
    const run = await runOf(nightly, (id) => id > last);
    last = run.id;
    const { customers: counted, unchanged, calls } = await run.result();
    // It may have begun before this version was there.
    if (counted.total !== 20 + n) continue;
    counts.push({ ...counted, unchanged, calls });
    if (++n <= 5) await replace(uri, 'changes', version(n));
  }
  const all = { rejected: 0, failed: 0, invalid: 0, unprocessed: 0 };
  expect(counts).toEqual([
    { total: 21, updated: 21, ...all, unchanged: 0, calls: 3 },
    { total: 22, updated: 22, ...all, unchanged: 19, calls: 1 },
    { total: 23, updated: 23, ...all, unchanged: 19, calls: 1 },
    { total: 24, updated: 24, ...all, unchanged: 19, calls: 1 },
    { total: 25, updated: 25, ...all, unchanged: 19, calls: 1 },
  ]);
  // Nobody deletes the source of a schedule.
  expect(await readFile(new URL(uri), 'utf8')).toContain('version 5');
});

test('a run that is still going is not doubled, and what was skipped is counted', async () => {
  const uri = await writeSource(system, 'long.ndjson', customers(120));
  await system.control('faults', { fault: 'latency', ms: 2_000 });
  const often = await schedule('long', uri, { every: '1s' });
  const first = await runOf(often);
  await until(async () => (await often.describe()).skipped >= 2);
  const { runs, running } = await often.describe();
  expect([runs.map(({ id }) => id), running]).toEqual([[first.id], [first.id]]);
  await often.pause();
  await system.control('faults', { clear: true });
  expect((await first.result()).customers).toMatchObject({ total: 120, updated: 120 });
  expect(await system.stats()).toMatchObject({ customersAppliedMoreThanOnce: 0 });
});

test('a run whose worker is killed goes through with another one', async () => {
  const uri = await writeSource(system, 'killed.ndjson', customers(200));
  await system.control('faults', { fault: 'latency', ms: 500 });
  const run = await runNow(await schedule('killed', uri, RARELY));
  await until(async () => (await run.progress()).chunks.done >= 2);
  await Promise.all((await system.workersUp()).map((worker) => worker.kill()));
  await system.control('faults', { clear: true });
  await system.startWorker();
  expect((await run.result()).customers).toMatchObject({ total: 200, updated: 200 });
  expect((await system.stats()).customersUpdatedDistinct).toBe(200);
});

test('a paused schedule starts nothing by itself, says why, and what it does; it can be triggered and resumed', async () => {
  const uri = await writeSource(system, 'paused.ndjson', customers(1));
  const paused = await schedule('paused', uri, { every: '1s' });
  const does = `Updates the customers of store abc from ${uri}: every 1s.`;
  expect(await paused.describe()).toMatchObject({ when: 'every 1s', source: uri, paused: false, note: does });
  await paused.pause('stocktaking');
  const { runs } = await paused.describe();
  await runOf(await schedule('other', uri, { every: '1s' }), (_, index) => index === 2);
  const note = `Paused: stocktaking. ${does}`;
  expect(await paused.describe()).toMatchObject({ paused: true, next: undefined, note, runs });

  expect((await (await runNow(paused)).result()).customers.updated).toBe(1);
  await paused.resume();
  expect(await paused.describe()).toMatchObject({ paused: false, note: does, next: expect.any(Date) });
  await paused.delete();
  await expect(paused.describe()).rejects.toThrow(NoSuchSchedule);
  await expect(paused.trigger()).rejects.toThrow('There is no schedule customer-updates/abc/paused');
});

test('the same schedule again changes nothing; another one of its name is refused', async () => {
  const uri = await writeSource(system, 'again.ndjson', customers(1));
  const first = await schedule('again', uri, RARELY, { backup: true });
  await first.pause();
  await schedule('again', uri, RARELY, { backup: true, dryRun: false });
  expect(await first.describe()).toMatchObject({ paused: true });
  const other = schedule('again', uri, { every: '1d' }, { backup: true });
  await expect(other).rejects.toThrow(BadInput);
  await expect(other).rejects.toThrow(
    'There is a schedule customer-updates/abc/again already, and it does something else',
  );
});

test('an undo of a night takes back that night only', async () => {
  const night = (notes: string) => customers(3).map(({ id }) => ({ id, notes }));
  const uri = await writeSource(system, 'undone.ndjson', night('first'));
  const nightly = await schedule('undone', uri, RARELY, { backup: true });
  const first = await runNow(nightly);
  await first.result();
  await replace(uri, 'undone', night('second'));
  await (await runNow(nightly)).result();

  const undo = (...job: string[]) => runStarter(system, ['undo', ...job, '--yes']);
  expect(await undo('undone', '--store', 'abc', '--latest')).toMatchObject({ code: 0 });
  expect((await system.customer(2))['notes']).toBe('first');
  expect(await undo(first.id)).toMatchObject({ code: 0 });
  expect((await system.customer(2))['notes']).toBe('');
});

test('a run knows the customers whom the run of another night has given new addresses', async () => {
  const moves = [1, 2].map((id) => ({ email: `customer${id}@example.com`, new_email: `moved${id}@example.com` }));
  const uri = await writeSource(system, 'moves.ndjson', moves);
  const nightly = await schedule('moves', uri, RARELY, { match: 'email', skipUnchanged: true });
  const results = [await (await runNow(nightly)).result(), await (await runNow(nightly)).result()];
  expect(results).toMatchObject([
    { customers: { updated: 2 }, unchanged: 0 },
    { customers: { updated: 2 }, unchanged: 2 },
  ]);
});

describe('a source that is not there at the time', () => {
  let hasty: string;
  beforeAll(async () => {
    hasty = `${await buildNext(join(system.folder, 'hasty'), 'hasty-workflows.ts')}/worker.js`;
  });

  test('is waited for, which the run says, and does not keep it from being cancelled', async () => {
    const run = await runNow(await schedule('late', `file://${system.folder}/data/sources/late.csv`, RARELY));
    await until(async () => (await run.progress()).waitingFor !== null);
    const { state, waitingFor } = await run.progress();
    expect(state).toBe('preparing');
    expect(waitingFor).toMatchObject({ kind: 'source', message: expect.stringContaining('There is no file at') });
    const minutes = (Date.parse(waitingFor?.until ?? '') - Date.now()) / 60_000;
    expect([minutes > 9, minutes <= 10]).toEqual([true, true]);
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ how: 'cancelled' });
    expect((await run.progress()).waitingFor).toBeNull();
  });

  test('is read once it is there; after a third look the run fails; a job that was not scheduled fails at once', async () => {
    await Promise.all((await system.workersUp()).map((worker) => worker.stop()));
    await system.startWorker({}, undefined, hasty);
    const source = { uri: `file://${system.folder}/data/sources/never.csv` };
    const never = await runNow(await schedule('never', source.uri, RARELY));
    await expect(never.result()).rejects.toMatchObject({
      type: 'BadSource',
      message: expect.stringContaining('no file at'),
    });
    expect(await looks(never.id)).toEqual({ prepareJob: 3, timers: [1, 2] });

    const job = await system.start('never', { storeHash: 'abc', source });
    await expect(job.result()).rejects.toMatchObject({ cause: { type: 'BadSource' } });
    expect(await looks(job.workflowId)).toEqual({ prepareJob: 1, timers: [] });

    const uri = await writeSource(system, 'soon.ndjson', customers(5));
    await rename(new URL(uri), new URL(`${uri}.part`));
    const soon = await runNow(await schedule('soon', uri, RARELY));
    await until(async () => (await looks(soon.id)).timers.length > 0);
    await rename(new URL(`${uri}.part`), new URL(uri));
    expect((await soon.result()).customers).toMatchObject({ total: 5, updated: 5 });
    expectNoFailedTask((await system.client.workflow.getHandle(soon.id).fetchHistory()).events);
    await Promise.all((await system.workersUp()).map((worker) => worker.stop()));
    await system.startWorker();
  });
});

async function looks(id: string) {
  const { events } = await system.client.workflow.getHandle(id).fetchHistory();
  const prepares = (events ?? []).filter(
    ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name === 'prepareJob',
  );
  const timers = (events ?? []).flatMap(({ timerStartedEventAttributes: timer }) =>
    timer ? [Number(timer.startToFireTimeout?.seconds)] : [],
  );
  return { prepareJob: prepares.length, timers };
}

describe('from the command line', () => {
  const starter = (...args: string[]) => runStarter(system, args);

  test('a schedule is made, listed, shown with its runs, paused, resumed, triggered and deleted', async () => {
    const uri = await writeSource(system, 'typed.ndjson', [...customers(3), { id: 999_999, notes: 'nobody' }]);
    const named = ['typed', '--store', 'abc'];
    const create = [
      'schedule',
      'create',
      'typed',
      uri,
      '--store',
      'abc',
      '--cron',
      '30 2 * * *',
      '--timezone',
      'Europe/Berlin',
    ];
    const ofBerlin = await starter(...create, '--skip-unchanged', '--yes');
    made.push(customerUpdateSchedule(system.client, 'customer-updates/abc/typed'));
    expect(ofBerlin).toMatchObject({
      code: 0,
      output: expect.stringContaining('30 2 * * * (Europe/Berlin), from file:'),
    });
    expect((await starter(...create, '--skip-unchanged', '--yes')).code).toBe(0);
    expect(await starter(...create, '--yes')).toMatchObject({
      code: 2,
      output: expect.stringContaining('something else'),
    });
    expect(await starter('show', ...named, '--latest')).toMatchObject({
      code: 2,
      output: expect.stringContaining('schedule trigger'),
    });

    expect((await starter('schedule', 'trigger', ...named)).code).toBe(0);
    const run = await runOf(customerUpdateSchedule(system.client, 'customer-updates/abc/typed'));
    await run.result();
    const shown = await starter('schedule', 'show', ...named);
    const [, time = ''] = /typed-(\S+)$/.exec(run.id) ?? [];
    expect(shown.output).toMatch(/TIME +STATE +UPDATED +OF THESE UNCHANGED +NOT UPDATED +TOOK +JOB\n/);
    expect(shown.output).toMatch(new RegExp(`completed +3 +0 +1 .+ typed-${time}$`, 'm'));
    const json = JSON.parse((await starter('schedule', 'show', ...named, '--json')).stdout) as object;
    expect(json).toMatchObject({
      ...{ id: 'customer-updates/abc/typed', when: '30 2 * * * (Europe/Berlin)', source: uri, paused: false },
      runs: [{ id: run.id, status: 'COMPLETED', name: `typed-${time}`, progress: { customers: { rejected: 1 } } }],
    });
    await until(async () =>
      /^abc +typed +30 2 \* \* \* \(Europe\/Berlin\) +20/m.test((await starter('schedule', 'list')).output),
    );

    expect((await starter('list', '--store', 'abc')).output).toContain(`typed-${time}`);
    for (const job of [[run.id], ['typed', '--store', 'abc', '--latest'], [`typed-${time}`, '--store', 'abc']]) {
      expect((await starter('show', ...job)).output).toContain(`Job:    ${run.id}\n`);
    }
    expect((await starter('show', ...named)).output).toContain(
      'abc/typed is a schedule. For its last run, add --latest',
    );
    expect((await starter('report', ...named, '--latest', '-')).stdout).toContain('4,4,999999,rejected,unknown_id');
    expect((await starter('failures', ...named, '--latest')).output).toContain('unknown_id');
    expect((await starter('retry', ...named, '--latest')).output).toContain('NothingToRetry');
    expect((await starter('purge', ...named, '--latest', '--yes')).output).toMatch(/\d files? deleted/);
    expect(await readFile(new URL(uri), 'utf8')).toContain('nobody');

    await starter('schedule', 'pause', ...named, '--reason', 'stocktaking');
    expect((await starter('schedule', 'show', ...named)).output).toContain(
      'Next run: none. Paused: stocktaking. Updates the',
    );
    expect((await starter('schedule', 'resume', ...named)).output).toContain('Next run: 20');
    expect((await starter('schedule', 'delete', ...named)).code).toBe(0);
    expect(await starter('schedule', 'show', ...named)).toMatchObject({
      code: 2,
      output: expect.stringContaining('There is no schedule'),
    });
  });

  test('no second run is triggered while one is running', async () => {
    const uri = await writeSource(system, 'busy.ndjson', customers(30));
    await system.control('faults', { fault: 'latency', ms: 5_000 });
    const run = await runNow(await schedule('busy', uri, RARELY));
    const again = await starter('schedule', 'trigger', 'busy', '--store', 'abc');
    expect(again).toMatchObject({ code: 2, output: expect.stringContaining(`A run is still running: ${run.id}`) });
    await system.control('faults', { clear: true });
    await run.cancel();
    await expect(run.result()).rejects.toThrow();
  });
});

test('the command of docs/contract.md makes a schedule, whose runs know that they are', async () => {
  const [, command = ''] =
    /```sh\n(temporal schedule create [^]*?)```/.exec(await readFile('docs/contract.md', 'utf8')) ?? [];
  const uri = await writeSource(system, 'by-hand.ndjson', customers(2));
  const typed = command
    .replaceAll('abc123', 'abc')
    .replaceAll(/s3:[^"]*/g, uri)
    .replace(/^temporal/, await findTemporal());
  const flags = `--address ${system.server.address} --namespace ${system.namespace}`;
  const { exited, output } = startProgram('sh', ['-ec', `${typed.trimEnd()} ${flags}`], { env: system.env });
  expect({ ...(await exited), output: output() }).toMatchObject({ code: 0 });
  const byHand = customerUpdateSchedule(system.client, 'customer-updates/abc/nightly');
  made.push(byHand);
  expect(await byHand.describe()).toMatchObject({ source: uri, options: { skipUnchanged: true }, note: 'every night' });
  const run = await runNow(byHand);
  expect((await run.result()).customers).toMatchObject({ updated: 2 });
  expect(await system.client.schedule.getHandle(byHand.id).describe()).toMatchObject({
    policies: { overlap: 'SKIP', catchupWindow: 3_600_000 },
  });
  expect((await runStarter(system, ['schedule', 'show', byHand.id])).output).toContain('made by another client');
});
