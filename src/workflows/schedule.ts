/** What is different for a job that a schedule of Temporal's has started. */
import { defineSearchAttributeKey } from '@temporalio/common';
import { log, sleep, workflowInfo } from '@temporalio/workflow';
import type { Job } from './job.ts';
import { show } from './show.ts';

const SCHEDULED_BY = defineSearchAttributeKey('TemporalScheduledById', 'KEYWORD');

/** The id of the schedule, which the server writes down, whoever has made the schedule; undefined if none has started the job. */
export const scheduleId = (): string | undefined => workflowInfo().typedSearchAttributes.get(SCHEDULED_BY);

/** When it looks for a source that is not there, in minutes after the first time. */
const LOOKS_AGAIN = [10, 30];

const MINUTE_MS = 60_000;

/** Waits until it is time to look for a missing source again; false if the job was not scheduled, or has looked often enough. */
export async function waitForSource(job: Job, message: string, looked: number): Promise<boolean> {
  const [last = 0, next] = [0, ...LOOKS_AGAIN].slice(looked - 1);
  if (scheduleId() === undefined || next === undefined) return false;
  const ms = (next - last) * MINUTE_MS;
  log.warn('source missing', { store: job.ref.storeHash, looksAgainInMinutes: next - last });
  job.missing = { message, until: Date.now() + ms };
  show(job);
  await sleep(ms, { summary: 'wait for the source' });
  job.missing = null;
  show(job);
  return true;
}
