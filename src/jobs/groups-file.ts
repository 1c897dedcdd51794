/** The store's groups in the job store, from readNames to prepareJob. */
import { NotFound, readWhole, type Storage } from '../storage/storage.ts';
import { type Group, Groups } from './groups.ts';
import type { JobKeys } from './keys.ts';

export async function saveGroups(storage: Storage, keys: JobKeys, groups: readonly Group[]): Promise<void> {
  await storage.write(keys.groups, [JSON.stringify(groups)]);
}

/** Undefined if they are not there, or not any more: then the store is asked again. */
export async function readGroups(storage: Storage, keys: JobKeys): Promise<Groups | undefined> {
  try {
    return new Groups(JSON.parse((await readWhole(storage, keys.groups)).toString()) as Group[]);
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
}
