/** A worker that is stopped while it writes the report of a large job to a slow bucket. */
import { CancelledFailure } from '@temporalio/common';
import { startS3Server, type S3Server } from '../../dev/servers/s3-server.ts';
import { customerUpdate } from '../../src/client.ts';
import { progressQuery } from '../../src/contract/job.ts';
import { createS3Client, S3Storage } from '../../src/storage/s3.ts';
import { textOf } from '../storage/conformance.ts';
import { customers } from '../support/customers.ts';
import { untilDone } from '../support/jobs.ts';
import { startProxy, type Proxy } from '../support/proxy.ts';
import { startSystem, type JobHandle, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

/** temporal.api.enums.v1.PendingActivityState: a worker runs it. */
const STARTED = 2;

/** Twenty pages, each of which is read twice. */
const CUSTOMERS = 20_000;

let s3: S3Server;
let proxy: Proxy;
let system: System;
let bucket: S3Storage;

beforeAll(async () => {
  s3 = await startS3Server();
  Object.assign(process.env, s3.env);
  bucket = new S3Storage(await createS3Client(), s3.bucket);
  proxy = await startProxy(new URL(s3.endpoint).host);
  system = await startSystem({ workers: 0, emulator: ['--customers', String(CUSTOMERS), '--latency', '500'] });
});
afterAll(async () => {
  await system.close();
  proxy.close();
  await s3.close();
});

const startWorker = () =>
  system.startWorker({ ...s3.env, JOB_STORE: `s3://${s3.bucket}`, AWS_ENDPOINT_URL_S3: `http://${proxy.address}` });

/** The attempt at the job's report that a worker is making; 0 if none is. */
async function attemptAtReport(job: JobHandle): Promise<number> {
  const { pendingActivities } = (await job.describe()).raw;
  const closing = pendingActivities?.find(({ activityType }) => activityType?.name === 'closeJob');
  return Number(closing?.state) === STARTED ? Number(closing?.attempt) : 0;
}

test('it exits at once and hands its stores over, and another worker writes the report', async () => {
  await bucket.write('sources/large.ndjson', [
    customers(CUSTOMERS)
      .map((row) => `${JSON.stringify(row)}\n`)
      .join(''),
  ]);
  const stopped = await startWorker();
  const large = await system.start('large', { storeHash: 'abc', source: { uri: bucket.uri('sources/large.ndjson') } });
  const other = await system.start('other', { storeHash: 'def', source: { customers: customers(1_000) } });
  await Promise.all([untilDone(large, 2), untilDone(other, 2)]);
  proxy.slow(1_000);
  await large.cancel();
  await until(async () => (await attemptAtReport(large)) === 1);
  const next = await startWorker();

  const begun = performance.now();
  expect(await stopped.stop()).toBe(0);
  await until(async () => (await system.holder('def')) === next);
  expect(performance.now() - begun).toBeLessThan(10_000);
  await until(async () => (await attemptAtReport(large)) === 2);
  expect(await customerUpdate(system.client, large.workflowId).progress()).toMatchObject({
    state: 'closing',
    waitingFor: null,
  });

  proxy.slow(0);
  await expect(large.result()).rejects.toMatchObject({ cause: expect.any(CancelledFailure) });
  const { customers: counts, report } = await large.query(progressQuery);
  expect(counts.updated + counts.unprocessed).toBe(CUSTOMERS);
  const lines = (await textOf(bucket, bucket.keyOf(report as string) as string)).trim().split('\n');
  expect(lines).toHaveLength(1 + counts.unprocessed);
  expect((await other.result()).customers).toMatchObject({ total: 1_000, updated: 1_000 });
  expect(await system.stats('def')).toMatchObject({ customersAppliedMoreThanOnce: 0 });
});
