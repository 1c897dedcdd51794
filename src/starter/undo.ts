import { backUpAllRead } from '../jobs/backup.ts';
import { jobKeys } from '../jobs/keys.ts';
import { type AgainFlags, againOptions, beginAgain } from './start.ts';
import { BadUse } from './errors.ts';
import { jobCommand } from './command.ts';
import { type FoundJob, jobRefOf, whyMissing } from './jobs.ts';
import { openJobStore, type Session } from './session.ts';
import { undoSource } from './source.ts';
import { standingOf } from './standing.ts';
import { notInBackupText, shellWord, STARTER } from './words.ts';
import { printAside } from './terminal.ts';

/** `undo JOB`: starts a job that puts back what an ended one changed, from its backup. */
export const addUndo = jobCommand<AgainFlags>(
  'undo',
  'put back what an ended job has changed, which was started with --backup',
  async (command) => {
    const { session, id, job, config } = command;
    if (job.status === 'RUNNING') {
      throw new BadUse(
        `The job ${id} has not ended: its backup is written then. Wait for its end, or cancel it: ${STARTER} cancel ${shellWord(id)}`,
      );
    }
    return beginAgain(command, async () => undoSource(id, await backupOf(session, job, config.jobStore)));
  },
  { options: againOptions('-undo') },
);

/** Where an ended job's backup is. Throws BadUse where there is none. */
async function backupOf(session: Session, job: FoundJob, jobStore: string): Promise<string> {
  const { id } = job;
  const { progress, trouble } = await standingOf(session, job);
  const { backup = await written(session, job, jobStore) } = progress ?? {};
  if (backup === undefined) throw new BadUse(trouble ?? `The job ${id} can't be undone: ${whyNone(job)}.`);
  if (backup === null) {
    throw new BadUse(`There is nothing to undo: the job ${id} changed nothing that can be put back.`);
  }
  const why = await whyMissing(backup, jobStore);
  if (why !== undefined) throw new BadUse(`The backup of the job ${id} is not there any more: ${why}.`);
  return backup;
}

/** The backup of a job that could not write it itself, made of what it had read; undefined where it had read nothing. */
async function written(session: Session, job: FoundJob, jobStore: string): Promise<string | undefined> {
  if (job.status === 'COMPLETED' || job.status === 'CANCELLED') return undefined;
  const { backup, notInBackup } = await backUpAllRead(
    await openJobStore(jobStore),
    jobKeys(await jobRefOf(session, job)),
  );
  if (notInBackup > 0) printAside(notInBackupText(notInBackup).trim());
  return backup ?? undefined;
}

function whyNone({ options }: FoundJob): string {
  if (options?.backup !== true) return 'it was started without --backup, so nobody knows what was there before';
  return 'it ended before it had read what was there, or its files were purged';
}
