/**
 * Sets of pages. Each attempt of prepareJob writes one of its own, however late: one that was frozen and wakes up changes
 * nothing that the job goes by, which is the set of the attempt that ended.
 */
import type { Storage } from '../storage/storage.ts';
import type { JobKeys } from './keys.ts';

/** Takes the first set that no attempt has taken yet. */
export async function newSet(storage: Storage, keys: JobKeys): Promise<JobKeys & { set: number }> {
  let set = 0;
  while (!(await storage.writeOnce(keys.taken(set), ''))) set++;
  return { ...keys.ofSet(set), set };
}

/** The keys of every set of the job: for who does not know by which it went. */
export async function* allSets(storage: Storage, keys: JobKeys): AsyncGenerator<JobKeys> {
  for (let set = 0; await storage.exists(keys.taken(set)); set++) yield keys.ofSet(set);
}
