import { AdaptiveConcurrency } from './concurrency.ts';
import type { RateLimit } from './headers.ts';

/** What the pace learns from an answer. */
export interface Feedback {
  /** `taken` and `throttled` (429) show whether there was a slot, `unclear` does not. */
  kind: 'taken' | 'throttled' | 'unclear';
  /** How long a 429 asks to wait; undefined if it does not say. */
  waitMs?: number | undefined;
  /** Undefined if the answer does not say. */
  rateLimit?: RateLimit | undefined;
}

/** Why nothing may start now. `waitMs` is Infinity if only the answer to a call in flight can change that. */
export interface Delay {
  waitMs: number;
  reason: 'slots' | 'quota' | 'throttle';
}

interface Window {
  quota: number;
  left: number;
  windowMs: number;
  resetAt: number;
  /** No answer has described it yet: it is assumed to follow the window before it. */
  assumed: boolean;
}

// A 429 without headers means that the platform is overloaded (BigCommerce's documentation): wait at least this long,
// and longer each time, up to the length of the usual window.
const MIN_BACK_OFF_MS = 1_000;
const MAX_BLIND_BACK_OFF_MS = 30_000;

/**
 * The pace of a store: when the next call may start. Pure; times are ms of one monotonic clock, given by the caller.
 *
 * Invariants:
 * - `#inFlight` calls have started and not yet ended, and a call starts only below `allowed`, which is 1 to 3.
 * - No call starts before `#backOffUntil`.
 * - Within one window of the quota, what is left only goes down, whatever the order of the answers; calls in flight
 *   count as used until they are answered.
 * - While nothing is in flight, the wait is finite: an idle store always gets its turn.
 */
export class Pace {
  readonly #quotaReservePercent: number;
  readonly #random: () => number;
  readonly #concurrency = new AdaptiveConcurrency();
  #inFlight = 0;
  #backOffUntil = -Infinity;
  /** 429s without headers since the last other answer; calls that were in flight together count once. */
  #blindThrottles = 0;
  #window: Window | undefined;

  /** `random` returns numbers in [0, 1), for the jitter. */
  constructor(quotaReservePercent: number, random: () => number = Math.random) {
    this.#quotaReservePercent = quotaReservePercent;
    this.#random = random;
  }

  /** Calls in flight allowed at present, 1 to 3. */
  get allowed(): number {
    return this.#concurrency.allowed;
  }

  /** Undefined if a call may start now. */
  next(now: number): Delay | undefined {
    if (now < this.#backOffUntil) return { waitMs: this.#backOffUntil - now, reason: 'throttle' };
    if (this.#inFlight >= this.allowed) return { waitMs: Infinity, reason: 'slots' };
    const known = this.#windowAt(now);
    if (!known) return undefined;
    const spendable = known.left - Math.floor((known.quota * this.#quotaReservePercent) / 100);
    if (spendable > this.#inFlight) return undefined;
    // The calls in flight may have used less than they are counted for: their answers come before the reset.
    return { waitMs: known.resetAt - now, reason: spendable > 0 ? 'slots' : 'quota' };
  }

  /** A call starts; call this as soon as `next` has allowed it. */
  started(): void {
    this.#inFlight++;
  }

  /** A started call has ended. Without `feedback` it was never written to the store, so it used none of the quota. */
  ended(now: number, feedback?: Feedback): void {
    this.#inFlight--;
    if (!feedback) return;
    this.#learn(now, feedback.rateLimit);
    if (feedback.kind === 'throttled') return this.#backOff(now, feedback);
    if (feedback.kind === 'unclear') return;
    this.#blindThrottles = 0;
    this.#concurrency.up();
  }

  /** The quota's window at this instant: once the last known one is over, the next one is full. */
  #windowAt(now: number): Window | undefined {
    const last = this.#window;
    if (last && now >= last.resetAt) {
      this.#window = { ...last, left: last.quota, resetAt: now + last.windowMs, assumed: true };
    }
    return this.#window;
  }

  #learn(now: number, rateLimit: RateLimit | undefined): void {
    const known = this.#windowAt(now);
    if (!rateLimit) {
      // The store may have counted it all the same.
      if (known) this.#window = { ...known, left: Math.max(0, known.left - 1) };
      return;
    }
    const { quota, left, windowMs } = rateLimit;
    const resetAt = now + rateLimit.resetMs;
    // Two estimates of one reset differ by the time an answer takes; the resets of two windows by a whole window.
    const later = known ? resetAt - known.resetAt : Infinity;
    if (!known || known.assumed || later > windowMs / 2) {
      this.#window = { quota, left, windowMs, resetAt, assumed: false };
    } else if (later > -windowMs / 2) {
      this.#window = {
        ...known,
        quota,
        left: Math.min(known.left, left),
        resetAt: Math.min(known.resetAt, resetAt),
      };
    }
    // Otherwise it is a late answer from a window that is over.
  }

  #backOff(now: number, { waitMs, rateLimit }: Feedback): void {
    // Calls that were in flight together are throttled together: that is one event, not three.
    const first = now >= this.#backOffUntil;
    if (first && waitMs === undefined) this.#blindThrottles++;
    // With requests left, or no quota stated, somebody else is using the slots.
    if (first && (rateLimit?.left ?? 1) > 0) this.#concurrency.down();
    const blindMs = MIN_BACK_OFF_MS * 2 ** Math.max(0, this.#blindThrottles - 1) * (1 + this.#random() / 2);
    const askedMs = waitMs ?? Math.min(blindMs, MAX_BLIND_BACK_OFF_MS);
    this.#backOffUntil = Math.max(this.#backOffUntil, now + Math.max(askedMs, MIN_BACK_OFF_MS));
  }
}
