/** A job's options on the command line: a row each, for every command that starts jobs. */
import { InvalidArgumentError, Option } from 'commander';
import type { JobOptions } from '../contract/job.ts';
import { jobOptionsSchema } from '../contract/schema.ts';
import { numeric } from './command.ts';
import { BadUse } from './exit.ts';

/** The options that a job has if none are given. */
export const DEFAULTS = jobOptionsSchema.parse({});

const append = (value: string, before: string[] = []): string[] => [...before, value];

const appendWords = (typed: string, before: string[] = []): string[] => [...before, ...typed.split(',')];

function appendColumn(typed: string, before: Record<string, string> = {}): Record<string, string> {
  // A field has no = in its name, but a heading may.
  const [, heading, field] = /^(.+)=([^=]+)$/.exec(typed) ?? [];
  if (heading !== undefined && field !== undefined) return { ...before, [heading]: field };
  throw new InvalidArgumentError('Expected a heading and a field, such as "Telephone=phone".');
}

const READING = {
  match: new Option(
    '--match <key>',
    `how rows name their customers; with email, their new addresses are in new_email; default: ${DEFAULTS.match}`,
  ).choices(['id', 'email']),
  ignoreColumns: new Option('--ignore <heading>', 'leave out this CSV column; can be repeated').argParser(append),
  ignoreUnknown: new Option('--ignore-unknown', 'leave out every CSV column with an unknown heading'),
  columns: new Option(
    '--column <heading=field>',
    'what a CSV column holds, such as "Telephone=phone" or "Tier=attribute:Loyalty Tier"; can be repeated',
  ).argParser(appendColumn),
  encoding: new Option(
    '--encoding <name>',
    "the file's encoding, such as windows-1252; default: by its byte order mark, otherwise UTF-8",
  ),
  trustQuotes: new Option('--trust-quotes', 'take a quoted CSV cell as it is, even if it seems to contain other rows'),
  blankCells: new Option(
    '--blank-cells <action>',
    `what a blank CSV cell does to the customer's value; default: ${DEFAULTS.blankCells}`,
  ).choices(jobOptionsSchema.shape.blankCells.unwrap().options),
  blankWords: new Option(
    '--blank-words <words>',
    'words that mean a blank CSV cell, separated by commas, such as NULL,N/A; default: none',
  ).argParser(appendWords),
  onInvalid: new Option(
    '--on-invalid <action>',
    `leave out invalid rows, or fail the job before it sends anything; default: ${DEFAULTS.onInvalid}`,
  ).choices(jobOptionsSchema.shape.onInvalid.unwrap().options),
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
  priority: new Option(
    '--priority <n>',
    `from 1 to 5: the job's calls go before those of jobs of the same store with a higher number; default: ${DEFAULTS.priority}`,
  ).argParser(numeric(1, 5)),
};

const JOB_OPTIONS: Record<keyof JobOptions, Option> = { ...READING, ...RUNNING };

/** The options of a job that reads a file. */
export const READING_AND_RUNNING: readonly Option[] = Object.values(JOB_OPTIONS);

/** The options of a job whose customers an earlier job has read. */
export const RUNNING_ONLY: readonly Option[] = Object.values(RUNNING);

/**
 * The options of an ended job that the one which sends what it left has as well: not those that made it leave something. What
 * is left names customers as the source did.
 */
export function inherited(options: JobOptions = {}): JobOptions {
  const isRunning = (name: string) => Object.hasOwn(RUNNING, name) && name !== 'dryRun' && name !== 'limit';
  const isInherited = (name: string) => isRunning(name) || name === 'match';
  return Object.fromEntries(Object.entries(options).filter(([name]) => isInherited(name)));
}

/** The job's options among those that were typed. Throws BadUse if a job would not take them. */
export function jobOptionsOf(flags: Record<string, unknown>): JobOptions {
  const typed = Object.entries(JOB_OPTIONS).map(([name, option]) => [name, flags[option.attributeName()]] as const);
  const options: JobOptions = Object.fromEntries(typed.filter(([, value]) => value !== undefined));
  const [issue] = jobOptionsSchema.safeParse(options).error?.issues ?? [];
  if (issue === undefined) return options;
  throw new BadUse(`${JOB_OPTIONS[issue.path[0] as keyof JobOptions].long}: expected ${issue.message}.`);
}

/** How to start a job with corrected rows of one that had these options, as words of a command. Its file has an encoding of its own. */
export function flagsToFix(options: JobOptions): string[] {
  const { match, ignoreColumns = [], ignoreUnknown, columns = {}, trustQuotes, blankCells, blankWords = [] } = options;
  const { onInvalid, maxRejectedPercent, reportAll, backup, skipUnchanged, priority } = options;
  return [
    ...(match === 'email' ? ['--match', match] : []),
    ...ignoreColumns.flatMap((heading) => ['--ignore', heading]),
    ...(ignoreUnknown ? ['--ignore-unknown'] : []),
    ...Object.entries(columns).flatMap(([heading, field]) => ['--column', `${heading}=${field}`]),
    ...(trustQuotes ? ['--trust-quotes'] : []),
    ...(blankCells === 'clear' ? ['--blank-cells', blankCells] : []),
    ...(blankWords.length > 0 ? ['--blank-words', blankWords.join(',')] : []),
    ...(onInvalid === 'fail' ? ['--on-invalid', onInvalid] : []),
    ...(maxRejectedPercent === undefined ? [] : ['--max-rejected-percent', `${maxRejectedPercent}`]),
    ...(reportAll ? ['--report-all'] : []),
    ...(backup ? ['--backup'] : []),
    ...(skipUnchanged ? ['--skip-unchanged'] : []),
    ...(priority === undefined ? [] : ['--priority', `${priority}`]),
  ];
}
