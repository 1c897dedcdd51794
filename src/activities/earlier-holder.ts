import { hostname } from 'node:os';
import { Context, type Info } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { storeTaskQueue, storeWorkflowId } from '../contract.ts';

/** What the holder of a lease tells whoever takes over after it died. */
export interface LeaseDetails {
  slowestCallMs: number;
}

/** A call's own timeout: no earlier call runs longer. */
const LONGEST_CALL_MS = 75_000;

/** temporal.api.enums.v1.TaskQueueType. */
const TASK_QUEUE_TYPE_ACTIVITY = 2;

/** Name of a Worker that polls a store's queue, from which later holders learn whose it was: `process/run/attempt`. */
export function holderIdentity({ workflowExecution, attempt }: Info): string {
  return `${process.pid}@${hostname()}/${workflowExecution?.runId}/${attempt}`;
}

/**
 * How long calls of an earlier holder, which did not hand over, may still be running at the store, in ms: as long as its
 * slowest recent call, where its last heartbeat told. Otherwise it learns of its end with its next renewal, or aborts its
 * calls when the lease runs out.
 */
export async function earlierCallsMs(client: Client, storeHash: string): Promise<number> {
  const { attempt, heartbeatDetails, heartbeatTimeoutMs = 0 } = Context.current().info;
  const told = (heartbeatDetails as LeaseDetails | undefined)?.slowestCallMs;
  if (told !== undefined) return Math.min(told, LONGEST_CALL_MS);
  return attempt > 1 || (await wasCutShort(client, storeHash)) ? heartbeatTimeoutMs : 0;
}

/** Whether an earlier run of serveStore, a holder of which polled the queue lately, ended without its lease's end. */
async function wasCutShort(client: Client, storeHash: string): Promise<boolean> {
  const { workflowExecution } = Context.current().info;
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: storeTaskQueue(storeHash) },
    taskQueueType: TASK_QUEUE_TYPE_ACTIVITY,
  });
  const runs = new Set(pollers?.map(({ identity }) => identity?.split('/')[1]));
  runs.delete(workflowExecution?.runId);
  for (const run of runs) {
    const handle = client.workflow.getHandle(storeWorkflowId(storeHash), run);
    const ended = await handle.describe().then(
      ({ status }) => status.name === 'COMPLETED' || status.name === 'CONTINUED_AS_NEW',
      () => false,
    );
    if (!ended) return true;
  }
  return false;
}
