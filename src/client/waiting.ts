import type { WorkflowHandle } from '@temporalio/client';
import { STORE_WAITS } from '../contract/describe.ts';
import type { WaitingFor } from '../contract/job.ts';
import { firstValue, lastError } from '../temporal/internals.ts';

/** The SDK's failure type for an attempt that ended because its worker stopped. */
const WORKER_STOPPED = 'WorkerShutdown';

/** What updateChunk says in its heartbeats while the store's pace makes it wait. */
interface Details {
  waiting?: { reason: string; until: string | null };
}

/**
 * What a job's activities are waiting for; null if nothing. One that waits for the pace says so in its heartbeat; one
 * that was throttled waits at the server for its next attempt. Any other that failed, on a full disk for example, is
 * retried until it succeeds; the workflow itself knows when failing chunks mean an outage.
 */
export async function waitingActivity(handle: WorkflowHandle): Promise<WaitingFor | null> {
  const { raw } = await handle.describe();
  const now = Date.now();
  for (const activity of raw.pendingActivities ?? []) {
    const { activityType, heartbeatDetails, lastFailure, scheduledTime } = activity;
    const waiting = (await firstValue<Details>(handle.client, heartbeatDetails?.payloads))?.waiting;
    if (waiting && (waiting.reason === 'quota' || waiting.reason === 'throttle')) {
      const { reason: kind, until } = waiting;
      if (until === null || Date.parse(until) > now) return { kind, message: STORE_WAITS[kind], until };
    }
    // Only what an attempt itself reported: if its worker died or stopped, the next one takes over and all is well.
    const type = lastFailure?.applicationFailureInfo?.type;
    if (type === undefined || type === WORKER_STOPPED) continue;
    const nextAt = Number(scheduledTime?.seconds ?? 0) * 1000;
    const until = nextAt > now ? new Date(nextAt).toISOString() : null;
    if (type === 'Throttled' && until) return { kind: 'throttle', message: STORE_WAITS.throttle, until };
    if (type !== 'Throttled' && activityType?.name !== 'updateChunk') {
      const failure = await lastError(handle.client, activity);
      return { kind: 'outage', message: failure?.message ?? 'It failed.', until };
    }
  }
  return null;
}
