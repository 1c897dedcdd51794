import { Context } from '@temporalio/activity';
import type { Permit, Store } from '../bigcommerce/store.ts';
import type { Quota } from '../contract.ts';
import { beating } from './beating.ts';
import { checkFailure } from './failures.ts';

/** Asks the store whether it takes the token, without changing anything. Returns the quota that it tells. */
export async function checkStore(store: Store, permit: Permit): Promise<{ quota: Quota | null }> {
  const context = Context.current();
  const draining = AbortSignal.any([permit.draining, context.cancellationSignal]);
  try {
    return { quota: await beating(() => store.checkToken({ permit: { ...permit, draining }, probe: 'resume' })) };
  } catch (error) {
    if (context.cancellationDetails?.cancelRequested) throw context.cancellationSignal.reason;
    throw checkFailure(error);
  }
}
