import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { purgeJob } from '../../src/jobs/close.ts';
import { jobKeys, sourceCopyKey } from '../../src/jobs/keys.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { killWhileWriting } from '../storage/kill-while-writing.ts';
import { newStorage } from './support.ts';

const job = { storeHash: 'abc', key: 'run-1' };
const ID = 'customer-updates/abc/first-try';
const COPY = sourceCopyKey('abc', 'first-try', 'a.csv');
const keys = jobKeys(job);
const others = jobKeys({ storeHash: 'abc', key: 'run-2' });

/** Everything a job can leave: two pages, what was read for them, four files of failures, a copy of its source. */
const ALL = [
  ...[keys.page(0), keys.page(1), keys.lookUp(0, 'a'), keys.lookUp(1, 'b')],
  ...[keys.invalid, keys.failures('0000'), keys.failures('0001'), keys.failures('0002')],
  ...[keys.report, keys.retry, keys.backup, keys.done, COPY],
];

let storage: Storage;

beforeEach(async () => {
  storage = await newStorage();
  for (const key of [...ALL, others.report]) await storage.write(key, ['x']);
});

const purge = () => purgeJob(storage, job, ID, storage.uri(COPY));

async function files(): Promise<string[]> {
  const entries = await readdir(fileURLToPath(storage.root), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

test("deletes all of a job's files, counts them, and leaves those of other jobs", async () => {
  expect(await purge()).toBe(ALL.length);
  expect(await files()).toEqual(['report.csv']);
  expect(await storage.exists(others.report)).toBe(true);
  expect(await purge()).toBe(0);
});

test('leaves a source that is not a copy made for this job', async () => {
  await storage.write('sources/a.csv', ['x']);
  await purgeJob(storage, job, ID, storage.uri('sources/a.csv'));
  await purgeJob(storage, job, 'customer-updates/abc/second-try', storage.uri(COPY));
  expect(await storage.exists('sources/a.csv')).toBe(true);
  expect(await storage.exists(COPY)).toBe(true);
});

test('after a crash a second purge deletes the rest', async () => {
  for (const crashAt of [keys.backup, COPY]) {
    for (const key of ALL) await storage.write(key, ['x']);
    const whole = storage.delete.bind(storage);
    storage.delete = async (key) => {
      if (key === crashAt) throw new Error('crash');
      await whole(key);
    };
    await expect(purge()).rejects.toThrow('crash');
    storage.delete = whole;
    await purge();
    expect(await files()).toEqual(['report.csv']);
  }
});

test('deletes what killed writers left half-written, in its folder and beside its backup and copy', async () => {
  await killWhileWriting(storage.root, [keys.page(2), keys.report, keys.backup, COPY, others.backup]);
  expect((await files()).filter((name) => name.endsWith('.partial'))).toHaveLength(5);
  await purge();
  expect(await files()).toEqual(expect.arrayContaining(['report.csv', expect.stringMatching(/^run-2.*\.partial$/)]));
  expect(await files()).toHaveLength(2);
});
