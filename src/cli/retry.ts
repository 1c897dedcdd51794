import { Option } from 'commander';
import type { JobOptions } from '../contract.ts';
import { BadUse } from './bad-use.ts';
import { begin } from './begin.ts';
import { jobCommand } from './job-command.ts';
import { whyMissing } from './job-files.ts';
import { checkJobName, storeOfJob } from './names.ts';
import { retrySource } from './source.ts';
import { standingOf } from './standing.ts';
import { BACKUP, numeric, SKIP_UNCHANGED } from './start.ts';
import { JSON_LINES } from './watch.ts';

interface Flags extends JobOptions {
  store?: string;
  name?: string;
  yes?: boolean;
  json?: boolean;
}

/** `retry JOB`: starts a job that sends what an ended one has left, its failed and unprocessed customers. */
export const addRetry = jobCommand<Flags>(
  'retry',
  'send what an ended job has left: its failed and unprocessed customers',
  async ({ session, id, job, flags, config, interrupt }) => {
    const { store: _, name, yes = false, json = false, ...options } = flags;
    if (job.status === 'RUNNING') throw new BadUse(`The job ${id} has not ended. Wait for its end, or cancel it.`);
    const storeHash = storeOfJob(id);
    if (storeHash === undefined) {
      throw new BadUse(`Expected the id of a job that names its store, customer-updates/HASH/NAME, got ${id}.`);
    }
    const { progress, trouble } = await standingOf(session, job);
    if (progress === undefined) throw new BadUse(trouble ?? `Nobody knows what the job ${id} has left.`);
    const why = progress.retry === null ? undefined : await whyMissing(progress.retry, config.jobStore);
    if (why !== undefined) {
      throw new BadUse(
        `What the job ${id} has left to send again is not there any more: ${why}. Start from its source.`,
      );
    }
    const source = retrySource(id, progress.customers.failed + progress.customers.unprocessed);
    const jobName = checkJobName(name ?? source.jobName);
    return begin(session, { storeHash, jobName, source, options, yes, json }, config, interrupt);
  },
  {
    options: [new Option('--name <name>', "name of the job; default: the ended job's with -retry"), ...againOptions()],
  },
);

/** Options of the commands that start a job from what another one has left. */
export function againOptions(): Option[] {
  return [
    new Option('--max-rejected-percent <n>', 'hold when the store rejects more than this; default: 20').argParser(
      numeric(0, 100),
    ),
    new Option('--limit <n>', 'send at most this many customers').argParser(numeric(1, Number.MAX_SAFE_INTEGER)),
    new Option('--dry-run', 'check token, send nothing'),
    new Option('--report-all', 'report updated customers as well'),
    new Option('--yes', 'do not ask before updating customers of a real store'),
    BACKUP,
    SKIP_UNCHANGED,
    JSON_LINES,
  ];
}
