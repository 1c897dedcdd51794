import { Option } from 'commander';
import type { JobOptions } from '../contract.ts';
import { BadUse } from './bad-use.ts';
import { begin } from './begin.ts';
import { jobCommand } from './job-command.ts';
import { whyMissing } from './job-files.ts';
import { checkJobName, storeOfJob } from './names.ts';
import { againOptions } from './retry.ts';
import { undoSource } from './source.ts';
import { standingOf } from './standing.ts';
import { shellWord, STARTER } from './words.ts';

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
    const { progress, trouble } = await standingOf(session, job);
    if (progress === undefined) throw new BadUse(trouble ?? `Nobody knows what the job ${id} has changed.`);
    const { backup } = progress;
    if (backup === undefined) throw new BadUse(`The job ${id} can't be undone: ${whyNone(job)}.`);
    if (backup === null)
      throw new BadUse(`There is nothing to undo: the job ${id} changed nothing that can be put back.`);
    const why = await whyMissing(backup, config.jobStore);
    if (why !== undefined) throw new BadUse(`The backup of the job ${id} is not there any more: ${why}.`);
    const source = undoSource(id, backup);
    const jobName = checkJobName(name ?? source.jobName);
    return begin(session, { storeHash, jobName, source, options, yes, json }, config, interrupt);
  },
  {
    options: [new Option('--name <name>', "name of the job; default: the ended job's with -undo"), ...againOptions()],
  },
);

function whyNone({ status, options }: { status: string; options: JobOptions | undefined }): string {
  if (options?.backup !== true) return 'it was started without --backup, so nobody knows what was there before';
  return status === 'TERMINATED' ? 'it was terminated before it could write its backup' : 'it left no backup';
}
