import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobOptions } from '../../src/contract/job.ts';
import { jobOptionsSchema } from '../../src/contract/schema.ts';
import type { SourceRecord } from '../../src/jobs/sources/record.ts';
import { inlineRecords } from '../../src/jobs/sources/source.ts';
import type { Places } from '../../src/contract/look-ups.ts';
import type { Values } from '../../src/jobs/fields.ts';
import type { JobKeys } from '../../src/jobs/keys.ts';
import type { FoundCustomer } from '../../src/jobs/keyed-rows.ts';
import { look } from '../../src/jobs/look-up.ts';
import { LookUpFiles } from '../../src/jobs/look-ups.ts';
import { PageReader } from '../../src/jobs/pages.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { FileStorage } from '../../src/storage/file.ts';

const folders: string[] = [];

/** A job store in a new folder, which is deleted after all tests of the file. */
export async function newStorage(): Promise<FileStorage> {
  const folder = await mkdtemp(join(tmpdir(), 'jobs-'));
  folders.push(folder);
  return new FileStorage(folder);
}

afterAll(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** All items. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** All records, apart from what the source itself says: test/jobs/fix.test.ts. */
export const readAll = async (batches: AsyncIterable<SourceRecord[]>): Promise<Omit<SourceRecord, 'raw'>[]> =>
  (await all(batches))
    .flat()
    .map(({ row, line, value, problem }) => ({ row, line, value, ...(problem && { problem }) }));

/** The bytes of `content` in pieces of `size`, so that records are cut at every position. */
export async function* inPieces(content: string | Uint8Array, size = 7): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(content);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/**
 * Looks rows of a page up as lookUpPage does, at a store that has these values of customers; null for none, undefined if it
 * can't show them. Returns how many chunks that leaves, and how many customers are in the last one.
 */
export async function lookUp(
  storage: Storage,
  keys: JobKeys,
  { page = 0, asked, skipUnchanged = false }: { page?: number; asked: Places[]; skipUnchanged?: boolean | undefined },
  has: (id: number) => Values | null | undefined,
): Promise<{ chunks: number; lastSize: number }> {
  const files = new LookUpFiles(storage, new PageReader(storage));
  const { rows, key } = await files.asked(keys, page, asked);
  const found = rows.map(({ values: { id = 0 } }): [number, FoundCustomer] => {
    const values = has(id);
    if (values) return [id, { kind: 'found', customer: { ...values, id } }];
    return [id, values === null ? { kind: 'unknown' } : { kind: 'unreadable', message: '' }];
  });
  const how = {
    match: 'id',
    from: asked.at(-1)?.[0] ?? 0,
    skipUnchanged,
    dryRun: false,
    attributes: undefined,
    isNamed: () => false,
    knew: () => false,
  } as const;
  const looked = look(rows, new Map(found), how);
  const kept = await files.keep(keys, key, { at: 1, match: 'id', rows: looked });
  const sent = [...kept.rows.values()].filter(({ fate }) => fate !== 'unchanged').length;
  const chunks = Math.ceil(sent / 10);
  return { chunks, lastSize: sent - 10 * Math.max(0, chunks - 1) };
}

/** The records of an inline source, read with the default options or these. */
export const inline = (customers: readonly unknown[], options: JobOptions = {}) =>
  inlineRecords(customers, jobOptionsSchema.parse(options));
