/** The list of a job's retries, kept among its own files: undo takes theirs back before the job's. */
import { NotFound, readWhole, type Storage } from '../storage/storage.ts';
import type { JobKeys } from './keys.ts';

/** A job that has sent again what another one left. */
export interface Retry {
  id: string;
  /** As in JobRef. */
  key: string;
}

/** Enters a retry into the list of the job with these keys, once. */
export async function noteRetry(storage: Storage, keys: JobKeys, retry: Retry): Promise<void> {
  for (let number = 0; ; number++) {
    if (await storage.writeOnce(keys.retriedBy(number), JSON.stringify(retry))) return;
    if ((await retryAt(storage, keys, number))?.key === retry.key) return;
  }
}

/** A job's retries, the first one first. */
export async function retriesOf(storage: Storage, keys: JobKeys): Promise<Retry[]> {
  const retries: Retry[] = [];
  for (let retry = await retryAt(storage, keys, 0); retry; retry = await retryAt(storage, keys, retries.length)) {
    retries.push(retry);
  }
  return retries;
}

async function retryAt(storage: Storage, keys: JobKeys, number: number): Promise<Retry | undefined> {
  try {
    return JSON.parse((await readWhole(storage, keys.retriedBy(number))).toString()) as Retry;
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
}
