import type { PageOutcome } from '../contract/activities.ts';
import type { Comparison } from '../contract/dry-run.ts';
import { CHUNK_SIZE } from '../contract/job.ts';

/** What a dry run finds, and whom sending would send in how many calls. */
export interface Found extends Comparison {
  customers: number;
  chunks: number;
}

export const NOTHING_FOUND: Found = { changed: 0, unchanged: 0, missing: 0, customers: 0, chunks: 0 };

/** With what was found on one more page. */
export function foundMore(found: Found, { chunks, lastSize }: PageOutcome, compared: Comparison): Found {
  return {
    changed: found.changed + compared.changed,
    unchanged: found.unchanged + compared.unchanged,
    missing: found.missing + compared.missing,
    customers: found.customers + Math.max(0, chunks - 1) * CHUNK_SIZE + lastSize,
    chunks: found.chunks + chunks,
  };
}
