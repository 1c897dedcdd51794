import { log } from '@temporalio/activity';
import type { LeaseEnd } from '../activity-contract.ts';

/** Says that this process has the lease of a store; the function it returns says that it has it no more. */
export type TellLease = (storeHash: string) => () => void;

/** Runs `serve` under a lease that was just taken, and tells log and metrics of it, and of how it ended. */
export async function holding(
  store: string,
  lost: AbortSignal,
  leaseTaken: TellLease,
  serve: () => Promise<LeaseEnd>,
): Promise<LeaseEnd> {
  log.info('lease taken', { store });
  const ended = leaseTaken(store);
  try {
    const end = await serve();
    log.info('lease given back', { store, why: end });
    return end;
  } catch (error) {
    const why = (error as Error).message;
    if (lost.aborted) log.warn('lease lost', { store, why });
    else log.warn('lease given up', { store, why });
    throw error;
  } finally {
    ended();
  }
}
