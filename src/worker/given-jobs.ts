/**
 * Whether this worker is given jobs. One of another version than the current one waits without a word, and so do the jobs
 * where no other worker is: the log and a metric tell.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { inWords, isGiven, jobsQueue, makeCurrent, type Version } from '../temporal/versions.ts';
import { detailsOf } from '../temporal/grpc.ts';
import type { Log } from './log.ts';

/** How often the server is asked: a few times in the minutes after which an alert is raised. */
const ASK_MS = 15_000;

/** How long the server may take to answer. */
const REACH_MS = 2_000;

/** Whom it is told: `givenJobs` at each answer, the log at each change. */
interface Told {
  log: Log;
  givenJobs(given: boolean): void;
}

/** Asks the server until `stop`. Where it does not answer at first, the log says so, and later nothing changes by that. */
export async function watchGivenJobs(client: Client, version: Version, told: Told, stop: AbortSignal): Promise<void> {
  let before: string | undefined;
  while (!stop.aborted) {
    try {
      const now = await ask(client, version, told);
      if (now !== (before ?? '')) told.log.warn(now || 'jobs are given to this worker now');
      before = now;
    } catch (error) {
      if (before === undefined) {
        told.log.warn(`the server does not say which workers it gives jobs to: ${detailsOf(error as Error)}`);
      }
      before ??= '';
    }
    await sleep(ASK_MS, undefined, { signal: stop }).catch(() => undefined);
  }
}

/** What is to be said of it; nothing where it is given jobs. Throws ServiceError. */
async function ask(client: Client, version: Version, { givenJobs }: Told): Promise<string> {
  const queue = await client.withDeadline(Date.now() + REACH_MS, () => jobsQueue(client));
  const given = isGiven(queue, version);
  givenJobs(given);
  if (given) return '';
  const current = inWords(queue.given[0]);
  return `jobs are given to workers ${current}, and not to this one. To change that: ${makeCurrent(queue, version)}`;
}
