/** How long calls take at present. Times are ms of `performance.now()`. */

export interface RecentCalls {
  /** A call starts; the function it returns ends it. */
  begin(): () => void;
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
        running.delete(call);
        durations[ended++ % KEPT] = performance.now() - call.startedAt;
      };
    },
    slowestMs() {
      const now = performance.now();
      return Math.max(0, ...durations, ...[...running].map(({ startedAt }) => now - startedAt));
    },
  };
}
