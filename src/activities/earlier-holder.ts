import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
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

/** Waits as long as calls of an earlier holder, which did not hand over, may still be running at the store. */
export async function earlierCallsEnd(client: Client, storeHash: string, lost: AbortSignal): Promise<void> {
  const { attempt, heartbeatDetails, heartbeatTimeoutMs = 0 } = Context.current().info;
  let wait = 0;
  if (attempt > 1) wait = (heartbeatDetails as LeaseDetails | undefined)?.slowestCallMs ?? 0;
  // That one learns of its end with its next renewal, or aborts its calls when the lease runs out.
  else if (await wasCutShort(client, storeHash)) wait = heartbeatTimeoutMs;
  await sleep(Math.min(wait, LONGEST_CALL_MS), undefined, { signal: lost });
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
