import { createHash } from 'node:crypto';
import { basename, dirname, resolve } from 'node:path';
import type { StarterConfig } from '../config.ts';
import type { Format, JobOptions, Source } from '../contract/job.ts';
import { formatOf, openSource } from '../jobs/sources/source.ts';
import { BadUse } from './errors.ts';
import type { FoundJob } from './jobs.ts';
import { copyName, defaultJobName } from './names.ts';
import { grouped } from './words.ts';
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { sourceCopyKey } from '../jobs/keys.ts';
import type { CsvOptions } from '../jobs/sources/csv.ts';
import { FileStorage } from '../storage/file.ts';
import { openJobStore } from './session.ts';

/** What a job is started from. */
export interface StartSource {
  /** For people. */
  words: string;
  /** The job's name, unless another one is wanted. */
  jobName: string;
  /** Whether a job that was started from `uri` has the same content. */
  is(uri: string): boolean;
  /** How many customers, in words. */
  count(options: JobOptions): Promise<string>;
  /** The source as a job is given it; makes what it names. */
  make(storeHash: string, jobName: string): Promise<Source>;
}

/** The source that an argument names: a file of this machine, or the URI of one that workers can read. Throws BadUse, or BadSource where no format is known. */
export async function openStartSource(
  argument: string,
  format: Format | undefined,
  { jobStore, folder }: StarterConfig,
  signal: AbortSignal,
): Promise<StartSource> {
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(argument)) return uriSource(argument, format);
  const path = resolve(folder, argument);
  const sha256 = await hashOf(path, signal);
  checkFormat(path, format);
  const fileName = copyName(path, sha256);
  return {
    words: path,
    jobName: defaultJobName(path, sha256),
    is: (uri) => basename(uri) === fileName,
    async count({ blankCells = 'keep', ignoreColumns = [], limit }) {
      const count = await countRecords(path, format, { blankCells, ignoreColumns }, signal);
      const customers = `${grouped(count)} customers`;
      return typeof limit === 'number' && limit < count ? `${grouped(limit)} of ${customers}` : customers;
    },
    async make(storeHash, jobName) {
      const uri = await copyToJobStore(path, sha256, jobStore, { storeHash, jobName, fileName }, signal);
      return { uri, format };
    },
  };
}

function uriSource(uri: string, format: Format | undefined): StartSource {
  if (!/^(file|s3):\/\//.test(uri)) {
    throw new BadUse(
      `Expected a file, or the URI of one, file:/// or s3://, got ${uri}. Download it and give the file.`,
    );
  }
  checkFormat(uri, format);
  return {
    words: uri,
    jobName: defaultJobName(uri, createHash('sha256').update(uri).digest('hex')),
    is: (other) => other === uri,
    count: async () => 'the customers',
    make: async () => ({ uri, format }),
  };
}

// The worker would find it as well, once the job is started.
function checkFormat(file: string, format: Format | undefined): void {
  if (format === undefined) formatOf(file);
}

/** What an ended job changed, as it was before. */
export function undoSource(id: string, backup: string): StartSource {
  const source = uriSource(backup, 'ndjson');
  return { ...source, words: `what the job ${id} found before it`, jobName: `${id.split('/').at(-1)}-undo` };
}

/** What an ended job has left to send again. Its first run tells it from an earlier job of the same id. */
export function retrySource({ id, firstRunId }: Pick<FoundJob, 'id' | 'firstRunId'>, unsettled: number): StartSource {
  const words = `what the job ${id} has left to send again (run ${firstRunId})`;
  return {
    words,
    jobName: `${id.split('/').at(-1)}-retry`,
    is: (source) => source === words,
    count: async () => `${grouped(unsettled)} customers`,
    make: async () => ({ retryOf: id }),
  };
}

/** The sha256 of a file's content in hex. Throws BadUse where there is no such file, or it can't be read. */
async function hashOf(path: string, signal: AbortSignal): Promise<string> {
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
async function countRecords(
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
async function copyToJobStore(
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

async function* checked(path: string, sha256: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { signal })) {
    hash.update(piece as Buffer);
    yield piece as Buffer;
  }
  if (hash.digest('hex') !== sha256) throw new BadUse(`The file ${path} changed while it was copied. Start again.`);
}
