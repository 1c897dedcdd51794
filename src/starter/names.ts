/** Store hashes, names and ids of jobs, as people type them. Pure. */
import { jobId, STORE_HASH } from '../contract/job.ts';
import { BadUse } from './errors.ts';

const JOB_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Longest part of a file's name that goes into a job's. */
const MAX_STEM = 60;

/** The store hash in what was typed: the hash itself, or an API path such as `https://api.bigcommerce.com/stores/abc123/v3/`. Throws BadUse. */
export function tidyStoreHash(typed: string): string {
  const hash = /(?:^|\/)stores\/([^/?#]*)/.exec(typed)?.[1] ?? typed.trim();
  if (STORE_HASH.test(hash)) return hash;
  throw new BadUse(
    `--store: expected a store hash of 1 to 32 lower-case letters and digits, got ${JSON.stringify(typed)}. ` +
      "It stands in the store's API path: https://api.bigcommerce.com/stores/HASH/v3/",
  );
}

/** A name for a job that was typed. Throws BadUse where it would make a poor id. */
export function checkJobName(typed: string): string {
  if (JOB_NAME.test(typed)) return typed;
  throw new BadUse(
    `--name: expected up to 100 letters a-z, digits, ".", "_" and "-", a letter or digit first, got ${JSON.stringify(typed)}.`,
  );
}

/** A job's name from a file's name, or the path or URI of one, and the sha256 that tells it from its namesakes. */
export function defaultJobName(file: string, sha256: string): string {
  const fileName = file.split('/').pop() as string;
  const stem = fileName
    .replace(/\.gz$/i, '')
    .replace(/\.(csv|ndjson|jsonl|json)$/i, '')
    // Accents come off, whatever else an id had better not contain becomes a hyphen.
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, MAX_STEM);
  return `${stem || 'customers'}-${sha256.slice(0, 8)}`;
}

/** The name of the job store's copy of a file: one name for one content, with the extension that tells the format. */
export function copyName(file: string, sha256: string): string {
  const extension = /(\.(csv|ndjson|jsonl|json))?(\.gz)?$/i.exec(file)?.[0] ?? '';
  return defaultJobName(file, sha256) + extension.toLowerCase();
}

/** The workflow id that was typed, or that of the job with the typed name in a store. Throws BadUse. */
export function typedJobId(typed: string, store: string | undefined): string {
  if (store === undefined) return typed;
  const hash = tidyStoreHash(store);
  return typed.startsWith(jobId(hash, '')) ? typed : jobId(hash, typed);
}

/** The store of a job whose id was made by client or starter. */
export function storeOfJob(id: string): string | undefined {
  const store = id.split('/')[1] ?? '';
  return id.startsWith(jobId(store, '')) ? store : undefined;
}
