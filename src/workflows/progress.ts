/** What a job reports. Pure. */
import type { JobResult, Progress, WaitingFor } from '../contract/job.ts';
import type { Job } from './job.ts';
import type { Starved } from './steps.ts';

/** How long a chunk's wait still counts: twice the window of the usual quota. */
const SLOWED_MS = 60_000;

const STARVED: Record<Starved, string> = {
  slow: 'No chunk was done for a while: the store is slow, or its worker died and another one is taking over.',
  unserved:
    'No worker is serving the store: each serves as many others as its MAX_STORES allows, or is stopping. The job ' +
    'continues when one is free. Start another worker or raise MAX_STORES to continue now.',
};

export function resultOf({ ledger, options, notes, files, wouldSend }: Job): JobResult {
  const { counts, chunks, settled, calls, reads, throttled } = ledger;
  return {
    customers: counts,
    chunks,
    ...(options.skipUnchanged && { unchanged: settled.unchanged }),
    ...(notes.length > 0 && { notes }),
    calls,
    reads,
    throttled,
    ...files,
    ...(wouldSend && { wouldSend }),
  };
}

export function progressOf(job: Job, now: number): Progress {
  const { state, ledger } = job;
  const rate = state === 'running' ? job.rate.at(now) : undefined;
  return {
    ...resultOf(job),
    state,
    waitingFor: waitingFor(job),
    pace: rate ? { callsPerSecond: Math.round(rate.callsPerSecond * 100) / 100, concurrency: job.concurrency } : null,
    eta: rate?.unitsPerSecond ? iso(now + (ledger.callsLeft / rate.unitsPerSecond) * 1000) : null,
  };
}

/** What chunks have lately been waiting for. */
export function slowedBy({ slowed }: Job, now: number): 'quota' | 'throttle' | null {
  return slowed && now - slowed.at < SLOWED_MS ? slowed.by : null;
}

function waitingFor({ state, paused, hold, starved, missing }: Job): WaitingFor | null {
  if (state === 'preparing' && missing) {
    return { kind: 'source', message: missing.message, until: iso(missing.until) };
  }
  if (state === 'paused') {
    const reason = paused ? ` (${paused})` : '';
    return { kind: 'pause', message: `Paused by a person${reason}. Resume the job to continue.`, until: null };
  }
  if (state === 'held' && hold) {
    const { kind, message, until } = hold;
    return { kind, message, until: until === null ? null : iso(until) };
  }
  if ((state === 'running' || state === 'preparing') && starved)
    return { kind: 'lease', message: STARVED[starved], until: null };
  return null;
}

const iso = (ms: number): string => new Date(ms).toISOString();
