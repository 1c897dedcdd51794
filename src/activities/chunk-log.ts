/** What the log says of chunks: what matters, and at debug level the ordinary. The library adds job and attempt. */
import { log } from '@temporalio/activity';
import { Draining, LeaseLost, Refused, StoreError, Throttled, Unavailable } from '../bigcommerce/errors.ts';
import type { UpdateOutcome } from '../bigcommerce/store.ts';
import type { ChunkRef } from '../activity-contract.ts';
import { BadPage } from '../jobs/errors.ts';
import { StorageFailed } from '../storage/storage.ts';

const WARNINGS = [
  [Unavailable, 'chunk not answered'],
  [Refused, 'chunk refused'],
  [LeaseLost, 'chunk stopped: the lease was lost'],
  [BadPage, 'chunk not readable in the job store'],
  [StorageFailed, 'chunk stopped: the job store fails'],
] as const;

/** A chunk all of whose customers are settled. */
export function logSettled({ job, chunk }: ChunkRef, settled: UpdateOutcome): void {
  const { calls, requestId } = settled;
  const [updated, rejected, failed] = [settled.updated.length, settled.rejected.length, settled.failed.length];
  const fields = { store: job.storeHash, chunk, updated, rejected, failed, calls, requestId };
  if (rejected + failed === 0) log.debug('chunk updated', fields);
  else log.info('chunk isolated', fields);
}

/** An attempt that did not settle its chunk. Of errors that are none of ours the library tells. */
export function logUnsettled({ job, chunk }: ChunkRef, error: unknown): void {
  const spent = error instanceof StoreError ? { calls: error.calls, requestId: error.requestId } : {};
  const fields = { store: job.storeHash, chunk, ...spent };
  if (error instanceof Throttled) return log.info('chunk throttled', { ...fields, waitMs: Math.round(error.delayMs) });
  if (error instanceof Draining) return log.debug('chunk stopped: this process or the job stops', fields);
  const [, what] = WARNINGS.find(([kind]) => error instanceof kind) ?? [];
  if (what) log.warn(what, { ...fields, why: (error as Error).message });
}
