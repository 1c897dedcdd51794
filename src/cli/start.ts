import { InvalidArgumentError, Option } from 'commander';
import { starterConfig } from '../config.ts';
import type { Format, JobOptions } from '../contract.ts';
import { begin } from './begin.ts';
import type { AddCommand } from './command.ts';
import type { Interrupt } from './interrupt.ts';
import { checkJobName, tidyStoreHash } from './names.ts';
import { withSession } from './session.ts';
import { openStartSource } from './source.ts';
import { JSON_LINES } from './watch.ts';

interface Flags extends Omit<JobOptions, 'ignoreColumns'> {
  store: string;
  name?: string;
  format?: Format;
  ignore?: string[];
  yes?: boolean;
  json?: boolean;
}

export const BACKUP = new Option('--backup', 'read what is there before it is changed, so that undo can put it back');
export const SKIP_UNCHANGED = new Option('--skip-unchanged', 'send nothing to customers who have all values already');

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

/** Reads a whole number within bounds, for commander. */
export function numeric(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = /^\d+$/.test(value) ? Number(value) : NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(
      `Expected a whole number ${max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`}.`,
    );
  };
}
