import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pauseUpdate, resumeUpdate } from '../../src/contract/job.ts';
import { customers } from '../support/customers.ts';
import { expectCountsToAddUp, expectThreeAtMost, lastFailure, untilDone } from '../support/jobs.ts';
import { startSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

/** Why this machine does not let us mount a file system; undefined where it does. */
function whyNoMount(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'mount-'));
  const { status, error, stderr } = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', folder], { encoding: 'utf8' });
  if (status === 0) execFileSync('umount', [folder]);
  rmSync(folder, { recursive: true });
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}

const refused = whyNoMount();
if (refused !== undefined) console.warn(`Skipped, for they take the right to mount a file system: ${refused}`);

const ROOMY = 'size=16m';

let system: System;
let disk: string;

const mount = (...args: string[]) => execFileSync('mount', [...args, disk]);

(refused === undefined ? describe : describe.skip)('on a disk of its own', () => {
  beforeAll(async () => {
    system = await startSystem({ emulator: ['--customers', '1000', '--latency', '20'], workers: 0 });
    disk = join(system.folder, 'data');
    mkdirSync(disk);
    mount('-t', 'tmpfs', '-o', ROOMY, 'tmpfs');
    await system.startWorker();
  });
  afterAll(async () => {
    await Promise.all(system.workers.map((worker) => worker.kill()));
    execFileSync('umount', [disk]);
    await system.close();
  });
  afterEach(() => expectThreeAtMost(system));

  test('a job that finds the disk full says so and what to do, and goes on once there is space', async () => {
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

  test("a job that can't write its report waits until the disk may be written to again", async () => {
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
