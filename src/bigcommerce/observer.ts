import type { Verdict } from './answer.ts';

/** How a call ended: what its answer means, or `aborted` if the right to send was lost while it was in flight. */
export type CallOutcome = Verdict<unknown>['kind'] | 'aborted';

/** Is notified of the calls to one store as they happen, for metrics. Nothing here throws. */
export interface Observer {
  /** A call is being written to the store. */
  callStarted(): void;
  /** That call has ended, `ms` after it was written. */
  callEnded(outcome: CallOutcome, ms: number): void;
  /** Requests left in the store's quota, according to an answer. */
  quotaLeft(requests: number): void;
}

// Half a minute of an ordinary store's calls, three at a time: long enough to include its slow ones.
const KEPT = 100;

/** The durations of a store's calls. Times are ms of `performance.now()`. */
export class RecentCalls {
  readonly #observer: Observer;
  readonly #durations: number[] = [];
  readonly #running = new Set<{ startedAt: number }>();
  #ended = 0;

  constructor(observer: Observer) {
    this.#observer = observer;
  }

  /** A call starts; the function it returns ends it. */
  start(): (outcome: CallOutcome) => void {
    const call = { startedAt: performance.now() };
    this.#running.add(call);
    this.#observer.callStarted();
    return (outcome) => {
      const ms = performance.now() - call.startedAt;
      this.#running.delete(call);
      this.#durations[this.#ended++ % KEPT] = ms;
      this.#observer.callEnded(outcome, ms);
    };
  }

  /** The longest of the last 100 calls and of those still running, by their age; 0 before the first. */
  slowestMs(): number {
    const now = performance.now();
    return Math.max(0, ...this.#durations, ...[...this.#running].map(({ startedAt }) => now - startedAt));
  }
}
