/** Keys of a job's files in the job store. */
import type { JobRef } from '../activity-contract.ts';
import { STORE_HASH } from '../contract.ts';
import type { Storage } from '../storage/storage.ts';

// What a run id looks like.
const JOB_KEY = /^[A-Za-z0-9-]{1,64}$/;

/** Where the starter's copies of sources are: files that are ours to delete once their job has ended. */
export const SOURCE_COPIES = 'sources/copies/';

/** Where jobs' backups are, by store. */
export const BACKUPS = 'sources/backups/';

/** The key of each of a job's files. */
export interface JobKeys {
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

/** The keys of one job's files. Throws RangeError where the job's key or store hash could not be part of one. */
export function jobKeys({ storeHash, key }: JobRef): JobKeys {
  const folder = `jobs/${segment(STORE_HASH, storeHash)}/${segment(JOB_KEY, key)}`;
  return {
    page: (number) => `${folder}/pages/${String(number).padStart(6, '0')}.ndjson`,
    failures: (name) => `${folder}/failures/${segment(JOB_KEY, name)}.ndjson`,
    present: (number) => `${folder}/present/${String(number).padStart(6, '0')}.ndjson`,
    report: `${folder}/report.csv`,
    retry: `${folder}/retry.ndjson`,
    backup: `${BACKUPS}${storeHash}/${key}.ndjson`,
    done: `${folder}/done.json`,
  };
}

/** The key of the starter's copy of a source, by the job it is for. `fileName` keeps its extension, which tells the format. */
export function sourceCopyKey(storeHash: string, jobName: string, fileName: string): string {
  const folder = `${SOURCE_COPIES}${segment(STORE_HASH, storeHash)}/${encodeURIComponent(jobName)}`;
  return `${folder}/${encodeURIComponent(fileName)}`;
}

/** The key of the starter's copy of a source, where the URI names one: the only source that is ours to delete. */
export function ownCopy(storage: Pick<Storage, 'keyOf'>, uri: string): string | undefined {
  const key = storage.keyOf(uri);
  return key?.startsWith(SOURCE_COPIES) ? key : undefined;
}

function segment(pattern: RegExp, text: string): string {
  if (pattern.test(text)) return text;
  throw new RangeError(`Expected text that matches ${pattern.source} for a file's key, got ${JSON.stringify(text)}.`);
}
