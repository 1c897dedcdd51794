import { Context, log } from '@temporalio/activity';
import type { JobRef, JobStore, StoreActivities } from '../contract/activities.ts';
import type { Permit, Store } from '../bigcommerce/store.ts';
import { checkJobStore } from '../jobs/which-store.ts';
import type { Quota } from '../contract/dry-run.ts';
import type { PageReader } from '../jobs/pages.ts';
import type { PresentReader } from '../jobs/present.ts';
import { compareCustomers } from './compare-customers.ts';
import { untilCancelled, withHeartbeats } from './context.ts';
import { callFailure, checkFailure, requireFiles, TRIES } from './failures.ts';
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
  jobStore: JobStore;
}

/** The activities on a store's queue. */
export function createStoreActivities(parts: StoreParts, usage: QueueUsage): StoreActivities {
  const withFiles =
    <R extends { job: JobRef }, T>(run: (parts: StoreParts, ref: R) => Promise<T>) =>
    (ref: R): Promise<T> =>
      usage.during(async () => {
        mustHaveFiles(parts, ref.job);
        return run(parts, ref);
      });
  return {
    updateChunk: withFiles(updateChunk),
    compareCustomers: (ref) =>
      usage.during(async () => {
        // A dry run does not hold: its activity is tried again.
        requireFiles(parts.jobStore, ref.job);
        return compareCustomers(parts, ref);
      }),
    readNames: withFiles(readNames),
    checkStore: () => usage.during(() => checkStore(parts)),
  };
}

/** The job waits, and asks again, while another process serves the store that does not have its files. */
function mustHaveFiles({ jobStore, store }: StoreParts, job: JobRef): void {
  try {
    checkJobStore(jobStore, job);
  } catch (error) {
    const attempts = Context.current().info.attempt - 1;
    const nothing = { updated: 0, failures: [], calls: 0, throttled: 0, attempts, unanswered: 0 };
    log.warn('chunk not in this job store', { store: job.storeHash, why: (error as Error).message });
    throw callFailure(error, TRIES, { ...nothing, concurrency: store.concurrency() });
  }
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
