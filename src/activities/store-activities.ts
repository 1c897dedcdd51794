import { Context } from '@temporalio/activity';
import type { StoreActivities } from '../contract/activities.ts';
import type { Permit, Store } from '../bigcommerce/store.ts';
import type { Quota } from '../contract/dry-run.ts';
import type { PageReader } from '../jobs/pages.ts';
import type { PresentReader } from '../jobs/present.ts';
import { compareCustomers } from './compare-customers.ts';
import { untilCancelled, withHeartbeats } from './context.ts';
import { checkFailure } from './failures.ts';
import type { QueueUsage } from './serving.ts';
import type { Storage } from '../storage/storage.ts';
import { readNames } from './read-names.ts';
import { updateChunk } from './update-chunk.ts';

/** What the activities of a store's queue need of the process that serves it. */
export interface StoreParts {
  store: Store;
  permit: Permit;
  pages: PageReader;
  present: PresentReader;
  storage: Storage;
}

/** The activities on a store's queue. */
export function createStoreActivities(parts: StoreParts, usage: QueueUsage): StoreActivities {
  return {
    updateChunk: (ref) => usage.during(() => updateChunk(parts, ref)),
    compareCustomers: (ref) => usage.during(() => compareCustomers(parts, ref)),
    readNames: (ref) => usage.during(() => readNames(parts, ref)),
    checkStore: () => usage.during(() => checkStore(parts)),
  };
}

async function checkStore({ store, permit }: StoreParts): Promise<{ quota: Quota | null }> {
  const context = Context.current();
  try {
    const check = () => store.checkToken({ permit: untilCancelled(permit), probe: 'resume' });
    return { quota: await withHeartbeats(check) };
  } catch (error) {
    if (context.cancellationDetails?.cancelRequested) throw context.cancellationSignal.reason;
    throw checkFailure(error);
  }
}
