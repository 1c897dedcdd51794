import { startCustomerUpdate } from '../client.ts';
import type { StarterConfig } from '../config.ts';
import { jobId, type JobOptions } from '../contract/job.ts';
import { ask, canAsk, print, printAside } from './terminal.ts';
import { BadUse } from './errors.ts';
import type { Interrupt } from './exit.ts';
import { findJob, type FoundJob } from './jobs.ts';
import type { Session } from './session.ts';
import type { StartSource } from './source.ts';
import { watchToTheEnd } from './watch.ts';
import { shellWord, STARTER } from './words.ts';
import { jobOptionsSchema } from '../contract/schema.ts';
import { hostname, userInfo } from 'node:os';

const PUBLIC_API = 'api.bigcommerce.com';

/** The job that a person wants. */
export interface NewJob {
  storeHash: string;
  jobName: string;
  source: StartSource;
  options: JobOptions;
  /** Do not ask before customers of a real store are updated. */
  yes: boolean;
  /** For programs. */
  json: boolean;
}

/** Starts a job, or attaches to the same one, and shows it to its end; returns the exit code. Throws BadUse. */
export async function begin(
  session: Session,
  job: NewJob,
  config: StarterConfig,
  interrupt: Interrupt,
): Promise<number> {
  const { storeHash, jobName, source, options, json } = job;
  const id = jobId(storeHash, jobName);
  const existing = await findJob(session, id);
  const todo = meetExisting(existing, { id, source, options });
  if (todo === 'attach') {
    const say = json ? printAside : print;
    say(
      existing?.status === 'RUNNING'
        ? 'This job is running already; attached to it.'
        : 'This job has ended already. To send the same again, start it under another name with --name. Its result:',
    );
  } else {
    if (!job.yes && !options.dryRun) await askFirst(job, new URL(config.apiUrl).hostname, interrupt.signal);
    const input = { storeHash, source: await source.make(storeHash, jobName), options };
    interrupt.farewell = `Whether the job was started is not known. To see it: ${STARTER} show ${shellWord(id)}`;
    const again = todo === 'startAgain';
    await startCustomerUpdate(session.client, input, jobName, { again, startedBy: whoAmI() });
  }
  const status = todo === 'attach' && existing ? existing.status : 'RUNNING';
  return watchToTheEnd(session, { id, status, json }, config, interrupt);
}

async function askFirst({ storeHash, source, options }: NewJob, host: string, signal: AbortSignal): Promise<void> {
  if (host !== PUBLIC_API || !canAsk()) return;
  const customers = await source.count(options);
  if (await ask(`Update ${customers} of store ${storeHash} at ${host}, from ${source.words}?`, signal)) return;
  throw new BadUse('Nothing was started.');
}

/** What a job is to be started from: `is` tells the source of another job that has the same content. */
export interface WantedJob {
  id: string;
  source: { words: string; is(uri: string): boolean };
  options: JobOptions;
}

/**
 * What to do about a job that has the wanted one's id already: attach to it, start the wanted one, or start it although
 * the other one has ended with a result, which was a trial's. Throws BadUse where the two are not the same. Pure.
 */
export function meetExisting(
  existing: Pick<FoundJob, 'status' | 'source' | 'options'> | undefined,
  wanted: WantedJob,
): 'attach' | 'start' | 'startAgain' {
  const running = existing?.status === 'RUNNING';
  if (existing === undefined || (!running && existing.status !== 'COMPLETED')) return 'start';
  const { source, options } = existing;
  // A job that another program has started: there is nothing to compare.
  if (source === undefined || options === undefined) return 'attach';
  const otherOptions = optionsText(options) !== optionsText(wanted.options);
  if (wanted.source.is(source) && !otherOptions) return 'attach';
  if (wanted.source.is(source) && !running && isTrial(options)) return 'startAgain';
  throw new BadUse(
    `The job ${wanted.id} ${running ? 'is running' : 'has ended'} already, from another source or with other options:\n` +
      `  there:  ${source}; options: ${optionsText(options)}\n` +
      `  wanted: ${wanted.source.words}; options: ${optionsText(wanted.options)}\n` +
      `Give the new one a name of its own with --name. To see the other one: ${STARTER} show ${shellWord(wanted.id)}`,
  );
}

/** A job after which the real one is still to come. */
const isTrial = ({ dryRun, limit }: JobOptions): boolean => dryRun === true || (limit ?? null) !== null;

const DEFAULTS = jobOptionsSchema.parse({});

/** The options that are not as they are by default, in words. */
function optionsText(options: JobOptions): string {
  const given = Object.entries(jobOptionsSchema.parse(options))
    .map(([name, value]) => [name, JSON.stringify(value)] as const)
    .filter(([name, value]) => value !== JSON.stringify(DEFAULTS[name as keyof JobOptions]));
  return given.map(([name, value]) => `${name} ${value}`).join(', ') || 'none';
}

/** Who starts a job, for those who see it later: user and machine. */
function whoAmI(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A user that has no name, as in some containers.
    return hostname();
  }
}
