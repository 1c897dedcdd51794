import { createHash } from 'node:crypto';
import { basename, resolve } from 'node:path';
import type { StarterConfig } from '../config.ts';
import type { Format, JobOptions, Source } from '../contract.ts';
import { formatOf } from '../jobs/sources/source.ts';
import { BadUse } from './bad-use.ts';
import type { FoundJob } from './jobs.ts';
import { copyName, defaultJobName } from './names.ts';
import { copyToJobStore, countRecords, hashOf } from './source-file.ts';
import { grouped } from './words.ts';

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
