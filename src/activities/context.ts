import { Context } from '@temporalio/activity';
import type { JobRef } from '../contract/activities.ts';
import { type JobKeys, jobKeys } from '../jobs/keys.ts';

/** Well within the shortest heartbeat timeout, 15 s. */
const HEARTBEAT_MS = 5_000;

/** Tells the server that the activity goes on, for as long as it does, and what the next attempt is to know. */
export async function beating<T>(run: () => Promise<T>, details?: () => unknown): Promise<T> {
  const context = Context.current();
  const heartbeat = setInterval(() => context.heartbeat(details?.()), HEARTBEAT_MS);
  try {
    return await run();
  } finally {
    clearInterval(heartbeat);
  }
}

/** The keys of a job's files, for the run of its workflow that has scheduled this activity. */
export const runKeys = (job: JobRef): JobKeys => jobKeys(job, Context.current().info.workflowExecution?.runId);
