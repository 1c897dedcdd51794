import { Context } from '@temporalio/activity';
import type { Spent, StoreActivities, StoreRef } from '../contract/activities.ts';
import type { Permit, Store } from '../bigcommerce/store.ts';
import type { Quota } from '../contract/job.ts';
import type { PageReader } from '../jobs/pages.ts';
import { saveGroups } from '../jobs/groups-file.ts';
import { jobKeys } from '../jobs/keys.ts';
import type { LookUpFiles } from '../jobs/look-ups.ts';
import { untilCancelled, withHeartbeats } from './context.ts';
import { checkFailure } from './failures.ts';
import { lookUpPage } from './look-up-page.ts';
import { reading } from './reading.ts';
import type { QueueUsage } from './serving.ts';
import type { Storage } from '../storage/storage.ts';
import { updateChunk } from './update-chunk.ts';

/** What the activities of a store's queue need of the process that serves it. */
export interface StoreParts {
  store: Store;
  permit: Permit;
  pages: PageReader;
  lookUps: LookUpFiles;
  storage: Storage;
}

/** The activities on a store's queue. */
export function createStoreActivities(parts: StoreParts, usage: QueueUsage): StoreActivities {
  return {
    updateChunk: (ref) => usage.during(() => updateChunk(parts, ref)),
    lookUpPage: (ref) => usage.during(() => lookUpPage(parts, ref)),
    readNames: (ref) => usage.during(() => readNames(parts, ref)),
    checkStore: () => usage.during(() => checkStore(parts)),
  };
}

/** Asks the store for its groups, and keeps them for prepareJob. */
const readNames = (parts: StoreParts, ref: StoreRef): Promise<Spent> =>
  reading(parts, ref, async (calling) => {
    await saveGroups(parts.storage, jobKeys(ref.job), await parts.store.readGroups(calling));
    return {};
  });

async function checkStore({ store, permit }: StoreParts): Promise<{ quota: Quota | null; reads: number }> {
  const context = Context.current();
  const tally = { calls: 0, reads: 0, throttled: 0 };
  try {
    const check = () => store.checkToken({ permit: untilCancelled(permit), probe: 'resume', tally });
    return { quota: await withHeartbeats(check), reads: tally.reads };
  } catch (error) {
    if (context.cancellationDetails?.cancelRequested) throw context.cancellationSignal.reason;
    throw checkFailure(error);
  }
}
