import { hostname } from 'node:os';
import { Context, type Info } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { LONGEST_CALL_MS } from '../bigcommerce/http.ts';
import { storeTaskQueue, storeWorkflowId } from '../contract/job.ts';
import { describeTaskQueue, firstValue } from '../temporal/internals.ts';

/** What the holder of a lease tells: whoever takes over after it died, and, in the Web UI, whoever wants to know. */
export interface LeaseDetails {
  slowestCallMs: number;
  /** The process, as Temporal names it elsewhere. */
  worker: string;
  /** Workflow ids of the jobs that it served in the last minute. */
  jobs: string[];
  /** Calls at once that the store's pace allows at present. */
  concurrency: number;
}

/** This process, as Temporal's own Workers name it. */
export const processName = (): string => `${process.pid}@${hostname()}`;

/** Name of a Worker that polls a store's queue, from which later holders learn whose it was: `process/run/attempt`. */
export function holderIdentity({ workflowExecution, attempt }: Info): string {
  return `${processName()}/${workflowExecution?.runId}/${attempt}`;
}

/**
 * How long calls of an earlier holder, which did not hand over, may still be running at the store, in ms: as long as its
 * slowest recent call, where its last heartbeat told. An attempt follows one of its own run when that one's lease has run
 * out. A holder of a run that was terminated or reset learns of that with its next renewal only, so its lease counts too.
 */
export async function earlierCallsMs(client: Client, storeHash: string): Promise<number> {
  const { attempt, heartbeatDetails, heartbeatTimeoutMs = 0 } = Context.current().info;
  const told = (heartbeatDetails as LeaseDetails | undefined)?.slowestCallMs;
  if (told !== undefined) return Math.min(told, LONGEST_CALL_MS);
  const cutShort = await cutShortCallsMs(client, storeHash);
  if (cutShort === undefined && attempt === 1) return 0;
  return Math.max(heartbeatTimeoutMs, Math.min(cutShort ?? 0, LONGEST_CALL_MS));
}

/**
 * The slowest call told of by holders that polled the queue lately, of earlier runs of serveStore that ended without
 * their lease's end; undefined where there is none. The server keeps what was pending when a run was terminated.
 */
async function cutShortCallsMs(client: Client, storeHash: string): Promise<number | undefined> {
  const { workflowExecution } = Context.current().info;
  const { pollers } = await describeTaskQueue(client, storeTaskQueue(storeHash), 'ACTIVITY');
  const runs = new Set(pollers?.map(({ identity }) => identity?.split('/')[1]));
  runs.delete(workflowExecution?.runId);
  let slowest: number | undefined;
  for (const run of runs) {
    const handle = client.workflow.getHandle(storeWorkflowId(storeHash), run);
    const described = await handle.describe().catch(() => undefined);
    if (described?.status.name === 'COMPLETED' || described?.status.name === 'CONTINUED_AS_NEW') continue;
    const { payloads } = described?.raw.pendingActivities?.[0]?.heartbeatDetails ?? {};
    const details = await firstValue<LeaseDetails>(client, payloads);
    slowest = Math.max(slowest ?? 0, details?.slowestCallMs ?? 0);
  }
  return slowest;
}
