import { hostname } from 'node:os';
import { Context, type Info } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { LONGEST_CALL_MS } from '../bigcommerce/http.ts';
import { storeTaskQueue, storeWorkflowId } from '../contract/job.ts';
import { describeTaskQueue, firstValue } from '../temporal/internals.ts';

/** What the holder of a lease reports, for whoever takes over if it dies, and for people in the Web UI. */
export interface LeaseDetails {
  slowestCallMs: number;
  /** The process, as Temporal names it elsewhere. */
  worker: string;
  /** Workflow ids of the jobs that it has served in the last minute. */
  jobs: string[];
  /** Calls in flight that the store's pace allows at present. */
  concurrency: number;
}

/** This process, as Temporal's own Workers name it. */
export const processName = (): string => `${process.pid}@${hostname()}`;

/** Identity of a Worker that polls a store's queue, `process/run/attempt`: it shows later holders whose it was. */
export function holderIdentity({ workflowExecution, attempt }: Info): string {
  return `${processName()}/${workflowExecution?.runId}/${attempt}`;
}

/**
 * How long, in ms, calls of an earlier holder that did not hand over may still be running at the store: as long as its
 * slowest recent call, if its last heartbeat said. An attempt follows an earlier one of its own run once that one's
 * lease has run out. If a run was terminated or reset, its holder learns of that only at its next renewal, so its lease
 * counts as well.
 */
export async function earlierCallsMs(client: Client, storeHash: string): Promise<number> {
  const { attempt, heartbeatDetails, heartbeatTimeoutMs = 0 } = Context.current().info;
  const slowest = (heartbeatDetails as LeaseDetails | undefined)?.slowestCallMs;
  if (slowest !== undefined) return Math.min(slowest, LONGEST_CALL_MS);
  const cutShort = await cutShortCallsMs(client, storeHash);
  if (cutShort === undefined && attempt === 1) return 0;
  return Math.max(heartbeatTimeoutMs, Math.min(cutShort ?? 0, LONGEST_CALL_MS));
}

/**
 * The slowest call reported by a recent holder whose `serveStore` run ended while it still held the lease; undefined if
 * there is none. The server keeps what was pending when a run was terminated.
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
