/** A job's options on the command line: a row each, for every command that starts jobs. */
import { InvalidArgumentError, Option } from 'commander';
import type { JobOptions } from '../contract/job.ts';
import { jobOptionsSchema } from '../contract/schema.ts';
import { numeric } from './command.ts';

/** The options that a job has if none are given. */
export const DEFAULTS = jobOptionsSchema.parse({});

const append = (value: string, before: string[] = []): string[] => [...before, value];

/** Adds `heading=field` to the columns that were named before. */
function columnOf(value: string, before: Record<string, string> = {}): Record<string, string> {
  const at = value.lastIndexOf('=');
  if (at > 0) return { ...before, [value.slice(0, at)]: value.slice(at + 1) };
  throw new InvalidArgumentError('Expected a heading and a field, such as "Telephone=phone".');
}

/** How a file is read. */
const READING = {
  ignoreColumns: new Option('--ignore <heading>', 'leave out this CSV column; can be repeated').argParser(append),
  ignoreUnknown: new Option('--ignore-unknown', 'leave out every CSV column whose heading is not known'),
  columns: new Option(
    '--column <heading=field>',
    'the field that a CSV heading stands for, such as "Telephone=phone"; can be repeated',
  ).argParser(columnOf),
  encoding: new Option(
    '--encoding <name>',
    'how the file is encoded, such as windows-1252; default: what its byte order mark says, else UTF-8',
  ),
  trustQuotes: new Option(
    '--trust-quotes',
    'take a quoted CSV cell that closes properly as one cell, even if it looks as if it had swallowed rows',
  ),
  blankCells: new Option(
    '--blank-cells <action>',
    `what a blank CSV cell does to the customer's value; default: ${DEFAULTS.blankCells}`,
  ).choices(['keep', 'clear']),
  onInvalid: new Option(
    '--on-invalid <action>',
    `leave out invalid rows, or fail the job before it sends anything; default: ${DEFAULTS.onInvalid}`,
  ).choices(['skip', 'fail']),
};

/** How a job runs, wherever its customers come from. */
const RUNNING = {
  maxRejectedPercent: new Option(
    '--max-rejected-percent <n>',
    `hold the job if the store rejects more than this percentage; default: ${DEFAULTS.maxRejectedPercent}`,
  ).argParser(numeric(0, 100)),
  limit: new Option('--limit <n>', 'send at most this many customers').argParser(numeric(1, Number.MAX_SAFE_INTEGER)),
  dryRun: new Option('--dry-run', 'check the customers and the token, but send nothing'),
  reportAll: new Option('--report-all', 'list updated customers in the report as well'),
  backup: new Option('--backup', 'read the current values before they change, so that undo can restore them'),
  skipUnchanged: new Option('--skip-unchanged', 'send nothing to customers who already have all the values'),
};

const JOB_OPTIONS: Record<keyof JobOptions, Option> = { ...READING, ...RUNNING };

/** The options of a job that reads a file. */
export const READING_AND_RUNNING: readonly Option[] = Object.values(JOB_OPTIONS);

/** The options of a job whose customers an earlier job has read. */
export const RUNNING_ONLY: readonly Option[] = Object.values(RUNNING);

/** The job's options among those that were typed. */
export function jobOptionsOf(flags: Record<string, unknown>): JobOptions {
  const typed = Object.entries(JOB_OPTIONS).map(([name, option]) => [name, flags[option.attributeName()]] as const);
  return Object.fromEntries(typed.filter(([, value]) => value !== undefined));
}
