import { readFile } from 'node:fs/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { startCustomerUpdate } from '../../src/client.ts';
import type { JobInput, JobResult } from '../../src/contract/job.ts';
import { customers } from '../support/customers.ts';
import { expectCountsToAddUp, untilDone } from '../support/jobs.ts';
import { reset } from '../support/reset.ts';
import { useSystem } from '../support/system.ts';

const system = useSystem({ emulator: ['--customers', '1000', '--latency', '50'] });

const UNKNOWN = 999_999;
const input: JobInput = {
  storeHash: 'abc',
  source: { customers: [...customers(499), { id: UNKNOWN, notes: 'nobody' }] },
  options: { reportAll: true },
};

/** The run that a reset began, from its id to its end. */
const latest = ({ workflowId }: WorkflowHandle) =>
  system.client.workflow.getHandle<(input: JobInput) => Promise<JobResult>>(workflowId);

/** All was updated but for the unknown one, and the report says so, row by row. */
async function expectToEndRight(job: WorkflowHandle): Promise<void> {
  const result = await latest(job).result();
  expectCountsToAddUp(result);
  expect(result.customers).toMatchObject({ total: 500, updated: 499, rejected: 1 });
  expect(result.retry).toBeNull();
  expect((await system.stats()).customersUpdatedDistinct).toBe(499);
  const [, ...lines] = (await readFile(new URL(result.report ?? ''), 'utf8')).trim().split('\n');
  expect(lines.map((line) => Number(line.split(',')[0]))).toEqual(lines.map((_, index) => index + 1));
  expect(lines.filter((line) => line.includes(',updated,'))).toHaveLength(499);
  expect(lines[499]).toMatch(`500,${UNKNOWN},rejected,unknown_id`);
}

test.each([
  ['its first workflow task', undefined],
  ['where its source had been read', 'prepareJob'],
  ['where its first chunk was done', 'updateChunk'],
])('a job that is reset while it runs, to %s, ends right', async (where, afterActivity) => {
  const job = await system.start(`running, to ${where}`, input);
  await untilDone(job, 10);
  await reset(system, job, afterActivity);
  await expectToEndRight(job);
});

test('a job that is reset after it was cancelled, to its first workflow task, ends right, and has another report', async () => {
  const job = await system.start('cancelled', input);
  await untilDone(job, 10);
  await job.cancel();
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
  expect(await readFile(new URL(report ?? ''), 'utf8')).toContain(`2,${UNKNOWN},rejected,unknown_id`);
});
