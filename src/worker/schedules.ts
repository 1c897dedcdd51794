import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';

/** How often a worker looks. Each look is a request for each schedule. */
const INTERVAL_MS = 5 * 60_000;

/** How the ids of schedules begin, as those of jobs do. */
const PREFIX = 'customer-updates/';

/** How often a schedule has started a run, and how often not although one was due. */
export interface ScheduleCounts {
  started: number;
  skipped: number;
}

/**
 * Passes on what the namespace's schedules have started and skipped, now and every five minutes until `signal`: a run that
 * is not started can't count itself. What fails is said by `warn`, and tried again.
 */
export async function watchSchedules(
  { schedule, options: { namespace } }: Client,
  {
    count,
    warn,
    signal,
  }: { count(id: string, counts: ScheduleCounts): void; warn(message: string): void; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const { scheduleId } of schedule.list()) {
        if (!scheduleId.startsWith(PREFIX)) continue;
        const { info } = await schedule.getHandle(scheduleId).describe();
        const { numActionsTaken: started, numActionsSkippedOverlap, numActionsMissedCatchupWindow } = info;
        count(scheduleId, { started, skipped: numActionsSkippedOverlap + numActionsMissedCatchupWindow });
      }
    } catch (error) {
      if (!signal.aborted)
        warn(`the schedules of the namespace ${namespace} can't be counted: ${(error as Error).message}`);
    }
    await sleep(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
}
