/**
 * What this process adds to the library's own metrics: `customer_updates_…`, labelled with the store where there is one, and
 * never with a job, of which there is no end. What workflows add is in workflows/metrics.ts.
 */
import type { MetricMeter } from '@temporalio/common';

const CALL_DURATION = 'customer_updates_call_duration_seconds';

/** Bounds of the histograms' buckets: from a fast store to a call's own timeout, in s. The library's own are for ms. */
export const HISTOGRAM_BUCKETS = { [CALL_DURATION]: [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 40, 75] };

/** Makes the metrics. Without METRICS_ADDRESS the library's meter does nothing. */
export function createMetrics(meter: MetricMeter) {
  const duration = meter.createHistogram(CALL_DURATION, 'float', 's', 'Calls to the store, by what they came to');
  const throttled = meter.createCounter(
    'customer_updates_throttled_total',
    '',
    'Calls that the store answered with 429',
  );
  const inFlight = meter.createGauge('customer_updates_calls_in_flight', 'int', '', 'Calls to the store in flight');
  const quotaLeft = meter.createGauge(
    'customer_updates_quota_left',
    'int',
    '',
    'Requests left, as the store said last',
  );
  const leaseHeld = meter.createGauge(
    'customer_updates_lease_held',
    'int',
    '',
    '1 while this process serves the store',
  );
  const givenJobs = meter.createGauge('customer_updates_given_jobs', 'int', '', '1 while this process is given jobs');
  const holders = new Map<string, number>();

  return {
    /** Whom a store's calls are told to. */
    observe(store: string) {
      let calls = 0;
      return {
        callStarted: () => inFlight.set(++calls, { store }),
        callEnded(outcome: string, ms: number) {
          inFlight.set(--calls, { store });
          duration.record(ms / 1000, { store, outcome });
          throttled.add(outcome === 'throttled' ? 1 : 0, { store });
        },
        quotaLeft: (requests: number) => quotaLeft.set(requests, { store }),
      };
    },

    /** The server gives jobs to this process, or to workers of other versions only. */
    givenJobs: (given: boolean) => givenJobs.set(given ? 1 : 0),

    /** An attempt of this process took a store's lease; the function it returns says that it has ended. */
    leaseTaken(store: string): () => void {
      // Of two attempts in one process the later one begins before the earlier one has ended.
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
