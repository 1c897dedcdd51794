/** What a job costs Temporal and the worker. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { System } from '../test/support/system.ts';

const run = promisify(execFile);

/** The histories of all runs of a job. */
export interface HistoryFigures {
  runs: number;
  events: number;
  bytes: number;
  /** The largest history of any run. */
  mostEvents: number;
  mostBytes: number;
  /** The most payload bytes that a run was started with: the state it carried. */
  mostCarried: number;
  /** Temporal Cloud's billable actions, without heartbeats, which are not in histories. */
  actions: number;
  activities: number;
}

/** Events that count as an action, see https://docs.temporal.io/cloud/actions. */
const ACTIONS = [
  'workflowExecutionStartedEventAttributes',
  'workflowExecutionSignaledEventAttributes',
  'workflowExecutionUpdateAcceptedEventAttributes',
  'activityTaskScheduledEventAttributes',
  'timerStartedEventAttributes',
  'upsertWorkflowSearchAttributesEventAttributes',
  'workflowPropertiesModifiedEventAttributes',
] as const;

/** Reads every history of a job that has ended. */
export async function historyFigures({ client }: System, workflowId: string): Promise<HistoryFigures> {
  const figures = {
    runs: 0,
    events: 0,
    bytes: 0,
    mostEvents: 0,
    mostBytes: 0,
    mostCarried: 0,
    actions: 0,
    activities: 0,
  };
  for (let runId: string | undefined | null; runId !== null;) {
    const handle = client.workflow.getHandle(workflowId, runId);
    const { historyLength, historySize = 0 } = await handle.describe();
    const { events } = await handle.fetchHistory();
    figures.runs++;
    figures.events += historyLength;
    figures.bytes += historySize;
    figures.mostEvents = Math.max(figures.mostEvents, historyLength);
    figures.mostBytes = Math.max(figures.mostBytes, historySize);
    for (const event of events ?? []) {
      if (event.activityTaskScheduledEventAttributes) figures.activities++;
      if (ACTIONS.some((name) => event[name])) figures.actions++;
      // Every attempt after the first counts as well.
      figures.actions += Math.max(0, (event.activityTaskStartedEventAttributes?.attempt ?? 1) - 1);
    }
    const started = events?.[0]?.workflowExecutionStartedEventAttributes;
    const carried = (started?.input?.payloads ?? []).map(({ data }) => data?.length ?? 0);
    figures.mostCarried = Math.max(
      figures.mostCarried,
      carried.reduce((sum, bytes) => sum + bytes, 0),
    );
    runId = started?.continuedExecutionRunId || null;
  }
  return figures;
}

/** Watches a process's resident memory, four times a second. */
export class Memory {
  /** The peak so far, in MiB. */
  peak = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.#timer = setInterval(() => {
      void run('ps', ['-o', 'rss=', '-p', String(pid)]).then(
        ({ stdout }) => (this.peak = Math.max(this.peak, Math.round(Number(stdout) / 1024))),
        () => undefined,
      );
    }, 250);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** The heartbeats that a worker has sent through its Core, including those of leases, from its metrics. */
export async function heartbeats(metricsAddress: string): Promise<number> {
  const metrics = await (await fetch(`http://${metricsAddress}/metrics`)).text();
  return Number(
    /^temporal_request\{[^}]*operation="RecordActivityTaskHeartbeat"[^}]*\} (\d+)/m.exec(metrics)?.[1] ?? 0,
  );
}
