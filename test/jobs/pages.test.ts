import { CHUNKS_PER_PAGE } from '../../src/contract/activities.ts';
import { BadPage, PageReader, PageWriter } from '../../src/jobs/pages.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { textOf } from '../storage/conformance.ts';
import { newStorage } from './support.ts';

const ref = { storeHash: 'abc', key: 'run-1' };
const keys = jobKeys(ref);
let storage: Storage;

beforeEach(async () => {
  storage = await newStorage();
});

async function write(chunks: number): Promise<void> {
  const writer = new PageWriter(storage, keys);
  for (let chunk = 0; chunk < chunks; chunk++)
    await writer.add([chunk + 1], [chunk + 2], [{ id: chunk + 1, notes: 'a\tb\nc' }]);
  await writer.end();
}

/** The storage, counting the reads of each key. */
function counting(): { storage: Storage; reads: Map<string, number> } {
  const reads = new Map<string, number>();
  const read = (key: string) => {
    reads.set(key, (reads.get(key) ?? 0) + 1);
    return storage.read(key);
  };
  return { storage: { root: storage.root, read, uri: (key: string) => storage.uri(key) } as Storage, reads };
}

test('a chunk is one line: its rows, their lines in the file, and the body of its PUT', async () => {
  const [rows, lines] = [
    [2, 5, 3_999_999],
    [3, null, 4_000_000],
  ];
  const writer = new PageWriter(storage, keys);
  await writer.add(rows, lines, [{ id: 7, notes: 'a\tb' }, { id: 8, phone: '' }, { id: 9 }]);
  await writer.end();
  const body = '[{"id":7,"notes":"a\\tb"},{"id":8,"phone":""},{"id":9}]';
  expect(await textOf(storage, keys.page(0))).toBe(`[2,5,3999999]\t[3,null,4000000]\t${body}\n`);
  expect(await new PageReader(storage).readChunk(keys, 0)).toEqual({ rows, lines, body });
});

test.each([0, CHUNKS_PER_PAGE])('%i chunks leave no page without any', async (chunks) => {
  await write(chunks);
  expect(await storage.exists(keys.page(chunks / CHUNKS_PER_PAGE))).toBe(false);
});

test('every chunk comes back as it was written, and there are 200 to a page', async () => {
  await write(450);
  const reader = new PageReader(storage);
  for (const chunk of [0, 199, 200, 399, 449]) {
    expect(await reader.readChunk(keys, chunk)).toEqual({
      rows: [chunk + 1],
      lines: [chunk + 2],
      body: JSON.stringify([{ id: chunk + 1, notes: 'a\tb\nc' }]),
    });
  }
  expect((await textOf(storage, keys.page(0))).match(/\n/g)).toHaveLength(CHUNKS_PER_PAGE);
  expect(await storage.exists(keys.page(2))).toBe(true);
  expect(await storage.exists(keys.page(3))).toBe(false);
});

test('undoes what was written, but nothing that another attempt has written', async () => {
  await write(601);
  const writer = new PageWriter(storage, keys.ofSet(1));
  for (let chunk = 0; chunk < 300; chunk++) await writer.add([chunk], [null], [{ id: chunk }]);
  expect(await storage.exists(keys.ofSet(1).page(0))).toBe(true);
  await writer.undo();
  expect(await storage.exists(keys.ofSet(1).page(0))).toBe(false);
  expect(await storage.exists(keys.page(3))).toBe(true);
});

test('a page of large customers is in parts of 4 MiB; a chunk is found wherever it is, with few reads', async () => {
  const writer = new PageWriter(storage, keys);
  const body = (chunk: number) => [{ id: chunk + 1, notes: 'x'.repeat(100_000) }];
  for (let chunk = 0; chunk < 250; chunk++) await writer.add([chunk], [null], body(chunk));
  await writer.end();
  const there = await Promise.all([0, 4, 5].map((part) => storage.exists(keys.page(0, part))));
  expect(there).toEqual([true, true, false]);
  expect((await textOf(storage, keys.page(0, 1))).length).toBeLessThanOrEqual(4 * 1024 * 1024 + 1);
  const { storage: counted, reads } = counting();
  const reader = new PageReader(counted);
  expect(await reader.chunksIn(keys, 0)).toBe(200);
  expect(await reader.chunksIn(keys, 1)).toBe(50);
  for (let chunk = 249; chunk >= 0; chunk--) {
    expect(await reader.readChunk(keys, chunk)).toEqual({
      ...{ rows: [chunk], lines: [null], body: JSON.stringify(body(chunk)) },
    });
  }
  // Once for how many chunks it has, once to learn where the last one is, once more for those in it.
  expect(Math.max(...reads.values())).toBeLessThanOrEqual(3);
  await storage.delete(keys.page(0, 1));
  const missing = new PageReader(storage).readChunk(keys, 60);
  await expect(missing).rejects.toThrow(BadPage);
});

