/**
 * What jobs add to the metrics. Told once, however often a workflow is replayed, and no part of its history. Each is
 * labelled with the store and never with a job, of which there is no end.
 */
import { log, metricMeter } from '@temporalio/workflow';
import type { CustomerCounts } from '../contract/job.ts';
import type { Hold, HoldKind } from './hold.ts';
import type { Starved } from './job.ts';

/**
 * Customers of whom it became known what became of them. One who was rejected since somebody else had the e-mail address,
 * and is updated when sent once more, counts as both.
 */
export function countCustomers(store: string, counts: Partial<Omit<CustomerCounts, 'total'>>): void {
  const customers = metricMeter.createCounter(
    'customer_updates_customers_total',
    '',
    'Customers by what became of them',
  );
  for (const [outcome, count] of Object.entries(counts)) customers.add(Math.max(0, count), { store, outcome });
}

/** What a chunk's outcome has added. */
export function countSettled(store: string, before: CustomerCounts, now: CustomerCounts): void {
  const [updated, rejected, failed] = [
    now.updated - before.updated,
    now.rejected - before.rejected,
    now.failed - before.failed,
  ];
  if (updated !== 0 || rejected !== 0 || failed !== 0) countCustomers(store, { updated, rejected, failed });
}

/** A job began to hold, asked the store again in vain, or goes on. */
export function tellHold(store: string, before: Hold | null, now: Hold | null): void {
  if (!now) return log.info('job goes on after a hold', { store, kind: before?.kind });
  const { kind, message, probes, until } = now;
  const goesOn = until === null ? 'on resume' : new Date(until).toISOString();
  log.warn('job holds', { store, kind, why: message, asked: probes, until: goesOn });
  countHold(store, kind);
}

/** A job began to hold, or asked the store again in vain. */
function countHold(store: string, kind: HoldKind, count = 1): void {
  const holds = metricMeter.createCounter(
    'customer_updates_holds_total',
    '',
    'Holds, and questions asked in vain in them',
  );
  holds.add(count, { store, kind });
}

/** A job heard nothing from its store for half a minute. */
export function countStarved(store: string, why: Starved, count = 1): void {
  const starved = metricMeter.createCounter(
    'customer_updates_starved_total',
    '',
    'Half minutes without a word of the store',
  );
  starved.add(count, { store, why });
}

/** What follows may be counted here for the first time: counters that begin at 0 show the first event as an increase. */
export function countFromZero(store: string): void {
  for (const kind of ['outage', 'refused', 'rejections'] as const) countHold(store, kind, 0);
  for (const why of ['slow', 'unserved'] as const) countStarved(store, why, 0);
  countCustomers(store, { updated: 0, rejected: 0, failed: 0, invalid: 0, unprocessed: 0 });
}
