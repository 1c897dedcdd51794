import type { Permit, Store } from '../bigcommerce/store.ts';
import { chunkFailure } from './failures.ts';

/** Asks the store whether it takes the token, without changing anything. */
export async function checkStore(store: Store, permit: Permit): Promise<void> {
  try {
    await store.checkToken({ permit, probe: 'resume' });
  } catch (error) {
    const nothing = { updated: 0, failures: [], calls: 0, throttled: 0, attempts: 0, concurrency: store.concurrency() };
    throw chunkFailure(error, 1, nothing);
  }
}
