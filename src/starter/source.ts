import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { Format, JobOptions, Source } from '../contract/job.ts';
import { jobOptionsSchema } from '../contract/schema.ts';
import { sourceCopyKey } from '../jobs/keys.ts';
import { formatOf, openSource, type ReadingOptions } from '../jobs/sources/source.ts';
import { FileStorage } from '../storage/file.ts';
import { BadUse } from './exit.ts';
import { copyName, defaultJobName } from './names.ts';
import type { Session } from './session.ts';
import type { JobInfo } from './status.ts';
import { grouped } from './words.ts';

/** What a job is started from. */
export interface StartSource {
  /** What it is, for people. */
  words: string;
  /** The job's name, unless another one is typed. */
  jobName: string;
  /** Whether a job that was started from `uri` has the same content. */
  is(uri: string): boolean;
  /** How many customers will be sent, in words. */
  count(options: JobOptions): Promise<string>;
  /** The source as a job gets it; makes the copy in the job store, if it needs one. */
  make(session: Session, storeHash: string, jobName: string): Promise<Source>;
}

/**
 * The source that an argument names: a file of this machine, by a path relative to `folder`, or the URI of one that
 * workers can read. Throws BadUse, and BadSource if the format is not known.
 */
export async function openStartSource(
  argument: string,
  format: Format | undefined,
  folder: string,
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
    async count(options) {
      const { limit, ...reading } = jobOptionsSchema.parse(options);
      const count = await countRecords(path, format, reading, signal);
      const customers = `${grouped(count)} customers`;
      return limit !== null && limit < count ? `${grouped(limit)} of ${customers}` : customers;
    },
    async make(session, storeHash, jobName) {
      const storage = await session.openJobStore();
      const key = sourceCopyKey(storeHash, jobName, fileName);
      await storage.write(key, checked(path, sha256, signal));
      return { uri: storage.uri(key), format };
    },
  };
}

function uriSource(uri: string, format: Format | undefined): StartSource {
  if (!/^(file|s3):\/\//.test(uri)) {
    throw new BadUse(
      `Expected a file, or the URI of one, file:/// or s3://, got ${uri}. Download it, and start from the file.`,
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

// The worker would find out too, but only once the job has started.
function checkFormat(file: string, format: Format | undefined): void {
  if (format === undefined) formatOf(file);
}

/** What an ended job changed, with the earlier values. */
export function undoSource(id: string, backup: string): StartSource {
  const source = uriSource(backup, 'ndjson');
  return { ...source, words: `the values from before the job ${id}`, jobName: `${id.split('/').at(-1)}-undo` };
}

/** What an ended job left to send again. Its first run tells it apart from an earlier job with the same id. */
export function retrySource({ id, firstRunId }: Pick<JobInfo, 'id' | 'firstRunId'>, unsettled: number): StartSource {
  const words = `what the job ${id} left to send again (run ${firstRunId})`;
  return {
    words,
    jobName: `${id.split('/').at(-1)}-retry`,
    is: (source) => source === words,
    count: async () => `${grouped(unsettled)} customers`,
    make: async () => ({ retryOf: id }),
  };
}

/** The sha256 of a file's content in hex. Throws BadUse if there is no such file, or it can't be read. */
async function hashOf(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  try {
    if (!(await stat(path)).isFile())
      throw new BadUse(`Not a file: ${path}. Give the path of a CSV, NDJSON or JSON file.`);
    for await (const piece of createReadStream(path, { signal })) hash.update(piece as Buffer);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new BadUse(
        `There is no file ${path}. Give the path of a CSV, NDJSON or JSON file, or the URI of one, file:/// or s3://.`,
      );
    }
    if (code === 'EACCES') {
      throw new BadUse(
        `The file ${path} can't be read: its permissions do not allow it. Give this user read permission.`,
      );
    }
    throw error;
  }
  return hash.digest('hex');
}

/** How many records a file has. Throws BadSource if it can't be read in its format. */
async function countRecords(
  path: string,
  format: Format | undefined,
  reading: ReadingOptions,
  signal: AbortSignal,
): Promise<number> {
  const file = await realpath(path);
  const folder = new FileStorage(dirname(file));
  let count = 0;
  for await (const records of openSource({ uri: folder.uri(basename(file)), format }, [folder], reading)) {
    signal.throwIfAborted();
    count += records.length;
  }
  return count;
}

/** A file's content. Throws BadUse at its end if it is not what `sha256` was computed from. */
async function* checked(path: string, sha256: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { signal })) {
    hash.update(piece as Buffer);
    yield piece as Buffer;
  }
  if (hash.digest('hex') !== sha256)
    throw new BadUse(`The file ${path} changed while it was being copied. Start again.`);
}
