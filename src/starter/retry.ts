import { type AgainFlags, againOptions, beginAgain } from './start.ts';
import { BadUse } from './errors.ts';
import { type JobCommand, jobCommand } from './command.ts';
import { whyMissing } from './jobs.ts';
import { retrySource, type StartSource } from './source.ts';
import { standingOf } from './standing.ts';

/** `retry JOB`: starts a job that sends what an ended one has left, its failed and unprocessed customers. */
export const addRetry = jobCommand<AgainFlags>(
  'retry',
  'send what an ended job has left: its failed and unprocessed customers',
  async (command) => {
    const { id, job } = command;
    if (job.status === 'RUNNING') throw new BadUse(`The job ${id} has not ended. Wait for its end, or cancel it.`);
    return beginAgain(command, () => leftBy(command));
  },
  { options: againOptions('-retry') },
);

/** Throws BadUse where nobody knows it, or it is gone. */
async function leftBy({ session, id, job, config }: JobCommand<AgainFlags>): Promise<StartSource> {
  const { progress, trouble } = await standingOf(session, job);
  if (progress === undefined) throw new BadUse(trouble ?? `Nobody knows what the job ${id} has left.`);
  const why = progress.retry === null ? undefined : await whyMissing(progress.retry, config.jobStore);
  if (why !== undefined) {
    throw new BadUse(`What the job ${id} has left to send again is not there any more: ${why}. Start from its source.`);
  }
  return retrySource(job, progress.customers.failed + progress.customers.unprocessed);
}
