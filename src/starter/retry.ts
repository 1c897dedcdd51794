import { type JobCommand, jobCommand } from './command.ts';
import { BadUse } from './exit.ts';
import { whyMissing } from './job-files.ts';
import { retrySource, type StartSource } from './source.ts';
import { fromJobOptions, type StartFlags, startFromJob } from './start.ts';
import { statusOf } from './status.ts';

/** `retry JOB`: starts a job that sends the failed and unprocessed customers of an ended one. */
export const addRetry = jobCommand<StartFlags>(
  'retry',
  'start a job that sends what an ended one left: its failed and unprocessed customers',
  (command) => startFromJob(command, () => leftBy(command)),
  { needs: 'ended', options: fromJobOptions('-retry') },
);

/** Throws BadUse if nobody knows what is left, or it is gone. */
async function leftBy({ session, id, job }: JobCommand<StartFlags>): Promise<StartSource> {
  const { progress, trouble } = await statusOf(session, job);
  if (progress === undefined) throw new BadUse(trouble ?? `Nobody knows what the job ${id} left to send again.`);
  const why = progress.retry === null ? undefined : await whyMissing(session, progress.retry);
  if (why !== undefined) {
    throw new BadUse(`What the job ${id} left to send again is gone: ${why}. Start from the original source instead.`);
  }
  return retrySource(job, progress.customers.failed + progress.customers.unprocessed);
}
