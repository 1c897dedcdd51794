/** Store hashes, job names and job ids, as people type them. Pure. */
import { jobId, STORE_HASH } from '../contract/job.ts';
import { SOURCE_EXTENSION } from '../jobs/keys.ts';
import { BadUse } from './exit.ts';

// A colon is in the names of a schedule's runs, from which undo and retry make theirs.
const JOB_NAME = /^[A-Za-z0-9][A-Za-z0-9.:_-]{0,99}$/;

/** Most characters of a schedule's name: its runs have the time after it, and their retries -retry. */
const MAX_SCHEDULE_NAME = 70;

/** How much of a file's name goes into a job's name, in characters. */
const MAX_STEM = 60;

/** The store hash that was typed, as such or in an API path such as `https://…/stores/abc123/v3/`. Throws BadUse. */
export function tidyStoreHash(typed: string): string {
  const hash = /(?:^|\/)stores\/([^/?#]*)/.exec(typed)?.[1] ?? typed.trim();
  if (STORE_HASH.test(hash)) return hash;
  throw new BadUse(
    `--store: expected a store hash of 1 to 32 lower-case letters and digits, got ${JSON.stringify(typed)}. ` +
      "It is part of the store's API path: https://api.bigcommerce.com/stores/HASH/v3/",
  );
}

/** A job's name that was typed. Throws BadUse unless it makes an id that can be typed as well. */
export function checkJobName(typed: string): string {
  if (JOB_NAME.test(typed)) return typed;
  throw new BadUse(
    `--name: expected up to 100 letters a-z, digits, ".", ":", "_" and "-", starting with a letter or digit, got ` +
      `${JSON.stringify(typed)}.`,
  );
}

/** A schedule's name that was typed. Throws BadUse. */
export function checkScheduleName(typed: string): string {
  if (JOB_NAME.test(typed) && typed.length <= MAX_SCHEDULE_NAME) return typed;
  throw new BadUse(
    `Expected a schedule's name of up to ${MAX_SCHEDULE_NAME} letters a-z, digits, ".", ":", "_" and "-", starting with a ` +
      `letter or digit, got ${JSON.stringify(typed)}.`,
  );
}

/** A job's name from a file's name, path or URI, and the sha256 that tells it apart from others of that name. */
export function defaultJobName(file: string, sha256: string): string {
  const fileName = file.split('/').pop() as string;
  const stem = fileName
    .replace(SOURCE_EXTENSION, '')
    // Accents are dropped; anything else that is awkward in an id becomes a hyphen.
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, MAX_STEM);
  return `${stem || 'customers'}-${sha256.slice(0, 8)}`;
}

/** The name of a file's copy in the job store: one name for one content, with the extension for its format. */
export function copyName(file: string, sha256: string): string {
  const [extension = ''] = SOURCE_EXTENSION.exec(file) ?? [];
  return defaultJobName(file, sha256) + extension.toLowerCase();
}

/** The workflow id that was typed; with a store, the id of its job with the typed name. Throws BadUse. */
export function typedJobId(typed: string, store: string | undefined): string {
  if (store === undefined) return typed;
  const hash = tidyStoreHash(store);
  return typed.startsWith(jobId(hash, '')) ? typed : jobId(hash, typed);
}

/** The store that a job's id names; undefined if neither client nor starter made the id. */
export function storeOfJob(id: string): string | undefined {
  const store = id.split('/')[1] ?? '';
  return id.startsWith(jobId(store, '')) ? store : undefined;
}
