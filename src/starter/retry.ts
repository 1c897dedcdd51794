/** `retry JOB`, and what it has in common with undo: both start a job from an ended one. */
import { Option } from 'commander';
import { type JobCommand, jobCommand, JSON_LINES } from './command.ts';
import { BadUse } from './exit.ts';
import { optionsOf, whyMissing } from './job-files.ts';
import { storeOfJob } from './names.ts';
import { inherited, RUNNING_ONLY } from './options.ts';
import { retrySource, type StartSource } from './source.ts';
import { startAndWatch, type StartFlags, YES } from './start.ts';
import { statusOf } from './status.ts';

/** The options of a command that starts a job from an ended one; its default name ends in `suffix`. */
export const fromJobOptions = (suffix: string): Option[] => [
  new Option('--name <name>', `the new job's name; default: the ended job's name with ${suffix}`),
  ...[...RUNNING_ONLY, YES, JSON_LINES],
];

export const retryCommand = jobCommand<StartFlags>(
  'retry',
  'start a job, with the same options, that sends what an ended one left: its failed and unprocessed customers',
  retry,
  { needs: 'ended', parts: fromJobOptions('-retry') },
);

/** Runs as the ended job did, unless other options are typed, and shows the new job to its end. Throws BadUse. */
async function retry(command: JobCommand<StartFlags>): Promise<number> {
  const { session, id, job, flags } = command;
  const storeHash = storeOf(id);
  const source = await leftBy(command);
  return startAndWatch(session, storeHash, source, {
    ...command,
    flags: { ...inherited(await optionsOf(session, job)), ...flags },
  });
}

/** The store that a job's id names. Throws BadUse if it names none. */
export function storeOf(id: string): string {
  const storeHash = storeOfJob(id);
  if (storeHash !== undefined) return storeHash;
  throw new BadUse(`Expected a job whose id names its store, customer-updates/HASH/NAME, got ${id}.`);
}

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
