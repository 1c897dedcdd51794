import { Context, log } from '@temporalio/activity';
import type { JobRef, JobStore, NamesRef, Spent, StoreActivities } from '../contract/activities.ts';
import type { Permit, Store } from '../bigcommerce/store.ts';
import { checkJobStore } from '../jobs/which-store.ts';
import type { Quota } from '../contract/dry-run.ts';
import type { PageReader } from '../jobs/pages.ts';
import { saveNames } from '../jobs/names-file.ts';
import type { LookUpFiles } from '../jobs/look-ups.ts';
import { untilCancelled, withHeartbeats } from './context.ts';
import { asDefect, Defect } from './defect.ts';
import { callFailure, checkFailure, TRIES } from './failures.ts';
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
  jobStore: JobStore;
}

/** The activities on a store's queue. */
export function createStoreActivities(parts: StoreParts, usage: QueueUsage): StoreActivities {
  const withFiles =
    <R extends { job: JobRef }, T>(run: (parts: StoreParts, ref: R) => Promise<T>) =>
    (ref: R): Promise<T> =>
      usage.during(async () => {
        mustHaveFiles(parts, ref.job);
        return run(parts, ref).catch((thrown: unknown) => {
          const error = asDefect(thrown);
          if (!(error instanceof Defect)) throw thrown;
          const { attempt } = Context.current().info;
          throw callFailure(error, attempt, { ...spentBefore(parts), attempts: attempt, unanswered: attempt });
        });
      });
  return {
    updateChunk: withFiles(updateChunk),
    lookUpPage: withFiles(lookUpPage),
    readNames: withFiles(readNames),
    checkStore: () => usage.during(() => checkStore(parts)),
  };
}

/** The job waits, and asks again, while another process serves the store that does not have its files. */
function mustHaveFiles(parts: StoreParts, job: JobRef): void {
  try {
    checkJobStore(parts.jobStore, job);
  } catch (error) {
    log.warn('job not in this job store', { store: job.storeHash, why: (error as Error).message });
    throw callFailure(error, TRIES, spentBefore(parts));
  }
}

/** What earlier attempts have done, perhaps in another process. Of a chunk it names nobody. */
function spentBefore({ store }: StoreParts): Spent {
  const { attempt, heartbeatDetails } = Context.current().info;
  // `ended` are those that could say so.
  const { calls, ended } = { calls: 0, ended: 0, ...heartbeatDetails };
  const attempts = attempt - 1;
  const outcome = { calls, reads: 0, throttled: 0, attempts, unanswered: 0, updated: 0, failures: [] };
  return { ...outcome, ...(ended < attempts && { uncounted: true }), concurrency: store.concurrency() };
}

/** Asks the store for its names, and keeps them for prepareJob. */
const readNames = (parts: StoreParts, ref: NamesRef): Promise<Spent> =>
  reading(parts, ref, async (calling) => {
    const { storage, store } = parts;
    const names = {
      ...(ref.kinds.includes('groups') && { groups: await store.readGroups(calling) }),
      ...(ref.kinds.includes('attributes') && { attributes: await store.readAttributes(calling) }),
    };
    await saveNames(storage, ref.job, names);
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
    throw checkFailure(error, context.info.attempt);
  }
}
