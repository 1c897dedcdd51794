/**
 * The pace of a store: when the next call may start. Pure; times are ms of one monotonic clock, given by the caller.
 *
 * What always holds:
 * - `inFlight` calls were started and not yet answered, and a call starts only while that is below `allowed`, 1 to 3.
 * - No call starts before `backOffUntil`.
 * - Within one window of the quota what is left only goes down, however answers overtake each other; calls in flight
 *   count as used until they answer.
 * - While nothing is in flight, the wait is finite: an idle store always gets its turn.
 */
import { STORE_CONCURRENCY } from '../contract/job.ts';
import { type Climb, startClimb } from './concurrency.ts';
import type { RateLimit } from './headers.ts';

/** What the pace learns from an answer. */
export interface Heard {
  /** `taken` and `throttled` (429) tell whether there was a slot, `unclear` doesn't. */
  kind: 'taken' | 'throttled' | 'unclear';
  /** What a 429 asks to wait, undefined where it doesn't say. */
  waitMs?: number | undefined;
  /** Undefined where the answer doesn't say. */
  rateLimit?: RateLimit | undefined;
}

/** Why nothing may start now. `waitMs` is Infinity where only an answer to a call in flight can change that. */
export interface Delay {
  waitMs: number;
  reason: 'slots' | 'quota' | 'throttle';
}

export interface Pace {
  /** Undefined when a call may start now. */
  next(now: number): Delay | undefined;
  /** A call starts: to be said at once after `next` allowed it. */
  started(now: number): void;
  /** A started call was answered, or will not be any more. */
  answered(now: number, heard: Heard): void;
  /** A started call was never written to the store, and so used up nothing. */
  withdrawn(now: number): void;
  /** Calls in flight allowed at present, 1 to 3. */
  allowed(): number;
}

/** A window of the quota as it is known here. */
interface Window {
  quota: number;
  left: number;
  windowMs: number;
  resetAt: number;
  /** Nothing was heard from it yet: it follows the window before. */
  assumed: boolean;
}

// A 429 without headers means that the platform is overloaded (BigCommerce's documentation): never sooner than this,
// and longer each time, up to the length of the usual window.
const MIN_BACK_OFF_MS = 1_000;
const MAX_BLIND_BACK_OFF_MS = 30_000;

/** `random` gives numbers in [0, 1), for the jitter. */
export function createPace(quotaReservePercent: number, random: () => number = Math.random): Pace {
  let inFlight = 0;
  let backOffUntil = -Infinity;
  /** 429 without headers since the last answer that was none, calls in flight together counted once. */
  let blindThrottles = 0;
  let window: Window | undefined;
  const climb: Climb = startClimb(STORE_CONCURRENCY);

  /** The quota's window at this instant: when the last known one is over, the next one is full. */
  function windowAt(now: number): Window | undefined {
    if (window && now >= window.resetAt) {
      window = { ...window, left: window.quota, resetAt: now + window.windowMs, assumed: true };
    }
    return window;
  }

  function learn(now: number, heard: RateLimit | undefined): void {
    const known = windowAt(now);
    if (!heard) {
      // It may have been counted all the same.
      if (known) window = { ...known, left: Math.max(0, known.left - 1) };
      return;
    }
    const { quota, left, windowMs } = heard;
    const resetAt = now + heard.resetMs;
    // Estimates of one reset differ by the time an answer takes, those of two windows by a whole window.
    const later = known ? resetAt - known.resetAt : Infinity;
    if (!known || known.assumed || later > windowMs / 2) {
      window = { quota, left, windowMs, resetAt, assumed: false };
    } else if (later > -windowMs / 2) {
      window = { ...known, quota, left: Math.min(known.left, left), resetAt: Math.min(known.resetAt, resetAt) };
    }
    // Else it is the late answer of a window that is over.
  }

  function backOff(now: number, { waitMs, rateLimit }: Heard): void {
    // Calls that were in flight together are throttled together: that is one event, not three.
    const first = now >= backOffUntil;
    if (first && waitMs === undefined) blindThrottles++;
    // With units left, or no quota to speak of, it is the slots that somebody else uses.
    if (first && (rateLimit?.left ?? 1) > 0) climb.down();
    const blindMs = MIN_BACK_OFF_MS * 2 ** Math.max(0, blindThrottles - 1) * (1 + random() / 2);
    const askedMs = waitMs ?? Math.min(blindMs, MAX_BLIND_BACK_OFF_MS);
    backOffUntil = Math.max(backOffUntil, now + Math.max(askedMs, MIN_BACK_OFF_MS));
  }

  return {
    next(now) {
      if (now < backOffUntil) return { waitMs: backOffUntil - now, reason: 'throttle' };
      if (inFlight >= climb.allowed()) return { waitMs: Infinity, reason: 'slots' };
      const known = windowAt(now);
      if (!known) return undefined;
      const spendable = known.left - Math.floor((known.quota * quotaReservePercent) / 100);
      if (spendable > inFlight) return undefined;
      // The calls in flight are counted for more than they may have used: their answers come before the reset.
      return { waitMs: known.resetAt - now, reason: spendable > 0 ? 'slots' : 'quota' };
    },
    started() {
      inFlight++;
    },
    answered(now, heard) {
      inFlight--;
      learn(now, heard.rateLimit);
      if (heard.kind === 'throttled') return backOff(now, heard);
      if (heard.kind === 'unclear') return;
      blindThrottles = 0;
      climb.up();
    },
    withdrawn() {
      inFlight--;
    },
    allowed: climb.allowed,
  };
}
