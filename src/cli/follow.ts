import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceError } from '@temporalio/client';
import type { Progress } from '../contract.ts';
import { isRefused } from '../grpc.ts';
import { askProgress, foundJob } from './jobs.ts';
import type { Session } from './session.ts';
import type { View } from './view.ts';
import { oneLine, shellWord, STARTER } from './words.ts';

/** Between two looks at a job that was begun to be watched lately, and later: each is a query, which Temporal Cloud charges for. */
const INTERVAL_MS = 1_000;
const LATER_INTERVAL_MS = 5_000;
const LATER_MS = 60_000;

/**
 * Shows a job until it has ended, whatever becomes of worker and server in between; returns its last progress, where a
 * worker was there to tell it. Throws NoSuchJob, and AbortError on `signal`.
 */
export async function follow(
  session: Session,
  id: string,
  view: View,
  signal: AbortSignal,
): Promise<Progress | undefined> {
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

/** That a job is held or paused, why, and what a person does for it to go on; undefined where it is not. */
export function cureOf(id: string, { state, waitingFor }: Progress): string | undefined {
  if ((state !== 'held' && state !== 'paused') || waitingFor === null) return undefined;
  return `${state}: ${oneLine(waitingFor.message)}\n        To resume it: ${STARTER} resume ${shellWord(id)}`;
}
