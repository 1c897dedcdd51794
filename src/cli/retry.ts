import { Option } from 'commander';
import type { JobOptions } from '../contract.ts';
import { BadUse } from './bad-use.ts';
import { begin } from './begin.ts';
import { jobCommand } from './job-command.ts';
import { askProgress } from './jobs.ts';
import { checkJobName, storeOfJob } from './names.ts';
import { retrySource } from './source.ts';
import { numeric } from './start.ts';

interface Flags extends Pick<JobOptions, 'dryRun' | 'limit' | 'maxRejectedPercent' | 'reportAll'> {
  store?: string;
  name?: string;
  yes?: boolean;
}

/** `retry JOB`: starts a job that sends what an ended one has left, its failed and unprocessed customers. */
export const addRetry = jobCommand<Flags>(
  'retry',
  'send what an ended job has left: its failed and unprocessed customers',
  async ({ session, id, job, flags, config, interrupt }) => {
    const { store: _, name, yes = false, ...options } = flags;
    if (job.status === 'RUNNING') throw new BadUse(`The job ${id} has not ended. Wait for its end, or cancel it.`);
    const storeHash = storeOfJob(id);
    if (storeHash === undefined) {
      throw new BadUse(`Expected the id of a job that names its store, customer-updates/HASH/NAME, got ${id}.`);
    }
    const progress = await askProgress(session, id);
    if (typeof progress === 'string') throw new BadUse(progress);
    const source = retrySource(id, progress.customers.failed + progress.customers.unprocessed);
    const jobName = checkJobName(name ?? source.jobName);
    return begin(session, { storeHash, jobName, source, options, yes }, config, interrupt);
  },
  [
    new Option('--name <name>', "name of the job; default: the ended job's with -retry"),
    new Option('--max-rejected-percent <n>', 'hold when the store rejects more than this; default: 20').argParser(
      numeric(0, 100),
    ),
    new Option('--limit <n>', 'send at most this many customers').argParser(numeric(1, Number.MAX_SAFE_INTEGER)),
    new Option('--dry-run', 'check token, send nothing'),
    new Option('--report-all', 'report updated customers as well'),
    new Option('--yes', 'do not ask before updating customers of a real store'),
  ],
);
