/** Whole jobs, with workers and a starter that share nothing but Temporal and a bucket. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProgram, type Program } from '../../dev/servers/processes.ts';
import { startS3Server, type S3Server } from '../../dev/servers/s3-server.ts';
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { customerUpdate, startCustomerUpdate } from '../../src/client.ts';
import { createS3Client, S3Storage } from '../../src/storage/s3.ts';
import { textOf } from '../storage/conformance.ts';
import { customers } from '../support/customers.ts';
import { startSystem, TOKENS, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

const STARTER = fileURLToPath(new URL('../../dist/starter.js', import.meta.url));

let s3: S3Server;
let system: System;
let bucket: S3Storage;
const folders: string[] = [];

beforeAll(async () => {
  s3 = await startS3Server();
  Object.assign(process.env, s3.env);
  bucket = new S3Storage(await createS3Client(), s3.bucket);
  system = await startSystem({ workers: 0, emulator: ['--customers', '2000', '--latency', '150'] });
  await startWorker();
  await startWorker();
});
afterAll(async () => {
  await system.close();
  await s3.close();
  for (const folder of folders) await rm(folder, { recursive: true });
});
beforeEach(() => system.control('reset', {}));

/** A machine of its own, as far as files go: a folder, and the settings that keep a program in it. */
async function machine() {
  const folder = await mkdtemp(join(tmpdir(), 'machine-'));
  folders.push(folder);
  const settings = {
    ...s3.env,
    HOME: folder,
    TMPDIR: folder,
    JOB_STORE: `s3://${s3.bucket}/job store`,
    SOURCE_ROOTS: `s3://${s3.bucket}/uploads`,
    BIGCOMMERCE_TOKENS_FILE: '',
    BIGCOMMERCE_STORE_HASH: 'abc',
    BIGCOMMERCE_ACCESS_TOKEN: TOKENS['abc'] as string,
  };
  return { folder, settings };
}

async function startWorker(): Promise<Program> {
  const { folder, settings } = await machine();
  return system.startWorker(settings, folder);
}

/** Starts the starter in a folder of its own, with a file in it. */
async function startStarter(args: string[], file = { name: 'none', content: '' }): Promise<Program> {
  const { folder, settings } = await machine();
  await writeFile(join(folder, file.name), file.content);
  return startProgram(process.execPath, [STARTER, ...args], { cwd: folder, env: { ...system.env, ...settings } });
}

