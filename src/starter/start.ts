import { hostname, userInfo } from 'node:os';
import { Argument, Option } from 'commander';
import { startCustomerUpdate } from '../client.ts';
import { type Format, jobId, type JobOptions } from '../contract/job.ts';
import { command, type Context, JSON_LINES, STORE } from './command.ts';
import { BadUse } from './exit.ts';
import { checkJobName, tidyStoreHash } from './names.ts';
import { DEFAULTS, jobOptionsOf, READING_AND_RUNNING } from './options.ts';
import { type Session, withSession } from './session.ts';
import { openStartSource, type StartSource } from './source.ts';
import { findJobInfo, type JobInfo } from './status.ts';
import { ask, canAsk, print, printAside } from './terminal.ts';
import { watchToTheEnd } from './watch.ts';
import { shellWord, STARTER } from './words.ts';

export interface StartFlags {
  store?: string;
  name?: string;
  yes?: boolean;
  json?: boolean;
}

export const YES = new Option('--yes', 'do not ask before updating customers of a real store');

/** `start FILE`: starts a job, or attaches to the same one, and shows it to its end. */
export const startCommand = command<StartFlags & { store: string; format?: Format }>(
  'start',
  'start a job from a file and show it to its end; the same file again is the same job',
  [
    new Argument(
      '<file>',
      'CSV, NDJSON or JSON file, also compressed (.gz); or the URI of one that workers can read, file:/// or s3://',
    ),
    STORE().makeOptionMandatory(),
    new Option('--name <name>', "the job's name; default: made from the file's name and content"),
    new Option('--format <format>', "the file's format; default: by its name").choices(['csv', 'ndjson', 'json']),
    ...[...READING_AND_RUNNING, YES, JSON_LINES],
  ],
  async (context) => {
    const { args, flags, config, interrupt } = context;
    interrupt.farewell = 'Nothing was started.';
    const storeHash = tidyStoreHash(flags.store);
    if (flags.name !== undefined) checkJobName(flags.name);
    const source = await openStartSource(args[0] as string, flags.format, config.folder, interrupt.signal);
    return withSession(config, (session) => startAndWatch(session, storeHash, source, context));
  },
);

/** Starts a job, or attaches to the same one, and shows it to its end; returns the exit code. Throws BadUse. */
export async function startAndWatch(
  session: Session,
  storeHash: string,
  source: StartSource,
  { flags, config, interrupt }: Context<StartFlags>,
): Promise<number> {
  const jobName = checkJobName(flags.name ?? source.jobName);
  const options = jobOptionsOf({ ...flags });
  const id = jobId(storeHash, jobName);
  const json = flags.json ?? false;
  const existing = await findJobInfo(session, id);
  const todo = attachOrStart(existing, { id, source, options });
  if (todo === 'attach' && existing) {
    const say = json ? printAside : print;
    say(
      existing.status === 'RUNNING'
        ? 'This job is already running; attached to it.'
        : 'This job has already ended. To send the same again, start it under another name with --name. Its result:',
    );
    return watchToTheEnd(session, existing, json, interrupt);
  }
  if (!flags.yes && !options.dryRun) {
    await askFirst(source, options, storeHash, new URL(config.BIGCOMMERCE_API_URL).hostname, interrupt.signal);
  }
  const input = { storeHash, source: await source.make(session, storeHash, jobName), options };
  interrupt.farewell = `The job may or may not have been started. To find out: ${STARTER} show ${shellWord(id)}`;
  const again = todo === 'startAgain';
  await startCustomerUpdate(session.client, input, jobName, { again, startedBy: userAndMachine() });
  return watchToTheEnd(session, { id, status: 'RUNNING' }, json, interrupt);
}

const PUBLIC_API = 'api.bigcommerce.com';

/** Asks whether to update customers of a real store, if there is somebody to ask. Throws BadUse if not. */
export async function askFirst(
  source: Pick<StartSource, 'words' | 'count'>,
  options: JobOptions,
  storeHash: string,
  host: string,
  signal: AbortSignal,
): Promise<void> {
  if (host !== PUBLIC_API || !canAsk()) return;
  const customers = await source.count(options);
  if (await ask(`Update ${customers} of store ${storeHash} at ${host}, from ${source.words}?`, signal)) return;
  throw new BadUse('Nothing was started.');
}

export function userAndMachine(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A user without a name, as in some containers.
    return hostname();
  }
}

/** The job that a person wants; `source.is` says whether a job that was started from a URI has the same content. */
export interface WantedJob {
  id: string;
  source: { words: string; is(uri: string): boolean };
  options: JobOptions;
}

/**
 * What to do if a job with the wanted one's id may exist: attach to it, start the wanted one, or start it although the
 * other one has ended with a result, because that was a trial. Throws BadUse if the two are not the same job. Pure.
 */
export function attachOrStart(
  existing: Pick<JobInfo, 'status' | 'source' | 'options'> | undefined,
  wanted: WantedJob,
): 'attach' | 'start' | 'startAgain' {
  const running = existing?.status === 'RUNNING';
  if (existing === undefined || (!running && existing.status !== 'COMPLETED')) return 'start';
  const { source, options } = existing;
  // Another program has started it: there is nothing to compare.
  if (source === undefined || options === undefined) return 'attach';
  const sameOptions = optionsText(options) === optionsText(wanted.options);
  if (wanted.source.is(source) && sameOptions) return 'attach';
  if (wanted.source.is(source) && !running && isTrial(options)) return 'startAgain';
  throw new BadUse(
    `The job ${wanted.id} ${running ? 'is already running' : 'has already ended'}, from another source or with other options:\n` +
      `  existing: ${source}; options: ${optionsText(options)}\n` +
      `  wanted:   ${wanted.source.words}; options: ${optionsText(wanted.options)}\n` +
      `Give the new one another name with --name. To see the existing one: ${STARTER} show ${shellWord(wanted.id)}`,
  );
}

/** A job that the real one is expected to follow. */
const isTrial = ({ dryRun, limit }: JobOptions): boolean => dryRun === true || (limit ?? null) !== null;

/** The options that differ from the defaults, in words. */
function optionsText(options: JobOptions): string {
  const given = Object.entries({ ...DEFAULTS, ...options })
    .map(([name, value]) => [name, JSON.stringify(value)] as const)
    .filter(([name, value]) => value !== JSON.stringify(DEFAULTS[name as keyof JobOptions]));
  return given.map(([name, value]) => `${name} ${value}`).join(', ') || 'none';
}
