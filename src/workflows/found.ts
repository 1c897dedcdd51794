import type { PageOutcome } from '../contract/activities.ts';
import type { Comparison } from '../contract/dry-run.ts';
import { CHUNK_SIZE } from '../contract/job.ts';

/** What a dry run finds, and whom sending would send in how many calls. */
export interface Found {
  compared: Comparison;
  customers: number;
  calls: number;
}

export const NOTHING_FOUND: Found = {
  compared: { changed: 0, unchanged: 0, unknown: 0, ambiguous: 0, sameCustomer: 0, unreadable: 0 },
  customers: 0,
  calls: 0,
};

/** With what was found on one more page. */
export function foundMore(
  found: Found,
  { chunks, lastSize, callsToSend = chunks }: PageOutcome,
  compared: Comparison,
): Found {
  const sums = Object.entries(found.compared).map(([what, rows]) => [what, rows + compared[what as keyof Comparison]]);
  return {
    compared: Object.fromEntries(sums) as Comparison,
    customers: found.customers + Math.max(0, chunks - 1) * CHUNK_SIZE + lastSize,
    calls: found.calls + callsToSend,
  };
}