test('reads a page once for concurrent readers, and keeps a mebibyte of the latest pages per store', async () => {
  const writer = new PageWriter(storage, keys);
  for (let chunk = 0; chunk < 600; chunk++) await writer.add([chunk], [null], [{ id: 1, notes: 'x'.repeat(4_500) }]);
  await writer.end();
  const { storage: counted, reads } = counting();
  const reader = new PageReader(counted, 2);
  await Promise.all([0, 1, 2, 50].map((chunk) => reader.readChunk(keys, chunk)));
  await reader.readChunk(keys, 200);
  await reader.readChunk(keys, 3);
  expect([...reads.values()]).toEqual([1, 1]);
  await reader.readChunk(keys, 400);
  await reader.readChunk(keys, 4);
  expect(reads.get(keys.page(0))).toBe(1);
  await reader.readChunk(keys, 201);
  expect(reads.get(keys.page(1))).toBe(2);
});

test('reads a page again for another run of the job, whose source may have changed', async () => {
  await write(1);
  const reader = new PageReader(storage);
  const readIn = (run: string) => reader.readChunk(jobKeys(ref, run), 0);
  await readIn('run-1');
  await storage.write(keys.page(0), ['[1]\t[1]\t[{"id":2}]\n']);
  expect((await readIn('run-1')).body).toContain('"id":1,');
  expect((await readIn('run-2')).body).toBe('[{"id":2}]');
});

test('names the file and the chunk if the page is missing', async () => {
  const chunk = new PageReader(storage).readChunk(keys, 223);
  await expect(chunk).rejects.toThrow(BadPage);
  await expect(chunk).rejects.toThrow(
    `Chunk 223 is not in ${storage.uri(keys.page(1))}: the page is missing or damaged.`,
  );
});

test.each([
  ['empty', ''],
  ['cut off', '[1]\t[1]\t[{"id":1}]\n[2]\t[2]\t[{"id":2'],
  ['cut off at the end of a line', '[1]\t[1]\t[{"id":1}]\n[2]\t[2]\t[{"id":2}]'],
  ['without rows', 'x\n\t[2]\t[{"id":2}]\n'],
  ['with rows that are none', 'x\n[2,x]\t[2]\t[{"id":2}]\n'],
  ['with lines that are none', 'x\n[2]\t[2,x]\t[{"id":2}]\n'],
  ['without a body', 'x\n[2]\t[2]\t\n'],
  ['without a tab', 'x\n[2][2][{"id":2}]\n'],
  ['with something before the rows', 'x\nx[2]\t[2]\t[{"id":2}]\n'],
  ['with something after the body', 'x\n[2]\t[2]\t[{"id":2}]x\n'],
  ['not UTF-8', Buffer.from('x\n[2]\t[2]\t[{"notes":"Zo\xeb"}]\n', 'latin1')],
])('rejects a page that is %s', async (_, content) => {
  await storage.write(keys.page(0), [content]);
  await expect(new PageReader(storage).readChunk(keys, 1)).rejects.toThrow(BadPage);
});

test('retries a page that could not be read before', async () => {
  const reader = new PageReader(storage);
  const failing = jest.spyOn(storage, 'read').mockImplementation(() => {
    throw new Error('the disk broke');
  });
  await expect(reader.readChunk(keys, 0)).rejects.toThrow('the disk broke');
  failing.mockRestore();
  await expect(reader.readChunk(keys, 0)).rejects.toThrow(BadPage);
  await write(1);
  expect((await reader.readChunk(keys, 0)).rows).toEqual([1]);
});
