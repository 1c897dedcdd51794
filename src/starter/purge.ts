import { Option } from 'commander';
import { askServer } from '../client/server.ts';
import { purgeJob } from '../jobs/close.ts';
import type { Storage } from '../storage/storage.ts';
import { jobCommand } from './command.ts';
import { BadUse } from './exit.ts';
import { jobRefOf, missing } from './job-files.ts';
import type { Session } from './session.ts';
import type { JobInfo } from './status.ts';
import { ask, canAsk, print } from './terminal.ts';
import { counted } from './words.ts';

/** `purge JOB`: deletes the files of an ended job, and of earlier jobs with its id. */
export const purgeCommand = jobCommand<{ yes?: boolean }>(
  'purge',
  "delete an ended job's files from the job store: report, failures, backup, and what is left to send again",
  async ({ session, id, job, flags, interrupt }) => {
    const storage = await session.openJobStore();
    if (!flags.yes) await askFirst(id, storage, interrupt.signal);
    interrupt.farewell = 'Some files may be left. Purge the job again to delete them.';
    let deleted = 0;
    for (const ended of await allWithIdOf(session, job)) {
      deleted += await purgeJob(storage, await jobRefOf(session, ended), ended.id, ended.source);
    }
    print(
      deleted > 0
        ? `${counted(deleted, 'file')} deleted from ${storage.root}.`
        : `There was nothing to delete: ${missing(storage)}, or the job left none.`,
    );
  },
  { needs: 'ended', parts: [new Option('--yes', 'do not ask first')] },
);

async function askFirst(id: string, { root }: Storage, signal: AbortSignal): Promise<void> {
  if (!canAsk())
    throw new BadUse('Nothing was deleted: there is no terminal to ask on. To delete without asking: --yes');
  const files = 'Its report, its backup, and what it left to send again will be gone.';
  const question = `Delete the files of the job ${id} from ${root}? ${files}`;
  if (!(await ask(question, signal))) throw new BadUse('Nothing was deleted.');
}

type Ended = Pick<JobInfo, 'id' | 'runId' | 'source'>;

/** The job, and earlier ones with the same id, such as its dry run, as far as the server still knows them. */
async function allWithIdOf({ client }: Session, job: JobInfo): Promise<Ended[]> {
  const { id } = job;
  const query = `WorkflowId = '${id.replace(/['\\]/g, String.raw`\$&`)}' AND ExecutionStatus != 'ContinuedAsNew'`;
  const earlier: Ended[] = [];
  await askServer(client, async () => {
    for await (const { runId, memo, status } of client.workflow.list({ query })) {
      if (runId === job.runId || status.name === 'RUNNING') continue;
      earlier.push({ id, runId, source: memo?.['source'] as string | undefined });
    }
  });
  return [job, ...earlier];
}
