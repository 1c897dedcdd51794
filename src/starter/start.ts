import { Option } from 'commander';
import { starterConfig } from '../config.ts';
import type { Format, JobOptions } from '../contract/job.ts';
import { begin } from './begin.ts';
import { type AddCommand, BACKUP, type JobCommand, JSON_LINES, numeric, SKIP_UNCHANGED } from './command.ts';
import type { Interrupt } from './exit.ts';
import { checkJobName, storeOfJob, tidyStoreHash } from './names.ts';
import { withSession } from './session.ts';
import { openStartSource, type StartSource } from './source.ts';
import { BadUse } from './errors.ts';

interface Flags extends Omit<JobOptions, 'ignoreColumns'> {
  store: string;
  name?: string;
  format?: Format;
  ignore?: string[];
  yes?: boolean;
  json?: boolean;
}

/** `start FILE`: starts a job, or attaches to the same one, and shows it to its end. */
export const addStart: AddCommand = (program, act) => {
  const everyHeading = (heading: string, before: string[] = []) => [...before, heading];
  program
    .command('start')
    .description('start a job from a file and show it to its end; the same file again is the same job')
    .argument(
      '<file>',
      'CSV, NDJSON or JSON file, also with .gz; or the URI of one that workers can read, file:/// or s3://',
    )
    .requiredOption('--store <hash>', "store hash, or the store's API path")
    .option('--name <name>', 'name of the job; default: made of file name and content')
    .addOption(new Option('--format <format>', 'default: by the file name').choices(['csv', 'ndjson', 'json']))
    .addOption(new Option('--ignore <heading>', 'leave out this CSV column; may be repeated').argParser(everyHeading))
    .addOption(new Option('--blank-cells <do>', 'what a blank CSV cell does; default: keep').choices(['keep', 'clear']))
    .addOption(new Option('--on-invalid <do>', 'what an invalid row does; default: skip').choices(['skip', 'fail']))
    .option('--max-rejected-percent <n>', 'hold when the store rejects more than this; default: 20', numeric(0, 100))
    .option('--limit <n>', 'send at most this many customers', numeric(1, Number.MAX_SAFE_INTEGER))
    .option('--dry-run', 'check file and token, send nothing')
    .option('--report-all', 'report updated customers as well')
    .addOption(BACKUP)
    .addOption(SKIP_UNCHANGED)
    .option('--yes', 'do not ask before updating customers of a real store')
    .addOption(JSON_LINES)
    .action((file: string, flags: Flags) => act((interrupt) => start(file, flags, interrupt)));
};

async function start(file: string, flags: Flags, interrupt: Interrupt): Promise<number> {
  const { store, name, format, ignore, yes = false, json = false, ...rest } = flags;
  const options: JobOptions = { ...rest, ...(ignore && { ignoreColumns: ignore }) };
  const storeHash = tidyStoreHash(store);
  const config = starterConfig();
  const source = await openStartSource(file, format, config, interrupt.signal);
  const jobName = name === undefined ? source.jobName : checkJobName(name);
  return withSession(config, (session) =>
    begin(session, { storeHash, jobName, source, options, yes, json }, config, interrupt),
  );
}

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
