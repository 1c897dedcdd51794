import { Option } from 'commander';
import { purgeJob } from '../jobs/close.ts';
import type { Storage } from '../storage/storage.ts';
import { ask, canAsk, print } from './terminal.ts';
import { BadUse } from './errors.ts';
import { jobCommand } from './command.ts';
import { EXIT } from './exit.ts';
import { type FoundJob, jobRefOf, missing } from './jobs.ts';
import { openJobStore, type Session } from './session.ts';
import { grouped, shellWord, STARTER } from './words.ts';

/** `purge JOB`: deletes an ended job's files, of all jobs that had its id. */
export const addPurge = jobCommand<{ yes?: boolean }>(
  'purge',
  "delete an ended job's files from the job store: report, failures, backup, and what is to be sent again",
  async ({ session, id, job, flags, config, interrupt }) => {
    if (job.status === 'RUNNING') {
      throw new BadUse(
        `The job ${id} has not ended. Wait for its end, or cancel it: ${STARTER} cancel ${shellWord(id)}`,
      );
    }
    const storage = await openJobStore(config.jobStore);
    if (!flags.yes) await askFirst(id, storage, interrupt.signal);
    interrupt.farewell = 'Some files may be left. Purge the job again to delete them.';
    let deleted = 0;
    for (const ended of await allUnder(session, job)) {
      deleted += await purgeJob(storage, await jobRefOf(session, ended), ended.id, ended.source);
    }
    print(
      deleted > 0
        ? `${grouped(deleted)} file${deleted === 1 ? '' : 's'} deleted from ${storage.root}.`
        : `There was nothing to delete: ${missing(storage)}, or the job ended without any.`,
    );
    return EXIT.allUpdated;
  },
  { options: [new Option('--yes', 'do not ask first')] },
);

async function askFirst(id: string, { root }: Storage, signal: AbortSignal): Promise<void> {
  if (!canAsk()) throw new BadUse('Nothing was deleted: without a terminal to ask on, say --yes.');
  const question = `Delete the files of the job ${id} from ${root}? Its report, its backup and what it has left to send again are gone then.`;
  if (!(await ask(question, signal))) throw new BadUse('Nothing was deleted.');
}

/** The job, and those before it under the same id, such as its dry run: whatever of them the server still knows. */
async function allUnder(
  { client, call }: Session,
  job: FoundJob,
): Promise<Pick<FoundJob, 'id' | 'runId' | 'source'>[]> {
  const { id } = job;
  const query = `WorkflowId = '${id.replace(/['\\]/g, String.raw`\$&`)}' AND ExecutionStatus != 'ContinuedAsNew'`;
  const earlier: Pick<FoundJob, 'id' | 'runId' | 'source'>[] = [];
  await call(async () => {
    for await (const { runId, memo, status } of client.workflow.list({ query })) {
      if (runId === job.runId || status.name === 'RUNNING') continue;
      earlier.push({ id, runId, source: memo?.['source'] as string | undefined });
    }
  });
  return [job, ...earlier];
}
