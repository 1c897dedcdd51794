import type { WorkflowHandle } from '@temporalio/client';
import type { WaitingFor } from '../contract/job.ts';
import { firstValue, lastError } from '../temporal/internals.ts';

const MESSAGES = {
  quota: "The store's request quota is used up; the job goes on when it is renewed.",
  throttle: 'The store throttles (429); the job goes on when it may.',
};

/** Activities of which the workflow knows itself when they are not answered. */
const CHUNKS = ['updateChunk', 'readAndUpdateChunk'];

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
  const now = Date.now();
  for (const activity of raw.pendingActivities ?? []) {
    const { activityType, heartbeatDetails, lastFailure, scheduledTime } = activity;
    const waiting = (await firstValue<Details>(handle.client, heartbeatDetails?.payloads))?.waiting;
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
    if (type !== 'Throttled' && !CHUNKS.includes(activityType?.name ?? '')) {
      const failure = await lastError(handle.client, activity);
      return { kind: 'outage', message: failure?.message ?? 'It failed.', until };
    }
  }
  return null;
}
