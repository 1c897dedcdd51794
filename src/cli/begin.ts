import { startCustomerUpdate } from '../client.ts';
import type { StarterConfig } from '../config.ts';
import { type JobOptions, jobId } from '../contract.ts';
import { ask, canAsk } from './ask.ts';
import { BadUse } from './bad-use.ts';
import { print, printAside } from './command.ts';
import { meetExisting } from './existing.ts';
import type { Interrupt } from './interrupt.ts';
import { findJob } from './jobs.ts';
import type { Session } from './session.ts';
import type { StartSource } from './source.ts';
import { watchToTheEnd } from './watch.ts';
import { whoAmI } from './who.ts';
import { shellWord, STARTER } from './words.ts';

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
