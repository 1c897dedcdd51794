import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { BadInput, StorageFailed, StreamFailed } from '../../src/client.ts';
import { streamCopy } from '../../src/client/source.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { newStorage } from '../jobs/support.ts';
import { textOf } from '../storage/conformance.ts';

const job = { storeHash: 'abc', name: 'spring sale' };

async function* counted(n: number, at: (item: number) => unknown = (id) => ({ id })) {
  for (let item = 1; item <= n; item++) yield at(item);
}

async function filesIn({ root }: Storage): Promise<string[]> {
  const entries = await readdir(fileURLToPath(root), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

test('writes a line per customer, into a file that only one job knows', async () => {
  const storage = await newStorage();
  const [copy, other] = [
    await streamCopy(storage, job, counted(20_000)),
    await streamCopy(storage, job, [{ notes: 'Zoë\n' }]),
  ];
  const key = storage.keyOf(copy.uri) as string;
  expect(key).toMatch(/^sources\/copies\/abc\/.*\.ndjson$/);
  expect(other.uri).not.toBe(copy.uri);
  const lines = (await textOf(storage, key)).split('\n');
  expect(lines).toHaveLength(20_001);
  expect(lines.slice(-2)).toEqual(['{"id":20000}', '']);
  await copy.delete();
  expect(await storage.exists(key)).toBe(false);
  expect(await textOf(storage, storage.keyOf(other.uri) as string)).toBe('{"notes":"Zoë\\n"}\n');
});

test('what JSON leaves out still becomes a row', async () => {
  const storage = await newStorage();
  const { uri } = await streamCopy(storage, job, [{ id: 1 }, undefined, () => 3, Symbol('x'), null, { id: 6 }]);
  expect(await textOf(storage, storage.keyOf(uri) as string)).toBe('{"id":1}\nnull\nnull\nnull\nnull\n{"id":6}\n');
});

test('reads no further ahead than it has written', async () => {
  let read = 0;
  let written = 0;
  const storage = Object.assign(await newStorage(), {
    async write(_: string, content: AsyncIterable<string>) {
      for await (const piece of content) {
        expect(piece.length).toBeLessThan(100_000);
        written += piece.split('\n').length - 1;
        expect(read).toBe(written);
      }
    },
  });
  const customers = counted(50_000, (id) => ({ id: (read = id) }));
  await streamCopy(storage, job, customers);
  expect(written).toBe(50_000);
});

test('if the iterable throws, the error names the customer that should have come next, and no file is left', async () => {
  const storage = await newStorage();
  const cause = new Error('the database went away');
  const failing = counted(30_000, (item) => {
    if (item === 25_001) throw cause;
    return { id: item };
  });
  const error = await streamCopy(storage, job, failing).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(StreamFailed);
  expect(error).toMatchObject({ name: 'StreamFailed', item: 25_001, cause });
  expect(await filesIn(storage)).toEqual([]);
});

const cycle: Record<string, unknown> = {};
cycle['self'] = { cycle };

test.each<[string, unknown]>([
  ['a BigInt', { id: 5n }],
  ['one that contains itself', cycle],
])('the error for %s names its number; no file is left, and the iterable is closed', async (_, wrong) => {
  const storage = await newStorage();
  let closed = false;
  async function* customers() {
    try {
      yield { id: 1 };
      yield wrong;
      yield { id: 3 };
    } finally {
      closed = true;
    }
  }
  const error = await streamCopy(storage, job, customers()).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(BadInput);
  expect(error).toMatchObject({ message: expect.stringContaining('expected customer 2 to be an object that JSON') });
  expect(await filesIn(storage)).toEqual([]);
  expect(closed).toBe(true);
});

test('if the job store fails, the error is not blamed on the iterable, which is closed', async () => {
  let closed = false;
  function* endless() {
    try {
      for (;;) yield { notes: 'x'.repeat(1_000) };
    } finally {
      closed = true;
    }
  }
  const storage = Object.assign(await newStorage(), {
    async write(_: string, content: AsyncIterable<string>) {
      for await (const _ of content) throw new StorageFailed('the disk is full');
    },
  });
  await expect(streamCopy(storage, job, endless())).rejects.toThrow(StorageFailed);
  expect(closed).toBe(true);
});
