import type { WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { WaitingFor } from './contract.ts';

const MESSAGES: Record<string, string> = {
  quota: "The store's request quota is used up; the job goes on when it is renewed.",
  throttle: 'The store throttles (429); the job goes on when it may.',
};

/** What a job's activities on the store's queue wait for, taken from their heartbeats; null where they don't. */
export async function waitingActivity(handle: WorkflowHandle): Promise<WaitingFor | null> {
  const { raw } = await handle.describe();
  for (const { heartbeatDetails } of raw.pendingActivities ?? []) {
    const [payload] = heartbeatDetails?.payloads ?? [];
    const details = payload && defaultPayloadConverter.fromPayload<{ waiting?: Waiting } | null>(payload);
    const message = details?.waiting && MESSAGES[details.waiting.reason];
    if (message)
      return { kind: details.waiting?.reason as WaitingFor['kind'], message, until: details.waiting?.until ?? null };
  }
  return null;
}

interface Waiting {
  reason: string;
  until: string | null;
}
