import { Context } from '@temporalio/activity';
import type { Wait } from '../bigcommerce/store.ts';
import type { NamesRef } from '../contract/activities.ts';
import { saveGroups } from '../jobs/groups-file.ts';
import { jobKeys } from '../jobs/keys.ts';
import { untilCancelled, withHeartbeats } from './context.ts';
import { callFailure, isUnanswered } from './failures.ts';
import type { StoreParts } from './store-activities.ts';

/** What an attempt leaves to the next one. */
interface NamesProgress {
  /** Attempts that got no answer. */
  unanswered: number;
  /** What it is waiting for, for people to read. */
  waiting?: Wait | undefined;
}

/** Asks the store for its groups and keeps them for prepareJob; returns how many there are. */
export async function readNames({ store, permit, storage }: StoreParts, { job, probe }: NamesRef) {
  const context = Context.current();
  const progress: NamesProgress = { unanswered: 0, ...context.info.heartbeatDetails };
  const calling = {
    permit: untilCancelled(permit),
    probe,
    onWait(waiting: Wait) {
      progress.waiting = waiting;
      context.heartbeat(progress);
    },
  };
  try {
    return await withHeartbeats(
      async () => {
        const groups = await store.readGroups(calling);
        await saveGroups(storage, jobKeys(job), groups);
        return { groups: groups.length };
      },
      () => progress,
    );
  } catch (error) {
    if (context.cancellationDetails?.cancelRequested) throw context.cancellationSignal.reason;
    if (isUnanswered(error)) progress.unanswered++;
    progress.waiting = undefined;
    context.heartbeat(progress);
    throw callFailure(error, progress.unanswered);
  }
}
