import type { WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { WaitingFor } from './contract.ts';

const MESSAGES = {
  quota: "The store's request quota is used up; the job goes on when it is renewed.",
  throttle: 'The store throttles (429); the job goes on when it may.',
};

/** What updateChunk says in its heartbeats while it waits for the store's pace. */
interface Details {
  waiting?: { reason: string; until: string | null };
}

/**
 * What a job's activities on the store's queue wait for; null where they don't. One that waits for the pace says so in
 * its heartbeat, one that was throttled waits at the server for its next attempt.
 */
export async function waitingActivity(handle: WorkflowHandle): Promise<WaitingFor | null> {
  const { raw } = await handle.describe();
  const now = Date.now();
  for (const { heartbeatDetails, lastFailure, scheduledTime } of raw.pendingActivities ?? []) {
    const [payload] = heartbeatDetails?.payloads ?? [];
    const waiting = payload && defaultPayloadConverter.fromPayload<Details | null>(payload)?.waiting;
    if (waiting && (waiting.reason === 'quota' || waiting.reason === 'throttle')) {
      const { reason: kind, until } = waiting;
      if (until === null || Date.parse(until) > now) return { kind, message: MESSAGES[kind], until };
    }
    const nextAt = Number(scheduledTime?.seconds ?? 0) * 1000;
    if (lastFailure?.applicationFailureInfo?.type === 'Throttled' && nextAt > now) {
      return { kind: 'throttle', message: MESSAGES.throttle, until: new Date(nextAt).toISOString() };
    }
  }
  return null;
}
