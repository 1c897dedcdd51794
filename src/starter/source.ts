import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { Format, JobOptions, Source } from '../contract/job.ts';
import { jobOptionsSchema } from '../contract/schema.ts';
import { sourceCopyKey } from '../jobs/keys.ts';
import { formatOf, openSource } from '../jobs/sources/source.ts';
import { FileStorage } from '../storage/file.ts';
import { type Storage, stoppable } from '../storage/storage.ts';
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
 * The source that an argument names: a file of this machine, by a path relative to `cwd`, or the URI of one that
 * workers can read. Throws BadUse, StorageFailed, and BadSource if the format is not known.
 */
export async function openStartSource(
  argument: string,
  format: Format | undefined,
  cwd: string,
  signal: AbortSignal,
): Promise<StartSource> {
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(argument)) return uriSource(argument, format);
  const path = resolve(cwd, argument);
  const { folder, name } = await fileAt(path, signal);
  const sha256 = await hashOf(folder.read(name));
  checkFormat(path, format);
  const fileName = copyName(path, sha256);
  return {
    words: path,
    jobName: defaultJobName(path, sha256),
    is: (uri) => basename(uri) === fileName,
    async count(options) {
      const { limit, ...reading } = jobOptionsSchema.parse(options);
      let count = 0;
      const records = openSource({ uri: folder.uri(name), format }, [folder], reading);
      for await (const batch of records) count += batch.length;
      const customers = `${grouped(count)} customers`;
      return limit !== null && limit < count ? `${grouped(limit)} of ${customers}` : customers;
    },
    async make(session, storeHash, jobName) {
      const storage = await session.openJobStore();
      const key = sourceCopyKey(storeHash, jobName, fileName);
      await storage.write(key, checked(folder.read(name), path, sha256));
      return { uri: storage.uri(key), format };
    },
  };
}

export function uriSource(uri: string, format: Format | undefined): StartSource {
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

/** A file of this machine, behind its links: its folder, and its name there. Throws BadUse if there is none. */
async function fileAt(path: string, signal: AbortSignal): Promise<{ folder: Storage; name: string }> {
  const real = await realpath(path).catch(() => '');
  const name = basename(real);
  if (name !== '' && !name.includes('\\')) return { folder: stoppable(new FileStorage(dirname(real)), signal), name };
  throw new BadUse(
    `There is no such file, or this user may not see it: ${path}. Give the path of a CSV, NDJSON or JSON file ` +
      'with no backslash in its name, or the URI of one, file:/// or s3://.',
  );
}

/** The sha256 of a file's content in hex. */
async function hashOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of content) hash.update(piece);
  return hash.digest('hex');
}

/** A file's content. Throws BadUse at its end if it is not what `sha256` was computed from. */
async function* checked(content: AsyncIterable<Uint8Array>, path: string, sha256: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const piece of content) {
    hash.update(piece);
    yield piece;
  }
  if (hash.digest('hex') !== sha256)
    throw new BadUse(`The file ${path} changed while it was being copied. Start again.`);
}
