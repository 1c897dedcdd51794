import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobOptions } from '../../src/contract/job.ts';
import { jobOptionsSchema } from '../../src/contract/schema.ts';
import type { SourceRecord } from '../../src/jobs/sources/record.ts';
import { inlineRecords } from '../../src/jobs/sources/source.ts';
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

/** The records of an inline source, read with the default options or these. */
export const inline = (customers: readonly unknown[], options: JobOptions = {}) =>
  inlineRecords(customers, jobOptionsSchema.parse(options));
