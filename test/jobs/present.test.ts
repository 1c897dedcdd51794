import { BadPage, PageReader, PageWriter } from '../../src/jobs/pages.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import { PresentReader, presentIn } from '../../src/jobs/present.ts';
import type { Row } from '../../src/jobs/fields.ts';
import { type Storage, StorageFailed } from '../../src/storage/storage.ts';
import { newStorage } from './support.ts';

const ref = { storeHash: 'abc', key: 'run-1' };
const keys = jobKeys(ref);
let storage: Storage;
/** Ids of each question to the store. */
let asked: number[][];
/** What the store has; of everyone by default. */
let has: (id: number) => object | undefined;

beforeEach(async () => {
  storage = await newStorage();
  asked = [];
  has = (id) => ({ notes: `of ${id}`, first_name: 'told, not set' });
  await pages(1_003);
});

async function pages(customers: number): Promise<void> {
  const writer = new PageWriter(storage, keys);
  const rows = Array.from({ length: customers }, (_, index) => ({ id: index + 1, notes: 'x' }));
  for (let at = 0; at < rows.length; at += 10) await writer.add([at + 1], [null], rows.slice(at, at + 10));
  await writer.end();
}

const read = async (ids: number[]): Promise<Row[]> => {
  asked.push(ids);
  return ids.flatMap((id) => (has(id) ? [{ id, ...has(id) }] : []));
};

/** As another process finds it. */
const reader = () => new PresentReader(storage, new PageReader(storage));

test('are asked for in few calls, and hold the fields that the rows set, in the file as well', async () => {
  has = (id) => (id === 7 ? undefined : { notes: `of ${id}`, first_name: 'told, not set' });
  const values = await reader().ofPage(keys, 0, 101, read);
  expect(asked.map(({ length }) => length)).toEqual([250, 250, 250, 250]);
  expect([values.size, values.get(1), values.get(7)]).toEqual([1_000, { notes: 'of 1' }, null]);
  expect(await presentIn(storage, keys, 0)).toEqual(values);
  expect((await reader().ofPage(keys, 1, 101, read)).size).toBe(3);
});

test('are not asked for where chunks are not to be sent', async () => {
  await reader().ofPage(keys, 0, 2, read);
  expect(asked).toEqual([Array.from({ length: 20 }, (_, index) => index + 1)]);
});

test('are asked for once by all who wait, and never again once they are in the file', async () => {
  const one = reader();
  await Promise.all([1, 2, 3].map(() => one.ofPage(keys, 0, 101, read)));
  expect(asked).toHaveLength(4);
  has = () => ({ notes: 'our own' });
  for (const next of [one, reader()]) expect((await next.ofPage(keys, 0, 101, read)).get(9)).toEqual({ notes: 'of 9' });
  expect(asked).toHaveLength(4);
});

test('are in the file again in a run of the job that finds it deleted, as after a reset of one that had ended', async () => {
  const one = reader();
  await one.ofPage(jobKeys(ref, 'run-1'), 0, 101, read);
  await storage.delete(keys.present(0));
  has = () => ({ notes: 'later' });
  const values = await one.ofPage(jobKeys(ref, 'run-2'), 0, 101, read);
  expect(values.get(9)).toEqual({ notes: 'later' });
  expect(await presentIn(storage, keys, 0)).toEqual(values);
});

test('are asked for once by all who wait, however many pages others wait for meanwhile', async () => {
  const one = reader();
  let answer = () => {};
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const slow = async (ids: number[]) => {
    await answered;
    return read(ids);
  };
  const jobs = Array.from({ length: 100 }, (_, index) => jobKeys({ storeHash: 'abc', key: `other-${index}` }));
  for (const job of jobs) await storage.write(job.page(0), ['[1]\t[2]\t[{"id":2000,"notes":"x"}]\n']);
  const all = [keys, ...jobs, keys].map((job) => one.ofPage(job, 0, 1, slow));
  answer();
  await Promise.all(all);
  expect(asked.filter(([first]) => first === 1)).toHaveLength(1);
});

test('stand, where another process has found them out, and sent the customers, while this one was asking', async () => {
  const late = async (ids: number[]) => {
    if (ids.includes(1)) await reader().ofPage(keys, 0, 101, read);
    has = () => ({ notes: 'our own' });
    return read(ids);
  };
  const values = await reader().ofPage(keys, 0, 101, late);
  expect([values.get(1), values.get(1_000)]).toEqual([{ notes: 'of 1' }, { notes: 'of 1000' }]);
  expect(await presentIn(storage, keys, 0)).toEqual(values);
});

test('are not asked for again where the job store fails, and nobody is asked for where there is nobody', async () => {
  const one = reader();
  const full = jest.spyOn(storage, 'write').mockRejectedValue(new StorageFailed('the disk is full'));
  await expect(one.ofPage(keys, 0, 101, read)).rejects.toThrow('the disk is full');
  full.mockRestore();
  expect((await one.ofPage(keys, 0, 101, read)).size).toBe(1_000);
  expect(asked.map(({ length }) => length)).toEqual([250, 250, 250, 250]);
});

test('stand, where a source that has changed brings in more customers', async () => {
  await reader().ofPage(keys, 0, 1, read);
  has = () => ({ notes: 'later' });
  const values = await reader().ofPage(keys, 0, 2, read);
  expect([values.get(10), values.get(11)]).toEqual([{ notes: 'of 10' }, { notes: 'later' }]);
  expect(await presentIn(storage, keys, 0)).toEqual(values);
});

test('are in no file before all of a page are known, and those known are not asked for again', async () => {
  const one = reader();
  const failing = async (ids: number[]) => {
    if (ids.includes(600)) throw new Error('throttled');
    return read(ids);
  };
  await expect(one.ofPage(keys, 0, 101, failing)).rejects.toThrow('throttled');
  expect(await storage.exists(keys.present(0))).toBe(false);
  expect(asked.map(([first]) => first)).toEqual([1, 251, 751]);
  await one.ofPage(keys, 0, 101, read);
  expect(asked.slice(3).map(([first]) => first)).toEqual([501]);
  expect((await presentIn(storage, keys, 0)).size).toBe(1_000);
});

test('cost one call where the first fails', async () => {
  let calls = 0;
  const refused = () => Promise.reject(new Error(`refused ${++calls}`));
  await expect(reader().ofPage(keys, 0, 101, refused)).rejects.toThrow('refused 1');
  expect(calls).toBe(1);
});

test('are not found out in part where a page is damaged, or from a damaged file', async () => {
  await storage.write(keys.page(1), ['[1]\t[{"id":1001']);
  await expect(reader().ofPage(keys, 1, 101, read)).rejects.toThrow(BadPage);
  await storage.write(keys.present(0), ['[1,{"no']);
  await storage.write(keys.present(0), ['[1,{"no\n']);
  await expect(reader().ofPage(keys, 0, 101, read)).rejects.toThrow(BadPage);
  expect(asked).toEqual([]);
});
