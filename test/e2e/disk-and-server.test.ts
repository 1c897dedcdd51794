import { mkdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { CancelledFailure } from '@temporalio/common';
import { customerUpdate } from '../../src/client.ts';
import { type JobOptions, pauseUpdate, progressQuery, resumeUpdate } from '../../src/contract/job.ts';
import { customers, writeSource } from '../support/customers.ts';
import { expectCountsToAddUp, lastFailure, untilDone } from '../support/jobs.ts';
import { useSystem, type JobHandle } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '2000', '--latency', '50'], durable: true });

const progress = async (handle: JobHandle) => handle.query(progressQuery).catch(() => undefined);

test('the Temporal server is killed and started again in the middle of a job, which goes on', async () => {
  const handle = await system.start('restarted', { storeHash: 'abc', source: { customers: customers(900) } });
  await until(async () => ((await progress(handle))?.chunks.done ?? 0) >= 10);
  await system.restartServer();
  expect((await handle.result()).customers).toMatchObject({ total: 900, updated: 900 });
  expect(await system.stats()).toMatchObject({ maxInFlight: 3, customersUpdatedDistinct: 900 });
});

test('a job whose files can not be written says so at each attempt, and goes on when they can', async () => {
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

test('a page that is missing holds the job, which names it and counts nothing wrong; put back, the job ends', async () => {
  const uri = await writeSource(system, 'pages.ndjson', customers(1_500));
  const handle = await system.start('pages', { storeHash: 'abc', source: { uri } });
  await until(async () => ((await progress(handle))?.chunks.done ?? 0) >= 2);
  await handle.executeUpdate(pauseUpdate, { args: [{}] });
  const page = `${system.folder}/data/jobs/abc/${handle.firstExecutionRunId}/pages/000001.ndjson`;
  await mkdir(`${system.folder}/aside`);
  await rename(page, `${system.folder}/aside/page`);
  await handle.executeUpdate(resumeUpdate);
  await until(async () => (await progress(handle))?.state === 'held');
  const held = await handle.query(progressQuery);
  expect(held.waitingFor?.message).toMatch(/pages\/000001\.ndjson/);
  expect(held.customers.updated + held.customers.unprocessed).toBe(1_500);
  await rename(`${system.folder}/aside/page`, page);
  await handle.executeUpdate(resumeUpdate);
  expect((await handle.result()).customers).toMatchObject({ total: 1_500, updated: 1_500, failed: 0 });
});

test.each<[string, JobOptions]>([
  ['pages', {}],
  ['present', { backup: true }],
])(
  'a job store that fails to read a file of %s holds the job as outage, which goes on by itself',
  async (folder, options) => {
    const uri = await writeSource(system, `fails-${folder}.ndjson`, customers(1_500));
    const handle = await system.start(`fails ${folder}`, { storeHash: 'abc', source: { uri }, options });
    await untilDone(handle, 2);
    const file = `${system.folder}/data/jobs/abc/${handle.firstExecutionRunId}/${folder}/000001.ndjson`;
    // Not missing, which is another thing: it can't be read.
    await rename(file, `${file}.aside`).catch(() => undefined);
    await mkdir(file);
    await until(async () => (await progress(handle))?.state === 'held');
    const held = await handle.query(progressQuery);
    expect(held.waitingFor).toMatchObject({
      kind: 'outage',
      message: expect.stringContaining(`${file}: it is a folder.`),
    });
    expect(held.customers.updated + held.customers.unprocessed).toBe(1_500);

    await rmdir(file);
    await rename(`${file}.aside`, file).catch(() => undefined);
    expect((await handle.result()).customers).toMatchObject({ total: 1_500, updated: 1_500, failed: 0 });
  },
);

test('a job that is cancelled while it can not write its report ends as cancelled, once it has written it', async () => {
  const input = { storeHash: 'abc', source: { customers: customers(300) }, options: { reportAll: true } };
  const handle = await system.start('cancelled while closing', input);
  const report = `${system.folder}/data/jobs/abc/${handle.firstExecutionRunId}/report.csv`;
  await untilDone(handle, 1);
  await mkdir(report);
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
