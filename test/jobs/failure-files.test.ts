import { rename } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Failure } from '../../src/contract/job.ts';
import { readFailures, saveFailures } from '../../src/jobs/failure-files.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import { NotFound, type Storage } from '../../src/storage/storage.ts';
import { textOf } from '../storage/conformance.ts';
import { all, newStorage } from './support.ts';

const keys = jobKeys({ storeHash: 'abc', key: 'run-1' });
const failure = (row: number): Failure => ({
  row,
  line: null,
  id: row,
  outcome: 'failed',
  code: 'unavailable',
  message: 'Zoë\n',
});
let storage: Storage;

beforeEach(async () => {
  storage = await newStorage();
});

async function chain(): Promise<string[]> {
  const first = await saveFailures(storage, keys.failures('run-1'), [failure(3), failure(1)], null);
  const second = await saveFailures(storage, keys.failures('run-2'), [failure(2)], first);
  const third = await saveFailures(storage, keys.failures('run-3'), [], second);
  return [first, second, third];
}

test('a file names the one before it, then the failures by row', async () => {
  const [first] = await chain();
  expect(first).toBe(storage.uri(keys.failures('run-1')));
  const [head, ...lines] = (await textOf(storage, keys.failures('run-1'))).trimEnd().split('\n');
  expect(head).toBe('{"olderIn":null}');
  expect(lines).toEqual([failure(1), failure(3)].map((one) => JSON.stringify(one)));
});

test('the newest file leads to all failures', async () => {
  const [, , newest] = await chain();
  expect((await all(readFailures(storage, newest as string))).map(({ row }) => row)).toEqual([2, 1, 3]);
  expect(await all(readFailures(storage, null))).toEqual([]);
});

test('stores more failures than memory should hold, and returns them', async () => {
  async function* many() {
    for (let row = 1; row <= 5_000; row++) yield failure(row);
  }
  const uri = await saveFailures(storage, keys.failures('many'), many(), null);
  expect((await all(readFailures(storage, uri))).map(({ row }) => row)).toEqual(
    Array.from({ length: 5_000 }, (_, index) => index + 1),
  );
});

test('are found after the job store has moved', async () => {
  const [, , newest] = await chain();
  const moved = await newStorage();
  await rename(fileURLToPath(storage.uri('jobs')), fileURLToPath(moved.uri('jobs')));
  expect((await all(readFailures(moved, newest as string))).map(({ row }) => row)).toEqual([2, 1, 3]);
});

test.each(['pages/000000.ndjson', 'failures/a/b.ndjson', 'failures/x.ndjson?', 'failures/..ndjson', 'report.csv'])(
  'are not looked for in %s',
  async (file) => {
    const uri = `${storage.root}/jobs/abc/run-1/${file}`;
    await expect(all(readFailures(storage, uri))).rejects.toThrow(`below ${storage.root}, got ${uri}`);
  },
);

test('says which file is missing, damaged or not in this storage', async () => {
  const [first, second] = (await chain()) as [string, string, string];
  await storage.delete(keys.failures('run-1'));
  await expect(all(readFailures(storage, second))).rejects.toThrow(NotFound);
  await storage.write(keys.failures('run-1'), ['{"olderIn":null}\n{"row":']);
  await expect(all(readFailures(storage, first))).rejects.toThrow(`${first} is damaged`);
  await storage.write(keys.failures('run-1'), []);
  await expect(all(readFailures(storage, first))).rejects.toThrow(`${first} is damaged`);
  await expect(all(readFailures(storage, 'file:///elsewhere'))).rejects.toThrow(storage.root);
});
