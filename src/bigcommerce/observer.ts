import type { Verdict } from './answer.ts';

/** How a call ended: what its answer means, or `aborted` if the right to send was lost while it was in flight. */
export type CallOutcome = Verdict<unknown>['kind'] | 'aborted';

/** Is notified of the calls to one store as they happen, for metrics. Nothing here throws. */
export interface Observer {
  /** A call is being written to the store. */
  callStarted(): void;
  /** That call, to an endpoint such as `customers`, has ended, `ms` after it was written. */
  callEnded(endpoint: string, outcome: CallOutcome, ms: number): void;
  /** Requests left in the store's quota, according to an answer. */
  quotaLeft(requests: number): void;
}

// Half a minute of an ordinary store's calls, three at a time: long enough to include its slow ones.
const KEPT = 100;

/**
 * The most that one pause of the process adds to the age of a call: after a longer one its lease is lost, and time in
 * which nothing could run is no latency of the store.
 */
const LONGEST_PAUSE_MS = 5_000;

/** How often the ages are brought up to date while calls run: what is much longer was a pause. */
const TICK_MS = 500;

/** The durations of a store's calls, in ms, without long pauses of the process. */
export class RecentCalls {
  readonly #observer: Observer;
  readonly #durations: number[] = [];
  readonly #running = new Set<{ startedAt: number }>();
  #ended = 0;
  #ticker: NodeJS.Timeout | undefined;
  #tickedAt = performance.now();
  #awakeMs = 0;

  constructor(observer: Observer) {
    this.#observer = observer;
  }

  /** A call to an endpoint starts; the function it returns ends it. */
  start(endpoint: string): (outcome: CallOutcome) => void {
    const call = { startedAt: this.#now() };
    this.#running.add(call);
    this.#ticker ??= setInterval(() => this.#now(), TICK_MS).unref();
    this.#observer.callStarted();
    return (outcome) => {
      const ms = this.#now() - call.startedAt;
      this.#running.delete(call);
      if (this.#running.size === 0) this.#stopTicking();
      this.#durations[this.#ended++ % KEPT] = ms;
      this.#observer.callEnded(endpoint, outcome, ms);
    };
  }

  /** The longest of the last 100 calls and of those still running, by their age; 0 before the first. */
  slowestMs(): number {
    const now = this.#now();
    return Math.max(0, ...this.#durations, ...[...this.#running].map(({ startedAt }) => now - startedAt));
  }

  #stopTicking(): void {
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  /** A clock that leaves out long pauses. */
  #now(): number {
    const now = performance.now();
    this.#awakeMs += Math.min(now - this.#tickedAt, LONGEST_PAUSE_MS);
    this.#tickedAt = now;
    return this.#awakeMs;
  }
}
