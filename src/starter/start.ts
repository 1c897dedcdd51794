import { hostname, userInfo } from 'node:os';
import { Option } from 'commander';
import { startCustomerUpdate } from '../client.ts';
import { starterConfig, type StarterConfig } from '../config.ts';
import { type Format, jobId, type JobOptions } from '../contract/job.ts';
import { attachOrStart } from './attach-or-start.ts';
import { type AddCommand, type JobCommand, JSON_LINES, STORE } from './command.ts';
import { BadUse, type Interrupt } from './exit.ts';
import { checkJobName, storeOfJob, tidyStoreHash } from './names.ts';
import { jobOptionsOf, READING_AND_RUNNING, RUNNING_ONLY } from './options.ts';
import { type Session, withSession } from './session.ts';
import { openStartSource, type StartSource } from './source.ts';
import { findJobInfo } from './status.ts';
import { ask, canAsk, print, printAside } from './terminal.ts';
import { watchToTheEnd } from './watch.ts';
import { shellWord, STARTER } from './words.ts';

/** What every command that starts a job is given, besides the job's options. */
export interface StartFlags {
  store?: string;
  name?: string;
  yes?: boolean;
  json?: boolean;
}

const YES = new Option('--yes', 'do not ask before updating customers of a real store');

/** `start FILE`: starts a job, or attaches to the same one, and shows it to its end. */
export const addStart: AddCommand = (program, act) => {
  const command = program
    .command('start')
    .description('start a job from a file and show it to its end; the same file again is the same job')
    .argument(
      '<file>',
      'CSV, NDJSON or JSON file, also compressed (.gz); or the URI of one that workers can read, file:/// or s3://',
    )
    .requiredOption(...STORE)
    .option('--name <name>', "the job's name; default: made from the file's name and content")
    .addOption(
      new Option('--format <format>', "the file's format; default: by its name").choices(['csv', 'ndjson', 'json']),
    );
  for (const option of [...READING_AND_RUNNING, YES, JSON_LINES]) command.addOption(option);
  command.action((file: string, flags: StartFlags & { store: string; format?: Format }) =>
    act(async (interrupt) => {
      const storeHash = tidyStoreHash(flags.store);
      const config = starterConfig();
      const source = await openStartSource(file, flags.format, config.folder, interrupt.signal);
      const job = { storeHash, jobName: checkJobName(flags.name ?? source.jobName), source, flags };
      return withSession(config, (session) => startAndWatch(session, job, config, interrupt));
    }),
  );
};

/** The options of a command that starts a job from an ended one; its default name ends in `suffix`. */
export const fromJobOptions = (suffix: string): Option[] => [
  new Option('--name <name>', `the new job's name; default: the ended job's name with ${suffix}`),
  ...[...RUNNING_ONLY, YES, JSON_LINES],
];

/** Starts a job from the source that `sourceOf` finds for an ended one, and shows it to its end. Throws BadUse. */
export async function startFromJob(
  { session, id, flags, config, interrupt }: JobCommand<StartFlags>,
  sourceOf: () => Promise<StartSource>,
): Promise<number> {
  const storeHash = storeOfJob(id);
  if (storeHash === undefined) {
    throw new BadUse(`Expected a job whose id names its store, customer-updates/HASH/NAME, got ${id}.`);
  }
  const source = await sourceOf();
  const job = { storeHash, jobName: checkJobName(flags.name ?? source.jobName), source, flags };
  return startAndWatch(session, job, config, interrupt);
}

interface NewJob {
  storeHash: string;
  jobName: string;
  source: StartSource;
  flags: StartFlags;
}

/** Starts a job, or attaches to the same one, and shows it to its end; returns the exit code. Throws BadUse. */
async function startAndWatch(
  session: Session,
  { storeHash, jobName, source, flags }: NewJob,
  config: StarterConfig,
  interrupt: Interrupt,
): Promise<number> {
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

/** Asks whether to update customers of a real store, if there is somebody to ask. */
async function askFirst(
  source: StartSource,
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

function userAndMachine(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A user without a name, as in some containers.
    return hostname();
  }
}
