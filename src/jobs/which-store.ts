/**
 * Which job store this is. Its address does not tell: `file:./data` on two machines are two stores, and one folder may
 * be mounted at two places.
 */
import { randomUUID } from 'node:crypto';
import type { JobRef, JobStore } from '../contract/activities.ts';
import { readWhole, type Storage, StorageFailed } from '../storage/storage.ts';

const KEY = 'job-store';

/** The job's files are in another job store than this worker's. */
export class OtherJobStore extends StorageFailed {
  override name = 'OtherJobStore';
}

/** Which job store `storage` is; a new one is given its id by the first who asks. */
export async function whichStore(storage: Storage): Promise<JobStore> {
  await storage.writeOnce(KEY, randomUUID().slice(0, 8));
  return { id: (await readWhole(storage, KEY)).toString(), at: storage.root };
}

/** Throws OtherJobStore if the files of a job are not here. */
export function checkJobStore(here: JobStore, { jobStore: theirs }: JobRef): void {
  if (theirs === undefined || theirs.id === here.id) return;
  throw new OtherJobStore(
    `The job's files are in the job store ${nameOf(theirs)}, and this worker has another one, ${nameOf(here)}. ` +
      'Set JOB_STORE of all workers and of the starter to the same place.',
  );
}

const nameOf = ({ at, id }: JobStore): string => `${at} (${id})`;
