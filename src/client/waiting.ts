import type { WorkflowHandle } from '@temporalio/client';
import {
  decodeFromPayloadsAtIndex,
  decodeOptionalFailureToOptionalError,
} from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { WaitingFor } from '../contract/job.ts';

const MESSAGES = {
  quota: "The store's request quota is used up; the job goes on when it is renewed.",
  throttle: 'The store throttles (429); the job goes on when it may.',
};

/** The SDK's type of the failure of an attempt that its worker's stop has ended. */
const WORKER_STOPPED = 'WorkerShutdown';

/** What updateChunk says in its heartbeats while it waits for the store's pace. */
interface Details {
  waiting?: { reason: string; until: string | null };
}

/**
 * What a job's activities wait for; null where they don't. One that waits for the pace says so in its heartbeat, one that
 * was throttled waits at the server for its next attempt. Any other that failed is tried until it succeeds, such as on a
 * full disk; of chunks the workflow knows itself when that is an outage.
 */
export async function waitingActivity(handle: WorkflowHandle): Promise<WaitingFor | null> {
  const { raw } = await handle.describe();
  const converter = handle.client.options.loadedDataConverter;
  const now = Date.now();
  for (const { activityType, heartbeatDetails, lastFailure, scheduledTime } of raw.pendingActivities ?? []) {
    const details = await decodeFromPayloadsAtIndex<Details | null | undefined>(
      converter,
      0,
      heartbeatDetails?.payloads,
    );
    const waiting = details?.waiting;
    if (waiting && (waiting.reason === 'quota' || waiting.reason === 'throttle')) {
      const { reason: kind, until } = waiting;
      if (until === null || Date.parse(until) > now) return { kind, message: MESSAGES[kind], until };
    }
    // What an attempt said itself: one whose worker died or stopped is taken up by the next, and there is nothing to tell.
    const type = lastFailure?.applicationFailureInfo?.type;
    if (type === undefined || type === WORKER_STOPPED) continue;
    const nextAt = Number(scheduledTime?.seconds ?? 0) * 1000;
    const until = nextAt > now ? new Date(nextAt).toISOString() : null;
    if (type === 'Throttled' && until) return { kind: 'throttle', message: MESSAGES.throttle, until };
    if (type !== 'Throttled' && activityType?.name !== 'updateChunk') {
      const failure = await decodeOptionalFailureToOptionalError(converter, lastFailure);
      return { kind: 'outage', message: failure?.message ?? 'It failed.', until };
    }
  }
  return null;
}
