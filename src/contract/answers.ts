/** What a job answers about its chunks and its failures. */
import type { Failure } from './job.ts';

/** @asType integer @minimum 0 */
type Count = number;

/** The answer of the `outcomes` query: the chunks whose numbers are in a slice. A look-up leaves some numbers without one. */
export interface Outcomes {
  /** All numbers of chunks are below it. */
  total: Count;
  /** Those of at most 1,000 numbers, in order. */
  outcomes: ChunkSummary[];
}

/** What became of one chunk. */
export interface ChunkSummary {
  /** 0-based. */
  chunk: Count;
  /** First and last source row in it; after a look-up, in the 2,000 rows that it is from. */
  rows: [first: Count, last: Count];
  /** `pending`: no outcome yet. `unprocessed`: the job ended without it. */
  state: 'pending' | 'done' | 'unprocessed';
  /** Customers in it that the store has accepted. */
  updated: Count;
  /** Customers in it that the store would not take. */
  rejected: Count;
  /** Customers in it that were not applied after all retries. */
  failed: Count;
  /** Attempts of its activity, counted up to 15. */
  attempts: Count;
}

/** The answer of the `failures` query: a page of the latest failures, by row. */
export interface Failures {
  /** At most 500 of the latest 1,000. */
  failures: Failure[];
  /** All rows rejected, failed or invalid so far, including those in files. */
  total: Count;
  /** Pass it as `after` to get the next page; null on the last. */
  next: Count | null;
  /** URI of the newest file of older failures, which names the one before it; null while there are none. */
  olderIn: string | null;
}
