import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Places } from '../../src/contract/look-ups.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import { LookUpFiles } from '../../src/jobs/look-ups.ts';
import { BadPage, PageReader } from '../../src/jobs/pages.ts';
import { prepare } from '../../src/jobs/prepare.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { inline, lookUp, newStorage } from './support.ts';

const keys = jobKeys({ storeHash: 'abc', key: 'run-1' });
const ALL: Places[] = [[0, 4]];
let storage: Storage;

beforeEach(async () => {
  storage = await newStorage();
  await prepared(35);
});

const prepared = (count: number, first = 1) =>
  prepare({
    ...{ storage, keys, limit: null },
    records: inline(Array.from({ length: count }, (_, index) => ({ id: first + index, notes: 'new' }))),
  });

/** As another process finds them. */
const files = () => new LookUpFiles(storage, new PageReader(storage));

const old = (id: number) => ({ notes: id % 2 === 0 ? 'old' : 'new' });
const skipping = (asked: Places[]) => ({ asked, skipUnchanged: true });

test('a chunk has the rows that a look-up has put into it, as they are to be sent', async () => {
  expect(await lookUp(storage, keys, skipping(ALL), old)).toEqual({ chunks: 2, lastSize: 7 });
  const { rows, lines, body } = await files().readChunk(keys, 1, ALL);
  expect(rows).toEqual([22, 24, 26, 28, 30, 32, 34]);
  expect(lines).toEqual(Array(7).fill(null));
  expect(JSON.parse(body)).toEqual(rows.map((id) => ({ id, notes: 'new' })));
});

test('what is to be sent is in no look-up, only what was there before', async () => {
  await lookUp(storage, keys, skipping(ALL), (id) => ({ notes: `old ${id}` }));
  const folder = `${fileURLToPath(storage.root)}/${keys.folder}/look-ups`;
  const [name = ''] = await readdir(folder);
  const [, first, ...more] = (await readFile(`${folder}/${name}`, 'utf8')).split('\n');
  expect(first).toBe('[1,0,1,{"notes":"old 1"}]');
  expect(more.join('')).not.toContain('new');
});

test('what was looked up first stands, whoever looks up again, in which run', async () => {
  await lookUp(storage, keys, skipping(ALL), old);
  expect(await lookUp(storage, keys, skipping(ALL), () => ({ notes: 'new' }))).toEqual({ chunks: 2, lastSize: 7 });
  // A reset run prepares its pages anew.
  await prepared(35);
  expect(
    await lookUp(storage, jobKeys({ storeHash: 'abc', key: 'run-1' }, 'reset'), skipping(ALL), () => null),
  ).toEqual({
    chunks: 2,
    lastSize: 7,
  });
});

test('rows that were not sent are looked up again beside what stands, from their own place on', async () => {
  await lookUp(storage, keys, { asked: ALL }, old);
  const again: Places[] = [...ALL, [2, 4]];
  expect(await lookUp(storage, keys, skipping(again), (id) => ({ notes: id === 33 ? 'old' : 'new' }))).toEqual({
    chunks: 1,
    lastSize: 1,
  });
  expect((await files().readChunk(keys, 2, again)).rows).toEqual([33]);
  expect((await files().readChunk(keys, 1, ALL)).rows).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
});

test('another source is looked up anew', async () => {
  await lookUp(storage, keys, skipping(ALL), old);
  await prepared(35, 2);
  expect(await lookUp(storage, keys, skipping(ALL), () => ({ notes: 'old' }))).toEqual({ chunks: 4, lastSize: 5 });
});

test('a missing or damaged file is not taken for a look-up', async () => {
  await expect(files().readChunk(keys, 0, ALL)).rejects.toThrow(BadPage);
  await lookUp(storage, keys, skipping(ALL), old);
  await expect(files().readChunk(keys, 3, ALL)).rejects.toThrow(/Chunk 3 is not in/);
  const folder = `${fileURLToPath(storage.root)}/${keys.folder}/look-ups`;
  const [name] = await readdir(folder);
  await storage.write(`${keys.folder}/look-ups/${name}`, ['{"at":1}\n[1,0,']);
  await expect(files().readChunk(keys, 0, ALL)).rejects.toThrow(BadPage);
  await storage.write(`${keys.folder}/look-ups/${name}`, ['{"at":1}\n[1,0,\n']);
  await expect(files().readChunk(keys, 0, ALL)).rejects.toThrow(/is damaged/);
});

test('what an attempt has found is there for the next one, for five minutes', async () => {
  const of = files();
  const now = jest.spyOn(Date, 'now').mockReturnValue(1_000);
  try {
    (await of.found(keys, 'key')).customers.set(1, { kind: 'unknown' });
    now.mockReturnValue(301_000);
    expect(await of.found(keys, 'key')).toEqual({ at: 1_000, customers: new Map([[1, { kind: 'unknown' }]]) });
    now.mockReturnValue(301_001);
    expect(await of.found(keys, 'key')).toEqual({ at: 301_001, customers: new Map() });
  } finally {
    now.mockRestore();
  }
});

describe('a look-up asks for as many rows as some 20 calls will do', () => {
  const parts = async (rows: object[], match: 'id' | 'email' = 'id') => {
    storage = await newStorage();
    const { chunks } = await prepare({ storage, keys, limit: null, match, records: inline(rows, { match }) });
    const first = await files().firstLookUps(keys, 0, [0, chunks]);
    return first.map(([asked]) => asked);
  };
  const rows = (count: number, of: (index: number) => object) => Array.from({ length: count }, (_, index) => of(index));
  const values = (n: number) => Object.fromEntries(rows(n, (id) => [`attribute_id:${id + 1}`, 'x']) as never);

  test.each<[string, object[], Places[]]>([
    ['no attributes', rows(1_995, (id) => ({ id: id + 1, notes: 'n' })), [[0, 200]]],
    ['one attribute', rows(1_995, (id) => ({ id: id + 1, ...values(1) })), [[0, 200]]],
    ['two attributes', rows(1_995, (id) => ({ id: id + 1, ...values(2) })), [[0, 166], [166, 200]]], // prettier-ignore
    ['fifty attributes', rows(195, (id) => ({ id: id + 1, ...values(50) })), [[0, 9], [9, 18], [18, 20]]], // prettier-ignore
    ['one each, of many', rows(195, (id) => ({ id: id + 1, [`attribute_id:${1 + (id % 50)}`]: 'x' })), [[0, 9], [9, 18], [18, 20]]], // prettier-ignore
    ['many in some rows', rows(995, (id) => ({ id: id + 1, ...values(id < 100 ? 50 : 1) })), [[0, 9], [9, 18], [18, 100]]], // prettier-ignore
  ])('where rows have %s', async (_, source, asked) => {
    expect(await parts(source)).toEqual(asked);
  });

  test('fewer if their customers have to be found by their addresses', async () => {
    const source = rows(1_995, (id) => ({ email: `${id}@x.com`, ...values(1) }));
    expect(await parts(source, 'email')).toEqual([
      [0, 142],
      [142, 200],
    ]);
  });
});
