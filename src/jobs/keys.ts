/** Keys of a job's files in the job store. */
import { createHash } from 'node:crypto';
import type { JobRef } from '../contract/activities.ts';
import { jobId, SOURCE_EXTENSION, STORE_HASH } from '../contract/job.ts';
import type { Storage } from '../storage/storage.ts';

// What a run id looks like.
const JOB_KEY = /^[A-Za-z0-9-]{1,64}$/;

/** Where the starter's copies of sources are: files that are ours to delete once their job has ended. */
export const SOURCE_COPIES = 'sources/copies/';

/** Where jobs' backups are, by store. */
export const BACKUPS = 'sources/backups/';

/** Where people put sources that are for every job, copies and backups aside. Nothing else in the job store is a source. */
const SOURCES = 'sources/';

/** Who reads a source: a job's store and its workflow id. */
export interface SourceReader {
  storeHash: string;
  id: string;
}

/** The key of each of a job's files. */
export interface JobKeys {
  /** The run of the workflow that uses them. What another one has read may have been deleted since, or written anew. */
  run: string;
  /** The page with this 0-based number. */
  page(number: number): string;
  /**
   * A file of failures that are not in workflow state: `invalid`, of prepareJob, and `0000`, `0001` … of the workflow,
   * without a gap.
   */
  failures(name: string): string;
  /** What the store had of the customers of the page with this number before the job changed them. */
  present(number: number): string;
  report: string;
  retry: string;
  /** What puts the earlier values back: a source, and so among them. */
  backup: string;
  done: string;
}

/**
 * The keys of one job's files, the same for all of its runs. Throws RangeError where the job's key or store hash could not be
 * part of one.
 */
export function jobKeys({ storeHash, key }: JobRef, run = ''): JobKeys {
  const folder = `jobs/${segment(STORE_HASH, storeHash)}/${segment(JOB_KEY, key)}`;
  return {
    run,
    page: (number) => `${folder}/pages/${String(number).padStart(6, '0')}.ndjson`,
    failures: (name) => `${folder}/failures/${segment(JOB_KEY, name)}.ndjson`,
    present: (number) => `${folder}/present/${String(number).padStart(6, '0')}.ndjson`,
    report: `${folder}/report.csv`,
    retry: `${folder}/retry.ndjson`,
    backup: `${BACKUPS}${storeHash}/${key}.ndjson`,
    done: `${folder}/done.json`,
  };
}

// Store hash, job key and name are as `segment` lets them be part of it.
const FAILURES = /\/(jobs\/[a-z0-9]{1,32}\/[A-Za-z0-9-]{1,64}\/failures\/[A-Za-z0-9-]{1,64}\.ndjson)$/;

/**
 * The key of the file of failures that a URI names; undefined where it names something else. Wherever the job store was when
 * the URI was made: jobs keep URIs, and people move job stores.
 */
export const failuresKey = (uri: string): string | undefined => FAILURES.exec(uri)?.[1];

/** The key of the starter's copy of a source, by the job it is for. `fileName` keeps its extension, which tells the format. */
export function sourceCopyKey(storeHash: string, jobName: string, fileName: string): string {
  const [extension = ''] = SOURCE_EXTENSION.exec(fileName) ?? [];
  return `${copiesFolder(storeHash, jobName)}${anyName(fileName, extension)}`;
}

/** The key of the copy of a source that was made for this job, where the URI names one: the only source that is its to delete. */
export function ownCopy(storage: Pick<Storage, 'keyOf'>, uri: string, reader: SourceReader): string | undefined {
  const key = storage.keyOf(uri);
  return key !== undefined && isCopyFor(reader, key) ? key : undefined;
}

/** Whether a job may read this file of the job store as its source: not what belongs to another job, or another store. */
export function isSourceFor(reader: SourceReader, key: string): boolean {
  if (key.startsWith(BACKUPS)) return key.startsWith(`${BACKUPS}${segment(STORE_HASH, reader.storeHash)}/`);
  return key.startsWith(SOURCE_COPIES) ? isCopyFor(reader, key) : key.startsWith(SOURCES);
}

function isCopyFor({ storeHash, id }: SourceReader, key: string): boolean {
  const start = jobId(storeHash, '');
  return id.startsWith(start) && key.startsWith(copiesFolder(storeHash, id.slice(start.length)));
}

const copiesFolder = (storeHash: string, jobName: string): string =>
  `${SOURCE_COPIES}${segment(STORE_HASH, storeHash)}/${anyName(jobName)}/`;

// A file's name may have 255 bytes, and while it is written it ends in a UUID and `.partial`.
export const MAX_NAME = 200;

/**
 * Any text as one name in a key, two texts never as the same: percent-encoded, or, where that would be too long or is `.`
 * or `..`, as a hash behind a sign that encoding leaves nowhere.
 */
function anyName(text: string, extension = ''): string {
  // With what UTF-8 can't say replaced, as on its way to the server.
  const utf8 = Buffer.from(text);
  const name = encodeURIComponent(utf8.toString());
  if (name.length <= MAX_NAME && !/^\.{0,2}$/.test(name)) return name;
  return `=${createHash('sha256').update(utf8).digest('hex')}${extension}`;
}

function segment(pattern: RegExp, text: string): string {
  if (pattern.test(text)) return text;
  const got = JSON.stringify(text.slice(0, 100));
  throw new RangeError(`Expected text that matches ${pattern.source} for a file's key, got ${got}.`);
}
