import { backUpAllRead } from '../jobs/backup.ts';
import { jobKeys } from '../jobs/keys.ts';
import { jobCommand } from './command.ts';
import { BadUse } from './exit.ts';
import { jobRefOf, whyMissing } from './job-files.ts';
import type { Session } from './session.ts';
import { undoSource } from './source.ts';
import { fromJobOptions, type StartFlags, startFromJob } from './start.ts';
import { type JobInfo, statusOf } from './status.ts';
import { printAside } from './terminal.ts';
import { notInBackupText } from './words.ts';

/** `undo JOB`: starts a job that restores from its backup what an ended one changed. */
export const addUndo = jobCommand<StartFlags>(
  'undo',
  'start a job that restores what an ended one changed, if that was started with --backup',
  (command) => startFromJob(command, async () => undoSource(command.id, await backupOf(command.session, command.job))),
  { needs: 'ended', options: fromJobOptions('-undo') },
);

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
  const { backup, notInBackup } = await backUpAllRead(await session.openJobStore(), keys);
  if (notInBackup > 0) printAside(notInBackupText(notInBackup));
  return backup ?? undefined;
}

function whyNone({ options }: JobInfo): string {
  if (options?.backup !== true) return 'it was started without --backup, so nobody knows the earlier values';
  return 'it ended before it had read the earlier values, or its files were purged';
}
