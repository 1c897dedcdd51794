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