const ndjson = (rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

test('a worker is killed, another one finishes its job, and the starter names the report in S3', async () => {
  const rows = [...customers(600), { id: 999_999, notes: 'nobody' }, { id: 601, first_name: '' }];
  const args = ['start', 'spring.ndjson', '--store', 'abc', '--name', 'spring'];
  const starter = await startStarter(args, { name: 'spring.ndjson', content: ndjson(rows) });
  const job = customerUpdate(system.client, 'customer-updates/abc/spring');
  const done = async () => (await job.progress().catch(() => undefined))?.chunks.done ?? 0;
  await until(async () => (await done()) >= 10);
  await (await system.holder())?.kill();
  expect(await system.workersUp()).toHaveLength(1);

  expect(await starter.exited).toMatchObject({ code: 1 });
  const { customers: counts, report, fix } = await job.result();
  expect(counts).toEqual({ total: 602, updated: 600, rejected: 1, failed: 0, invalid: 1, unprocessed: 0 });
  expect(await system.stats()).toMatchObject({ customersUpdatedDistinct: 600, maxInFlight: 3 });
  expect(report).toMatch(new RegExp(`^s3://${s3.bucket}/job store/jobs/abc/[\\w-]+/report\\.csv$`));
  expect(starter.output()).toContain(`Report: ${report}\n`);
  expect((await textOf(bucket, bucket.keyOf(report as string) as string)).split('\n')).toEqual([
    'row,line,id,outcome,code,message',
    expect.stringMatching(/^601,\d*,999999,rejected,unknown_id,/),
    expect.stringMatching(/^602,\d*,601,invalid,invalid_field,/),
    '',
  ]);
  expect(fix).toBe((report as string).replace('report.csv', 'fix.ndjson'));
  expect(starter.output()).toContain(fix);
  expect((await textOf(bucket, bucket.keyOf(fix as string) as string)).split('\n')).toEqual([
    expect.stringMatching(/^\{"id":999999,"notes":"nobody","error_code":"unknown_id","error":".+"\}$/),
    expect.stringMatching(/^\{"id":601,"first_name":"","error_code":"invalid_field","error":".+"\}$/),
    '',
  ]);
  const [copy] = /sources\/copies\/.*?\.ndjson/.exec((await describe('spring')) ?? '') ?? [];
  expect(await bucket.exists(`job store/${copy}`)).toBe(false);
  await startWorker();
});

const describe = async (name: string) => {
  const { memo } = await system.client.workflow.getHandle(`customer-updates/abc/${name}`).describe();
  return (memo as { source?: string }).source;
};

test('a source in S3 is named by its URI, and stays there', async () => {
  const key = 'uploads/my customers, ü & ä%20#1.csv';
  await bucket.write(key, ['id,notes\n', ...customers(300).map(({ id }) => `${id},from S3\n`)]);
  const starter = await startStarter(['start', `s3://${s3.bucket}/${key}`, '--store', 'abc']);
  expect(await starter.exited).toMatchObject({ code: 0 });
  expect(starter.output()).toMatch(/updated +300\n/);
  expect(await system.customer(300)).toMatchObject({ notes: 'from S3' });
  expect(await bucket.exists(key)).toBe(true);
});

test('a source elsewhere in S3 fails the job, which says where it may be', async () => {
  await bucket.write('private/a.csv', ['id\n1\n']);
  const starter = await startStarter(['start', `s3://${s3.bucket}/private/a.csv`, '--store', 'abc']);
  expect(await starter.exited).toMatchObject({ code: 3 });
  expect(starter.output()).toContain(`Expected the URI of a file below s3://${s3.bucket}/uploads, `);
});

test('failures that do not fit into the state are printed from S3', async () => {
  const rows = Array.from({ length: 1_200 }, (_, index) => ({ id: index + 1, first_name: '' }));
  const args = ['start', 'bad.ndjson', '--store', 'abc', '--name', 'bad'];
  const starter = await startStarter(args, { name: 'bad.ndjson', content: ndjson(rows) });
  expect(await starter.exited).toMatchObject({ code: 1 });
  const { olderIn } = await customerUpdate(system.client, 'customer-updates/abc/bad').failures();
  expect(olderIn).toMatch(`s3://${s3.bucket}/job store/jobs/abc/`);

  const failures = await startStarter(['failures', 'customer-updates/abc/bad']);
  expect(await failures.exited).toMatchObject({ code: 0 });
  expect(failures.output()).toContain('\n1,200 rows were not updated.');
  expect(failures.output().match(/^ +row /gm)).toHaveLength(1_200);
});

test('a client streams customers into S3, and its job deletes them there; an iterable that throws leaves nothing', async () => {
  const client = await createS3Client();
  const left = async () => {
    const folder = { Bucket: s3.bucket, Prefix: 'job store/sources/copies/' };
    const { Contents = [] } = await client.send(new ListObjectsV2Command(folder));
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: s3.bucket }));
    return [...Contents, ...Uploads].map(({ Key }) => Key);
  };
  const start = (name: string, source: AsyncIterable<unknown>) =>
    startCustomerUpdate(system.client, { storeHash: 'abc', source: { customers: source } }, name, {
      jobStore: `s3://${s3.bucket}/job store`,
    });
  async function* rows(n: number, last?: Error) {
    for (const row of customers(n)) yield { ...row, company: last ? 'x'.repeat(1_000) : 'Company' };
    if (last) throw last;
  }
  // By then some parts have been uploaded.
  const failing = start('broken', rows(15_000, new Error('gone')));
  await expect(failing).rejects.toMatchObject({ name: 'StreamFailed', item: 15_001 });
  expect(await left()).toEqual([]);
  const job = await start('streamed', rows(1_100));
  expect((await job.result()).customers).toMatchObject({ total: 1_100, updated: 1_100 });
  expect(await left()).toEqual([]);
});

test('workers stop at once: no connection to S3 keeps them alive', async () => {
  const workers = await system.workersUp();
  expect(workers).toHaveLength(2);
  const begun = performance.now();
  expect(await Promise.all(workers.map((worker) => worker.stop()))).toEqual([0, 0]);
  expect(performance.now() - begun).toBeLessThan(5_000);
});
