import type { StarterConfig } from '../config.ts';
import { jobCommand, JSON_LINES } from './command.ts';
import { announce, printWebPage, showEnding } from './show.ts';
import type { Interrupt } from './exit.ts';
import { askProgress, foundJob } from './jobs.ts';
import type { Session } from './session.ts';
import { printStanding, standingJson } from './standing.ts';
import { jsonView, openView, type View } from './view.ts';
import { cureOf, shellWord, STARTER } from './words.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceError } from '@temporalio/client';
import type { Progress } from '../contract/job.ts';
import { isRefused } from '../temporal/grpc.ts';
import { print, printAside } from './terminal.ts';

/** `watch JOB`: shows a job to its end. */
export const addWatch = jobCommand<{ json?: boolean }>(
  'watch',
  'show a job to its end',
  ({ session, id, job, flags, config, interrupt }) => {
    const watched = { id, status: job.status, json: flags.json ?? false };
    return watchToTheEnd(session, watched, config, interrupt);
  },
  { options: [JSON_LINES] },
);

/** A job that is to be watched; `json`: for programs. */
export interface Watched {
  id: string;
  status: string;
  json: boolean;
}

/** Shows the job until it has ended, then its ending; returns the exit code. From here on Ctrl-C leaves a job that goes on. */
export async function watchToTheEnd(
  session: Session,
  { id, status, json }: Watched,
  { jobStore }: StarterConfig,
  interrupt: Interrupt,
): Promise<number> {
  const word = shellWord(id);
  interrupt.farewell =
    `Detached; the job goes on.\n  To watch it:  ${STARTER} watch ${word}\n` +
    `  To cancel it: ${STARTER} cancel ${word}`;
  if (json) {
    const line = (standing: Parameters<typeof standingJson>[2]) =>
      print(JSON.stringify(standingJson(session, { id, status }, standing)));
    line({});
    if (status === 'RUNNING') {
      await follow(
        session,
        id,
        jsonView((progress) => line({ progress }), printAside, Date.now),
        interrupt.signal,
      );
    }
    return printStanding(session, await foundJob(session, id));
  }
  announce(session, id);
  const progress = await follow(session, id, openView(process.stdout), interrupt.signal);
  const code = await showEnding(session, id, jobStore, progress);
  printWebPage(session, id);
  return code;
}

/** Between two looks at a job that was begun to be watched lately, and later: each is a query, which Temporal Cloud charges for. */
const INTERVAL_MS = 1_000;
const LATER_INTERVAL_MS = 5_000;
const LATER_MS = 60_000;

/**
 * Shows a job until it has ended, whatever becomes of worker and server in between; returns its last progress, where a
 * worker was there to tell it. Throws NoSuchJob, and AbortError on `signal`.
 */
async function follow(session: Session, id: string, view: View, signal: AbortSignal): Promise<Progress | undefined> {
  let trouble: string | undefined;
  let cure: string | undefined;
  const startedAt = performance.now();
  signal.addEventListener('abort', () => view.end());
  try {
    for (;;) {
      const look = await lookAt(session, id);
      if (signal.aborted) throw signal.reason;
      if (look.trouble !== undefined && look.trouble !== trouble && !look.ended)
        view.say(`${look.trouble} Trying again.`);
      if (trouble !== undefined && look.progress) view.say('The job answers again.');
      trouble = look.trouble;
      if (look.progress) {
        const needed = cureOf(id, look.progress);
        if (needed !== undefined && needed !== cure) view.say(`The job is ${needed}`);
        cure = needed;
        view.show(look.progress);
      }
      if (look.ended) return look.progress;
      const isNew = performance.now() - startedAt < LATER_MS;
      await sleep(isNew ? INTERVAL_MS : LATER_INTERVAL_MS, undefined, { signal });
    }
  } finally {
    view.end();
  }
}

interface Look {
  ended: boolean;
  progress?: Progress;
  /** Why there is none, in words. */
  trouble?: string;
}

async function lookAt(session: Session, id: string): Promise<Look> {
  try {
    const { status } = await foundJob(session, id);
    const progress = await askProgress(session, id);
    const ended = status !== 'RUNNING';
    return typeof progress === 'string' ? { ended, trouble: progress } : { ended, progress };
  } catch (error) {
    if (!(error instanceof ServiceError) || isRefused(error)) throw error;
    return { ended: false, trouble: `The Temporal server at ${session.address} does not answer.` };
  }
}
