import { Context } from '@temporalio/activity';
import type { Permit, Store } from '../bigcommerce/store.ts';
import { beating } from './beating.ts';
import { checkFailure } from './failures.ts';

/** Asks the store whether it takes the token, without changing anything. */
export async function checkStore(store: Store, permit: Permit): Promise<void> {
  const context = Context.current();
  const draining = AbortSignal.any([permit.draining, context.cancellationSignal]);
  try {
    await beating(() => store.checkToken({ permit: { ...permit, draining }, probe: 'resume' }));
  } catch (error) {
    if (context.cancellationDetails?.cancelRequested) throw context.cancellationSignal.reason;
    throw checkFailure(error);
  }
}
