import { saveFailures } from '../../src/jobs/failures.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import { purgeJob } from '../../src/jobs/purge.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { newStorage } from './support.ts';

const job = { storeHash: 'abc', key: 'run-1' };
const keys = jobKeys(job);
const others = jobKeys({ storeHash: 'abc', key: 'run-2' });

/** Everything a job can leave: two pages, what was read for them, four files of failures. */
const ALL = [
  ...[keys.page(0), keys.page(1), keys.present(0), keys.present(1)],
  ...[keys.failures('invalid'), keys.failures('0000'), keys.failures('0001'), keys.failures('0002')],
  ...[keys.report, keys.retry, keys.backup, keys.done],
];

let storage: Storage;

beforeEach(async () => {
  storage = await newStorage();
  for (const key of [...ALL, others.report]) await storage.write(key, ['x']);
  // As after a reset: the newest file that the job names is not the newest there is.
  await saveFailures(storage, keys.failures('0000'), [], storage.uri(keys.failures('invalid')));
});

const left = async () => {
  const there = await Promise.all(ALL.map((key) => storage.exists(key)));
  return ALL.filter((_, index) => there[index]);
};

test("deletes all of a job's files, counts them, and leaves those of others", async () => {
  // What was read of a page counts with it.
  expect(await purgeJob(storage, job)).toBe(ALL.length - 2);
  expect(await left()).toEqual([]);
  expect(await storage.exists(others.report)).toBe(true);
  expect(await purgeJob(storage, job)).toBe(0);
});

test('after a crash at any point the report is still there, and a second purge deletes the rest', async () => {
  for (let crashAt = 0; crashAt < ALL.length; crashAt++) {
    for (const key of ALL) await storage.write(key, ['x']);
    let deletes = 0;
    const whole = storage.delete.bind(storage);
    storage.delete = async (key) => {
      if (deletes++ === crashAt) throw new Error('crash');
      await whole(key);
    };
    await expect(purgeJob(storage, job)).rejects.toThrow('crash');
    storage.delete = whole;
    expect(await left()).toContain(keys.report);
    await purgeJob(storage, job);
    expect(await left()).toEqual([]);
  }
});
