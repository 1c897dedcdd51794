import type { Verdict } from './answer.ts';

/** What a call came to: what its answer means, or `aborted`, since the right to send was lost while it was in flight. */
export type CallOutcome = Verdict['kind'] | 'aborted';

/** Is told of the calls to one store as they happen, for metrics. Nothing here throws. */
export interface Observer {
  /** A call is written to the store. */
  callStarted(): void;
  /** That call has ended, `ms` after it was written. */
  callEnded(outcome: CallOutcome, ms: number): void;
  /** Requests left of the store's quota, as an answer says. */
  quotaLeft(requests: number): void;
}

/** How long calls take at present. Times are ms of `performance.now()`. */

export interface RecentCalls {
  /** A call starts; the function it returns ends it, and tells how long it took. */
  begin(): () => number;
  /** The longest of the last 100 calls and of those that still run, by their age; 0 before the first. */
  slowestMs(): number;
}

// Half a minute of an ordinary store's calls, three at a time: long enough to hold its slow ones.
const KEPT = 100;

export function createRecentCalls(): RecentCalls {
  const durations: number[] = [];
  const running = new Set<{ startedAt: number }>();
  let ended = 0;

  return {
    begin() {
      const call = { startedAt: performance.now() };
      running.add(call);
      return () => {
        const ms = performance.now() - call.startedAt;
        running.delete(call);
        durations[ended++ % KEPT] = ms;
        return ms;
      };
    },
    slowestMs() {
      const now = performance.now();
      return Math.max(0, ...durations, ...[...running].map(({ startedAt }) => now - startedAt));
    },
  };
}
