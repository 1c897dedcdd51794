/** What `retry` and `undo` share: they start a job of the same store from what an ended one has left. */
import { Option } from 'commander';
import type { JobOptions } from '../contract.ts';
import { BadUse } from './bad-use.ts';
import { begin } from './begin.ts';
import type { JobCommand } from './job-command.ts';
import { checkJobName, storeOfJob } from './names.ts';
import type { StartSource } from './source.ts';
import { BACKUP, numeric, SKIP_UNCHANGED } from './start.ts';
import { JSON_LINES } from './watch.ts';

/** The options of such a command, as commander reads them. */
export interface AgainFlags extends JobOptions {
  store?: string;
  name?: string;
  yes?: boolean;
  json?: boolean;
}

/** Starts the job once `sourceOf` has found its source, and shows it to its end; returns the exit code. Throws BadUse. */
export async function beginAgain(
  { session, id, flags, config, interrupt }: JobCommand<AgainFlags>,
  sourceOf: () => Promise<StartSource>,
): Promise<number> {
  const { store: _, name, yes = false, json = false, ...options } = flags;
  const storeHash = storeOfJob(id);
  if (storeHash === undefined) {
    throw new BadUse(`Expected the id of a job that names its store, customer-updates/HASH/NAME, got ${id}.`);
  }
  const source = await sourceOf();
  const jobName = checkJobName(name ?? source.jobName);
  return begin(session, { storeHash, jobName, source, options, yes, json }, config, interrupt);
}

/** For commander; `suffix` is what the new job's name gets beyond the ended one's. */
export function againOptions(suffix: string): Option[] {
  return [
    new Option('--name <name>', `name of the job; default: the ended job's with ${suffix}`),
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
