/**
 * What this process adds to the SDK's own metrics: `customer_updates_…`, labelled with the store if there is one, or a
 * schedule's id, but never with a job, because there is no limit to those. What workflows add is in workflows/metrics.ts.
 */
import type { MetricMeter } from '@temporalio/common';

const CALL_DURATION = 'customer_updates_call_duration_seconds';

/**
 * Bounds of the histogram's buckets in s, from a fast store to a call's own timeout. The SDK's default bounds are in
 * ms.
 */
export const HISTOGRAM_BUCKETS = { [CALL_DURATION]: [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 40, 75] };

/** Makes the metrics. Without METRICS_ADDRESS the SDK's meter does nothing. */
export function createMetrics(meter: MetricMeter) {
  const gauge = (name: string, description: string) =>
    meter.createGauge(`customer_updates_${name}`, 'int', '', description);
  const duration = meter.createHistogram(CALL_DURATION, 'float', 's', 'Calls to the store, by endpoint and outcome');
  const throttled = meter.createCounter(
    'customer_updates_throttled_total',
    '',
    'Calls that the store answered with 429',
  );
  const inFlight = gauge('calls_in_flight', 'Calls to the store in flight');
  const quotaLeft = gauge('quota_left', "Requests left in the store's quota, as of its latest answer");
  const runsStarted = gauge('schedule_started', 'Runs that a schedule has started');
  const runsSkipped = gauge(
    'schedule_skipped',
    'Runs that a schedule has not started: one was running, or the server away',
  );
  const leaseHeld = gauge('lease_held', '1 while this process serves the store');
  const holders = new Map<string, number>();

  return {
    observe(store: string) {
      let calls = 0;
      return {
        callStarted: () => inFlight.set(++calls, { store }),
        callEnded(endpoint: string, outcome: string, ms: number) {
          inFlight.set(--calls, { store });
          duration.record(ms / 1000, { store, endpoint, outcome });
          throttled.add(outcome === 'throttled' ? 1 : 0, { store });
        },
        quotaLeft: (requests: number) => quotaLeft.set(requests, { store }),
      };
    },

    schedule(schedule: string, { started, skipped }: { started: number; skipped: number }): void {
      runsStarted.set(started, { schedule });
      runsSkipped.set(skipped, { schedule });
    },

    /**
     * To be called when an attempt in this process takes a store's lease; the function it returns, when that one ends.
     */
    leaseTaken(store: string): () => void {
      // Within one process the next attempt may begin before the last one has ended.
      const count = (change: 1 | -1) => {
        const attempts = (holders.get(store) ?? 0) + change;
        holders.set(store, attempts);
        leaseHeld.set(attempts > 0 ? 1 : 0, { store });
      };
      count(1);
      return () => count(-1);
    },
  };
}
