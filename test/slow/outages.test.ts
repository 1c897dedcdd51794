/** What a job depends on fails for a while: the Temporal server, the job store, the disk, the store. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CancelledFailure } from '@temporalio/common';
import { customerUpdate } from '../../src/client.ts';
import { type JobInput, type JobOptions, pauseUpdate, progressQuery, resumeUpdate } from '../../src/contract/job.ts';
import { customers, writeSource } from '../support/customers.ts';
import { expectCountsToAddUp, lastFailure, untilDone } from '../support/jobs.ts';
import { allFailures, type JobHandle, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '6000', '--latency', '50'], durable: true });

describe('job store and server', () => {
  const progress = async (handle: JobHandle) => handle.query(progressQuery).catch(() => undefined);

  /** A job of which some chunks are done; it is too slow to go much further before `fast`. */
  async function startSlowly(name: string, input: JobInput) {
    await system.control('faults', { fault: 'latency', ms: 500 });
    const handle = await system.start(name, input);
    await untilDone(handle, 1);
    return handle;
  }
  const fast = () => system.control('faults', { clear: true });

  test('the Temporal server is killed and started again in the middle of a job, which continues', async () => {
    const handle = await system.start('restarted', { storeHash: 'abc', source: { customers: customers(900) } });
    await until(async () => ((await progress(handle))?.chunks.done ?? 0) >= 10);
    await system.restartServer();
    expect((await handle.result()).customers).toMatchObject({ total: 900, updated: 900 });
    expect(await system.stats()).toMatchObject({ maxInFlight: 3, customersUpdatedDistinct: 900 });
  });

  test('a job whose files can not be written says so at every attempt, and continues when they can', async () => {
    const jobs = `${system.folder}/data/jobs`;
    await rename(jobs, `${jobs}.aside`);
    await writeFile(jobs, 'in the way');
    const handle = await system.start('unwritable', { storeHash: 'abc', source: { customers: customers(20) } });
    await until(async () => /a part of the path is a file.*Move it away/.test(await lastFailure(handle)));
    expect(await customerUpdate(system.client, handle.workflowId).progress()).toMatchObject({
      state: 'preparing',
      waitingFor: { kind: 'outage', message: expect.stringMatching(/a part of the path is a file/) },
    });
    await rm(jobs);
    await rename(`${jobs}.aside`, jobs);
    expect((await handle.result()).customers).toMatchObject({ total: 20, updated: 20 });
  });

  test('a missing page holds the job, which names it and still counts correctly; once it is back, the job ends', async () => {
    const uri = await writeSource(system, 'pages.ndjson', customers(2_500));
    const handle = await startSlowly('pages', { storeHash: 'abc', source: { uri } });
    await handle.executeUpdate(pauseUpdate, { args: [{}] });
    await fast();
    const page = `${system.folder}/data/jobs/abc/${handle.firstExecutionRunId}/pages/0/000001.ndjson`;
    await mkdir(`${system.folder}/aside`);
    await rename(page, `${system.folder}/aside/page`);
    await handle.executeUpdate(resumeUpdate);
    await until(async () => (await progress(handle))?.state === 'held');
    const held = await handle.query(progressQuery);
    expect(held.waitingFor?.message).toMatch(/pages\/0\/000001\.ndjson/);
    expect(held.customers.updated + held.customers.unprocessed).toBe(2_500);
    await rename(`${system.folder}/aside/page`, page);
    await handle.executeUpdate(resumeUpdate);
    expect((await handle.result()).customers).toMatchObject({ total: 2_500, updated: 2_500, failed: 0 });
  });

  test.each<[string, string, JobOptions, (path: string) => Promise<unknown>, string]>([
    // Not missing, which is a different case: unreadable.
    ['read a page', 'pages/0/000001.ndjson', {}, mkdir, 'it is a folder'],
    ['write a look-up', 'look-ups', { backup: true }, (path) => writeFile(path, ''), 'a part of the path is a file'],
  ])(
    'a job store that fails to %s holds the job as an outage, which continues by itself',
    async (what, path, options, put, why) => {
      const uri = await writeSource(system, `fails-${options.backup}.ndjson`, customers(2_500));
      const handle = await startSlowly(`fails to ${what}`, { storeHash: 'abc', source: { uri }, options });
      const file = `${system.folder}/data/jobs/abc/${handle.firstExecutionRunId}/${path}`;
      await rename(file, `${file}.aside`);
      await put(file);
      await fast();
      await until(async () => (await progress(handle))?.state === 'held');
      const held = await handle.query(progressQuery);
      expect(held.waitingFor).toMatchObject({
        kind: 'outage',
        message: expect.stringMatching(new RegExp(`${file}.*: ${why}`)),
      });
      expect(held.customers.updated + held.customers.unprocessed).toBe(2_500);

      await rm(file, { recursive: true });
      await rename(`${file}.aside`, file);
      expect((await handle.result()).customers).toMatchObject({ total: 2_500, updated: 2_500, failed: 0 });
    },
  );

  test('a job that is cancelled while it can not write its report ends as cancelled, once it has written it', async () => {
    const input = { storeHash: 'abc', source: { customers: customers(300) }, options: { reportAll: true } };
    const handle = await startSlowly('cancelled while closing', input);
    const report = `${system.folder}/data/jobs/abc/${handle.firstExecutionRunId}/report.csv`;
    await mkdir(report);
    await fast();
    await until(async () => (await lastFailure(handle)).includes('it is a folder. Name a file'));
    await handle.cancel();
    await until(async () => (await handle.describe()).raw.workflowExtendedInfo?.cancelRequested ?? false);
    expect(await progress(handle)).toMatchObject({ state: 'closing', report: null });

    await rmdir(report);
    await expect(handle.result()).rejects.toMatchObject({ cause: expect.any(CancelledFailure) });
    const ended = await handle.query(progressQuery);
    expect(ended).toMatchObject({ state: 'cancelled', report: `file://${report}`, retry: null });
    expectCountsToAddUp(ended);
    expect(ended.customers).toMatchObject({ total: 300, updated: 300 });
    expect((await readFile(report, 'utf8')).trim().split('\n')).toHaveLength(1 + 300);
  });
});

