import { Option } from 'commander';
import type { JobOptions } from '../contract.ts';
import { backUpAllRead } from '../jobs/backup.ts';
import { jobKeys } from '../jobs/keys.ts';
import { BadUse } from './bad-use.ts';
import { begin } from './begin.ts';
import { printAside } from './command.ts';
import { jobCommand } from './job-command.ts';
import { jobRefOf, whyMissing } from './job-files.ts';
import type { FoundJob } from './jobs.ts';
import { checkJobName, storeOfJob } from './names.ts';
import { againOptions } from './retry.ts';
import { undoSource } from './source.ts';
import type { Session } from './session.ts';
import { standingOf } from './standing.ts';
import { openJobStore } from './source-file.ts';
import { notInBackupText, shellWord, STARTER } from './words.ts';

interface Flags extends JobOptions {
  store?: string;
  name?: string;
  yes?: boolean;
  json?: boolean;
}

/** `undo JOB`: starts a job that puts back what an ended one changed, from its backup. */
export const addUndo = jobCommand<Flags>(
  'undo',
  'put back what an ended job has changed, which was started with --backup',
  async ({ session, id, job, flags, config, interrupt }) => {
    const { store: _, name, yes = false, json = false, ...options } = flags;
    if (job.status === 'RUNNING') {
      throw new BadUse(
        `The job ${id} has not ended: its backup is written then. Wait for its end, or cancel it: ${STARTER} cancel ${shellWord(id)}`,
      );
    }
    const storeHash = storeOfJob(id);
    if (storeHash === undefined) {
      throw new BadUse(`Expected the id of a job that names its store, customer-updates/HASH/NAME, got ${id}.`);
    }
    const backup = await backupOf(session, job, config.jobStore);
    const source = undoSource(id, backup);
    const jobName = checkJobName(name ?? source.jobName);
    return begin(session, { storeHash, jobName, source, options, yes, json }, config, interrupt);
  },
  {
    options: [new Option('--name <name>', "name of the job; default: the ended job's with -undo"), ...againOptions()],
  },
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
