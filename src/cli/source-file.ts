import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { PACKAGE_ROOT } from '../config.ts';
import type { Format } from '../contract.ts';
import { sourceCopyKey } from '../jobs/keys.ts';
import type { CsvOptions } from '../jobs/sources/csv.ts';
import { openSource } from '../jobs/sources/source.ts';
import { FileStorage } from '../storage/file.ts';
import { openStorage } from '../storage/open.ts';
import type { Storage } from '../storage/storage.ts';
import { BadUse } from './bad-use.ts';

/** The sha256 of a file's content in hex. Throws BadUse where there is no such file, or it can't be read. */
export async function hashOf(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  try {
    if (!(await stat(path)).isFile()) throw new BadUse(`Expected a file, got ${path}, which is none.`);
    for await (const piece of createReadStream(path, { signal })) hash.update(piece as Buffer);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new BadUse(
        `There is no file ${path}. Give the path of a CSV, NDJSON or JSON file, or the URI of one, file:/// or s3://.`,
      );
    }
    if (code === 'EACCES') {
      throw new BadUse(`The file ${path} may not be read: its permissions do not allow it. Let this user read it.`);
    }
    throw error;
  }
  return hash.digest('hex');
}

/** How many records a file has. Throws BadSource where it can't be read as what it should be. */
export async function countRecords(
  path: string,
  format: Format | undefined,
  csv: CsvOptions,
  signal: AbortSignal,
): Promise<number> {
  const file = await realpath(path);
  const folder = new FileStorage(dirname(file));
  let count = 0;
  for await (const records of openSource({ uri: folder.uri(basename(file)), format }, [folder], csv)) {
    signal.throwIfAborted();
    count += records.length;
  }
  return count;
}

/** Copies a file into the job store, where workers can read it, and returns the copy's URI. Throws BadUse where its content is not that of `sha256` any more. */
export async function copyToJobStore(
  path: string,
  sha256: string,
  jobStore: string,
  copy: { storeHash: string; jobName: string; fileName: string },
  signal: AbortSignal,
): Promise<string> {
  const storage = await openJobStore(jobStore);
  const key = sourceCopyKey(copy.storeHash, copy.jobName, copy.fileName);
  await storage.write(key, checked(path, sha256, signal));
  return storage.uri(key);
}

/** The job store, as the starter is told where it is. Throws BadUse. */
export async function openJobStore(uri: string): Promise<Storage> {
  try {
    return await openStorage(uri, PACKAGE_ROOT);
  } catch (error) {
    if (error instanceof RangeError) throw new BadUse(`JOB_STORE: ${error.message}`);
    throw error;
  }
}

async function* checked(path: string, sha256: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { signal })) {
    hash.update(piece as Buffer);
    yield piece as Buffer;
  }
  if (hash.digest('hex') !== sha256) throw new BadUse(`The file ${path} changed while it was copied. Start again.`);
}
