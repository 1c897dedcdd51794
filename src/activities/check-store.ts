import { Context } from '@temporalio/activity';
import type { Permit, Store } from '../bigcommerce/store.ts';
import { checkFailure } from './failures.ts';

/** With a heartbeat timeout of 15 s. */
const HEARTBEAT_MS = 5_000;

/** Asks the store whether it takes the token, without changing anything. */
export async function checkStore(store: Store, permit: Permit): Promise<void> {
  const context = Context.current();
  const heartbeat = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  try {
    const draining = AbortSignal.any([permit.draining, context.cancellationSignal]);
    await store.checkToken({ permit: { ...permit, draining }, probe: 'resume' });
  } catch (error) {
    if (context.cancellationDetails?.cancelRequested) throw context.cancellationSignal.reason;
    throw checkFailure(error);
  } finally {
    clearInterval(heartbeat);
  }
}
