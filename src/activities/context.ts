import { Context } from '@temporalio/activity';
import type { Permit } from '../bigcommerce/store.ts';
import type { JobRef } from '../contract/activities.ts';
import { type JobKeys, jobKeys } from '../jobs/keys.ts';

/** Well within the shortest heartbeat timeout, 15 s. */
const HEARTBEAT_MS = 5_000;

/** Sends heartbeats while `run` runs, with what the next attempt needs to know. */
export async function withHeartbeats<T>(run: () => Promise<T>, details?: () => unknown): Promise<T> {
  const context = Context.current();
  const heartbeat = setInterval(() => context.heartbeat(details?.()), HEARTBEAT_MS);
  try {
    return await run();
  } finally {
    clearInterval(heartbeat);
  }
}

/** The keys of a job's files, for the workflow run that has scheduled this activity. */
export const runKeys = (job: JobRef): JobKeys => jobKeys(job, Context.current().info.workflowExecution?.runId);

/** A permit that a cancel of this activity ends as a handover does: waiting and isolating stop; a call that is out always finishes. */
export function untilCancelled(permit: Permit): Permit {
  return { ...permit, draining: AbortSignal.any([permit.draining, Context.current().cancellationSignal]) };
}
