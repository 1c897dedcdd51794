/**
 * What jobs log and add to the metrics. The SDK does that once, however often a workflow is replayed. Metrics are
 * labelled with the store, or a schedule's id, and never with a job: there is no end of jobs.
 */
import { log, metricMeter } from '@temporalio/workflow';
import type { CustomerCounts } from '../contract/job.ts';
import type { Hold, HoldKind } from './hold.ts';
import type { Phase, Starved } from './steps.ts';

/**
 * Customers whose outcome became known. One who was rejected because another customer had the e-mail address, and was
 * updated when sent again, counts as both.
 */
export function countCustomers(store: string, counts: Partial<Omit<CustomerCounts, 'total'>>): void {
  const customers = metricMeter.createCounter('customer_updates_customers_total', '', 'Customers by outcome');
  for (const [outcome, count] of Object.entries(counts)) customers.add(Math.max(0, count), { store, outcome });
}

/** What an outcome has added. */
export function countSettled(store: string, before: CustomerCounts, now: CustomerCounts): void {
  const updated = now.updated - before.updated;
  const rejected = now.rejected - before.rejected;
  const failed = now.failed - before.failed;
  const invalid = now.invalid - before.invalid;
  const added = { updated, rejected, failed, invalid };
  if (Object.values(added).some((count) => count !== 0)) countCustomers(store, added);
}

/** A job began to hold, asked the store again in vain, or continues. */
export function logHold(store: string, before: Hold | null, now: Hold | null): void {
  if (!now) return log.info('job continues after a hold', { store, kind: before?.kind });
  const { kind, message, probes, until } = now;
  const holdsUntil = until === null ? 'resumed' : new Date(until).toISOString();
  log.warn('job holds', { store, kind, why: message, asked: probes, until: holdsUntil });
  countHold(store, kind);
}

function countHold(store: string, kind: HoldKind, count = 1): void {
  const description = 'Holds, and failed attempts to end them';
  metricMeter.createCounter('customer_updates_holds_total', '', description).add(count, { store, kind });
}

/** A job had no answer from its store for half a minute. */
export function countStarved(store: string, why: Starved, count = 1): void {
  const description = 'Half minutes without an answer from the store';
  metricMeter.createCounter('customer_updates_starved_total', '', description).add(count, { store, why });
}

/** Starts the counters at 0, so that the first event shows as an increase. */
export function countFromZero(store: string): void {
  for (const kind of ['outage', 'refused', 'rejections'] as const) countHold(store, kind, 0);
  for (const why of ['slow', 'unserved'] as const) countStarved(store, why, 0);
  countCustomers(store, { updated: 0, rejected: 0, failed: 0, invalid: 0, unprocessed: 0 });
}

/** A run of a schedule begins, so that its end shows as an increase; or it has ended. */
export function countScheduledRun(schedule: string, ended?: Phase): void {
  const description = 'Runs of schedules, by how they ended';
  const runs = metricMeter.createCounter('customer_updates_scheduled_runs_total', '', description);
  for (const state of ['completed', 'failed', 'cancelled'] as const) {
    runs.add(state === ended ? 1 : 0, { schedule, state });
  }
}