describe('the store', () => {
  beforeEach(() => system.control('faults', { fault: 'latency', ms: 250 }));

  test('customers whom the store never answers for fail alone in the middle of a job, and nobody has to intervene', async () => {
    await system.control('faults', [
      { fault: 'status', status: 504, customer: 15, count: 'always' },
      { fault: 'reset', customer: 25, count: 'always' },
    ]);
    const unanswered = [15, 25];
    const uri = await writeSource(system, 'poison.ndjson', customers(6_000));
    const handle = await system.start('poison', { storeHash: 'abc', source: { uri } });
    // Others must be answered between their tries: a store that answers nobody counts as an outage.
    await until(async () => (await handle.query(progressQuery)).customers.failed === 2);
    await system.control('faults', { fault: 'latency' });

    const result = await handle.result();
    expectCountsToAddUp(result);
    expect(result.customers).toMatchObject({ total: 6_000, updated: 5_998, failed: 2 });
    const failures = (await allFailures(handle)).map(({ id, outcome, code }) => ({ id, outcome, code }));
    expect(failures).toEqual(unanswered.map((id) => ({ id, outcome: 'failed', code: 'unavailable' })));
    // A neighbour of each is sent the same values again.
    expect(await system.stats()).toMatchObject({ customersUpdatedDistinct: 5_998, customersAppliedMoreThanOnce: 2 });
    const retry = (await readFile(new URL(result.retry ?? ''), 'utf8')).trim().split('\n');
    expect(retry.map((line) => (JSON.parse(line) as { id: number }).id)).toEqual(unanswered);
  });

  test('a store that throttles for long is reported as throttling, not as slow', async () => {
    await system.control('faults', { fault: 'throttle', store: 'def', retryAfter: 40, count: 1 });
    const handle = await system.start('throttled', { storeHash: 'def', source: { customers: customers(30) } });
    // All that the job itself knows is that no answer comes.
    await until(async () => (await handle.query(progressQuery)).waitingFor?.kind === 'lease');
    const { waitingFor } = await customerUpdate(system.client, handle.workflowId).progress();
    expect(waitingFor).toMatchObject({ kind: 'throttle', until: expect.any(String) });
    expect((await handle.result()).customers).toMatchObject({ total: 30, updated: 30 });
  });
});

/** Why this machine does not let us mount a file system; undefined if it does. */
function whyNoMount(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'mount-'));
  const { status, error, stderr } = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', folder], { encoding: 'utf8' });
  if (status === 0) execFileSync('umount', [folder]);
  rmSync(folder, { recursive: true });
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}

const refused = whyNoMount();
if (refused !== undefined)
  console.warn(`Skipped, because this machine does not let us mount a file system: ${refused}`);

const ROOMY = 'size=16m';

let disk: string;

const mount = (...args: string[]) => execFileSync('mount', [...args, disk]);

(refused === undefined ? describe : describe.skip)('on a disk of its own', () => {
  beforeAll(async () => {
    await Promise.all(system.workers.map((worker) => worker.stop()));
    disk = join(system.folder, 'disk');
    mkdirSync(disk);
    mount('-t', 'tmpfs', '-o', ROOMY, 'tmpfs');
    await system.startWorker({ JOB_STORE: `file:${disk}` });
  });
  afterAll(async () => {
    await Promise.all(system.workers.map((worker) => worker.kill()));
    execFileSync('umount', [disk]);
  });

  test('a job that finds the disk full says so and what to do, and continues once there is space', async () => {
    mount('-o', 'remount,size=64k');
    const rows = customers(1_000).map((row) => ({ ...row, notes: `${row.id} ${'x'.repeat(200)}` }));
    const job = await system.start('full', { storeHash: 'abc', source: { customers: rows } });
    await until(async () => (await lastFailure(job)).includes('the disk is full. Free some space'));
    expect(await system.stats()).toMatchObject({ puts: 0 });

    mount('-o', `remount,${ROOMY}`);
    const result = await job.result();
    expectCountsToAddUp(result);
    expect(result.customers).toMatchObject({ total: 1_000, updated: 1_000 });
    expect(await system.stats()).toMatchObject({ customersUpdatedDistinct: 1_000 });
  });

  test("a job that can't write its report waits until the disk can be written to again", async () => {
    const job = await system.start('read-only', { storeHash: 'abc', source: { customers: customers(300) } });
    await untilDone(job, 3);
    await job.executeUpdate(pauseUpdate, { args: [{}] });
    mount('-o', 'remount,ro');
    await job.executeUpdate(resumeUpdate);
    await until(async () => (await lastFailure(job)).includes('the disk is mounted read-only. Mount it for writing'));

    mount('-o', 'remount,rw');
    const result = await job.result();
    expectCountsToAddUp(result);
    expect(result.customers).toMatchObject({ total: 300, updated: 300 });
    expect(await readFile(new URL(result.report ?? ''), 'utf8')).toBe('row,line,id,outcome,code,message\n');
  });
});
