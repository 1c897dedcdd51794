/** Commands that start a job from an ended one: retry and undo. */
import { Option } from 'commander';
import { backUpAllRead } from '../jobs/backup.ts';
import { jobKeys } from '../jobs/keys.ts';
import { type JobCommand, jobCommand, JSON_LINES } from './command.ts';
import { BadUse } from './exit.ts';
import { jobRefOf, whyMissing } from './job-files.ts';
import { storeOfJob } from './names.ts';
import { MATCH, RUNNING_ONLY } from './options.ts';
import type { Session } from './session.ts';
import type { Match } from '../contract/job.ts';
import { retrySource, type StartSource, undoSource } from './source.ts';
import { startAndWatch, type StartFlags, YES } from './start.ts';
import { type JobInfo, statusOf } from './status.ts';
import { printAside } from './terminal.ts';
import { notInBackupText } from './words.ts';

/** The options of a command that starts a job from an ended one; its default name ends in `suffix`. */
const fromJobOptions = (suffix: string): Option[] => [
  new Option('--name <name>', `the new job's name; default: the ended job's name with ${suffix}`),
  ...[...RUNNING_ONLY, YES, JSON_LINES],
];

export const retryCommand = jobCommand<StartFlags & { match?: Match }>(
  'retry',
  'start a job that sends what an ended one left: its failed and unprocessed customers',
  // What was not sent yet is named as the source names it.
  (command) => {
    const { match = 'id' } = command.job.options ?? {};
    return startFromJob({ ...command, flags: { match, ...command.flags } }, leftBy);
  },
  { needs: 'ended', parts: [...fromJobOptions('-retry'), MATCH] },
);

export const undoCommand = jobCommand<StartFlags>(
  'undo',
  'start a job that restores what an ended one changed, if that was started with --backup',
  (command) => startFromJob(command, async ({ session, id, job }) => undoSource(id, await backupOf(session, job))),
  { needs: 'ended', parts: fromJobOptions('-undo') },
);

/** Starts a job from the source that `sourceOf` finds for an ended one, and shows it to its end. Throws BadUse. */
async function startFromJob(
  command: JobCommand<StartFlags & { match?: Match }>,
  sourceOf: (command: JobCommand<StartFlags>) => Promise<StartSource>,
): Promise<number> {
  const storeHash = storeOfJob(command.id);
  if (storeHash === undefined) {
    throw new BadUse(`Expected a job whose id names its store, customer-updates/HASH/NAME, got ${command.id}.`);
  }
  return startAndWatch(command.session, storeHash, await sourceOf(command), command);
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

/** The URI of an ended job's backup. Throws BadUse if there is none. */
async function backupOf(session: Session, job: JobInfo): Promise<string> {
  const { id } = job;
  const { progress, trouble } = await statusOf(session, job);
  const { backup = await lateBackup(session, job) } = progress ?? {};
  if (backup === undefined) throw new BadUse(trouble ?? `The job ${id} can't be undone: ${whyNone(job)}.`);
  if (backup === null)
    throw new BadUse(`There is nothing to undo: the job ${id} changed nothing that can be restored.`);
  const why = await whyMissing(session, backup);
  if (why !== undefined) throw new BadUse(`The backup of the job ${id} is gone: ${why}.`);
  return backup;
}

/** Writes the backup for a job that could not do so itself, from what it had read; undefined if that was nothing. */
async function lateBackup(session: Session, job: JobInfo): Promise<string | undefined> {
  if (job.status === 'COMPLETED' || job.status === 'CANCELLED') return undefined;
  const keys = jobKeys(await jobRefOf(session, job));
  const { backup, notInBackup } = await backUpAllRead(await session.openJobStore(), keys, job.options?.limit ?? null);
  if (notInBackup > 0) printAside(notInBackupText(notInBackup));
  return backup ?? undefined;
}

function whyNone({ options }: JobInfo): string {
  if (options?.backup !== true) return 'it was started without --backup, so nobody knows the earlier values';
  return 'it ended before it had read the earlier values, or its files were purged';
}
