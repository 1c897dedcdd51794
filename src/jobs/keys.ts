/** The keys of a job's files in the job store. */
import { createHash } from 'node:crypto';
import type { JobRef } from '../contract/activities.ts';
import { jobId, MAX_NAME, STORE_HASH } from '../contract/job.ts';
import type { Storage } from '../storage/storage.ts';

// A run id.
const JOB_KEY = /^[A-Za-z0-9-]{1,64}$/;

/** How a source's name says its format, the first group, and whether it is compressed; matches any name. */
export const SOURCE_EXTENSION = /(?:\.(csv|tsv|txt|ndjson|jsonl|json))?(?:\.gz)?$/i;

/** Copies of sources, made by starter and client: ours to delete once their job has ended. */
export const SOURCE_COPIES = 'sources/copies/';

/** Jobs' backups, by store. */
export const BACKUPS = 'sources/backups/';

/** Where people put sources that any job may read. Besides them only copies and backups are sources. */
const SOURCES = 'sources/';

/** The job that reads a source: its store and its workflow id. */
export interface SourceReader {
  storeHash: string;
  id: string;
}

/** The key of each of a job's files. */
export interface JobKeys {
  /** The workflow run that uses them. What another run has read may since have been deleted or rewritten. */
  run: string;
  /** The folder of all of them but the backup. */
  folder: string;
  /** Folders in it whose files are only needed until the job has ended. */
  working: readonly string[];
  /** The folder of the set of pages. */
  pages: string;
  /** The page with this 0-based number, or another part of it. */
  page(number: number, part?: number): string;
  /** Taken by the attempt of prepareJob that writes the set of pages with this 0-based number. */
  taken(set: number): string;
  /** The keys of the same job, if it went by this set of pages. */
  ofSet(set: number): JobKeys;
  /** A file of failures that are not in workflow state: `0000`, `0001` … from the workflow, without gaps. */
  failures(name: string): string;
  /** A look-up of the page with this number; `asked` tells it from others. */
  lookUp(page: number, asked: string): string;
  /** The same from prepareJob. */
  invalid: string;
  /** The retry with this 0-based number. */
  retriedBy(number: number): string;
  /** The ids that rows name, if customers are found by e-mail address. */
  ids: string;
  /** The names of things of the store, as readNames has found them. */
  names: string;
  report: string;
  retry: string;
  /** What a dry run would change. */
  changes: string;
  /** Of whom the job knows that he had an address, if it gives customers new ones. */
  known: string;
  /** The rejected and invalid rows, as the source has them. */
  fix: Record<'csv' | 'ndjson', string>;
  /** What restores the earlier values: a source, and so among the sources. */
  backup: string;
  done: string;
}

/**
 * The keys of one job's files, the same for all of its runs. Throws RangeError if the job's key or store hash can't be
 * part of one.
 */
export function jobKeys({ storeHash, key, set = 0 }: JobRef, run = ''): JobKeys {
  const folder = `jobs/${segment(STORE_HASH, storeHash)}/${segment(JOB_KEY, key)}`;
  const [sets, lookUps] = [`${folder}/pages`, `${folder}/look-ups`];
  const pages = `${sets}/${set}`;
  const failures = (name: string) => `${folder}/failures/${segment(JOB_KEY, name)}.ndjson`;
  return {
    run,
    folder,
    working: [sets, lookUps],
    names: `${sets}/names.json`,
    pages,
    ids: `${pages}/ids`,
    page: (number, part = 0) => `${pages}/${String(number).padStart(6, '0')}${part === 0 ? '' : `-${part}`}.ndjson`,
    taken: (number) => `${folder}/sets/${number}`,
    ofSet: (number) => jobKeys({ storeHash, key, set: number }, run),
    failures,
    invalid: failures(`invalid-${set}`),
    lookUp: (page, asked) => `${lookUps}/${String(page).padStart(6, '0')}-${asked}.ndjson`,
    retriedBy: (number) => `${folder}/retries/${String(number).padStart(4, '0')}.json`,
    report: `${folder}/report.csv`,
    retry: `${folder}/retry.ndjson`,
    fix: { csv: `${folder}/fix.csv`, ndjson: `${folder}/fix.ndjson` },
    changes: `${folder}/changes.csv`,
    known: `${folder}/known`,
    backup: `${BACKUPS}${storeHash}/${key}.ndjson`,
    done: `${folder}/done.json`,
  };
}

/** The key of the file that says which run was the latest of the job with this workflow id, or of the schedule, if it gives customers new addresses. */
export const latestRunKey = (storeHash: string, id: string): string =>
  `latest/${segment(STORE_HASH, storeHash)}/${anyName(id)}.json`;

// Store hash, job key and name as `segment` accepts them.
const FAILURES = /\/(jobs\/[a-z0-9]{1,32}\/[A-Za-z0-9-]{1,64}\/failures\/[A-Za-z0-9-]{1,64}\.ndjson)$/;

/**
 * The key of the file of failures that a URI names; undefined if it names something else. It may name a place where the
 * job store used to be: jobs keep URIs, and people move job stores.
 */
export const failuresKey = (uri: string): string | undefined => FAILURES.exec(uri)?.[1];

/** The key for a copy of a source, made for one job. `fileName` keeps its extension, which says the format. */
export function sourceCopyKey(storeHash: string, jobName: string, fileName: string): string {
  const [extension = ''] = SOURCE_EXTENSION.exec(fileName) ?? [];
  return `${copiesFolder(storeHash, jobName)}${anyName(fileName, extension)}`;
}

/** The key of the copy that was made for this job, if the URI names it: the only source that the job may delete. */
export function ownCopy(storage: Pick<Storage, 'keyOf'>, uri: string, reader: SourceReader): string | undefined {
  const key = storage.keyOf(uri);
  return key !== undefined && isCopyFor(reader, key) ? key : undefined;
}

/** Whether a job may read this file of the job store as its source: nothing that belongs to another job or store. */
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

/**
 * Any text as one name in a key, never the same for two texts: percent-encoded, or, if that is too long or `.` or `..`,
 * a hash after a character that percent-encoding never leaves.
 */
function anyName(text: string, extension = ''): string {
  // What UTF-8 can't encode is replaced, as on the way to the server.
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
