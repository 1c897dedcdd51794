/** The store's names in the job store, from readNames to whoever reads the source, or looks customers up. */
import type { JobRef, NameKind } from '../contract/activities.ts';
import { NotFound, readWhole, type Storage } from '../storage/storage.ts';
import { type Attribute, Attributes } from './attributes.ts';
import { Groups } from './groups.ts';
import { jobKeys } from './keys.ts';
import type { Named } from './names.ts';

/** What the store has, of each kind that it was asked for. */
export interface StoreNames {
  groups?: Named[];
  attributes?: Attribute[];
}

export async function saveNames(storage: Storage, job: JobRef, names: StoreNames): Promise<void> {
  await storage.write(jobKeys(job).names, [JSON.stringify(names)]);
}

/** The same, to find things by their names. */
export interface ReadNames {
  groups?: Groups;
  attributes?: Attributes;
}

/**
 * What the source of a job is read with; nothing as long as the store was not asked, or if the file is gone: then the store
 * is asked again.
 */
export async function readNames(storage: Storage, job: JobRef): Promise<ReadNames> {
  if (!job.named) return {};
  try {
    const names = JSON.parse((await readWhole(storage, jobKeys(job).names)).toString()) as StoreNames;
    const { groups, attributes } = names satisfies Partial<Record<NameKind, unknown>>;
    return {
      ...(groups && { groups: new Groups(groups) }),
      ...(attributes && { attributes: new Attributes(attributes) }),
    };
  } catch (error) {
    if (error instanceof NotFound) return {};
    throw error;
  }
}
