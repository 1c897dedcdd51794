/** What tests of jobs wait for and expect. */
import type { WorkflowHandle } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { FORMAT, type PreparedJob } from '../../src/contract/activities.ts';
import { progressQuery, type JobResult } from '../../src/contract/job.ts';
import { encodeRuns } from '../../src/contract/outcomes.ts';
import type { System } from './system.ts';
import { until } from './until.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/** Resolves once this many chunks of a job are done. */
export function untilDone(job: WorkflowHandle, chunks: number): Promise<void> {
  return until(async () => (await job.query(progressQuery)).chunks.done >= chunks);
}

/** Everything that Temporal keeps of a workflow, as text. */
export async function historyText({ client }: System, workflowId: string): Promise<string> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const text = JSON.stringify(events);
  const payloads = [...text.matchAll(/"data":"([^"]+)"/g)].map(([, data = '']) =>
    Buffer.from(data, 'base64').toString(),
  );
  return [text, ...payloads].join('\n');
}

/** The failure of the last attempt, if an activity waits for its next one; else empty. */
export async function lastFailure(job: WorkflowHandle): Promise<string> {
  return (await job.describe()).raw.pendingActivities?.[0]?.lastFailure?.message ?? '';
}

export function expectCountsToAddUp({ customers: { total, ...counts } }: JobResult): void {
  expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(total);
}

// An event came while a run was ending: the server has it see that first, and runs the task again.
const EVENT_CAME = new Set<unknown>([1, 'WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND']);

/** No workflow task failed in these events, of one run or of several. */
export function expectNoFailedTask(events: readonly HistoryEvent[] | null | undefined): void {
  const failed = events?.flatMap(({ workflowTaskFailedEventAttributes: task }) => (task ? [task] : []));
  expect(failed?.filter(({ cause }) => !EVENT_CAME.has(cause))).toEqual([]);
}

/** The first promise: no store ever had more than three requests in flight. */
export async function expectThreeAtMost(system: System): Promise<void> {
  const stats = await system.control<Record<string, { maxInFlight: number }>>('stats');
  const most = Object.values(stats).map(({ maxInFlight }) => maxInFlight);
  expect(Math.max(...most)).toBeLessThanOrEqual(3);
}

/** What prepareJob returns for a source of so many full chunks, all of whose rows are valid. */
export const prepared = (chunks: number): PreparedJob => ({
  format: FORMAT,
  set: 0,
  jobStore: { id: 'a', at: 'file:///data' },
  searchAttributes: false,
  notes: [],
  total: chunks * 10,
  invalid: 0,
  valid: chunks * 10,
  chunks,
  chunksToSend: chunks,
  lastSentSize: 10,
  lastSize: 10,
  gaps: encodeRuns(Array<number>(chunks * 2).fill(0)),
  failures: [],
  olderIn: null,
});
