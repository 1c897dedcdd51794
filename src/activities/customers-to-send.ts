import { CHUNKS_PER_PAGE, type ReadChunkRef } from '../activity-contract.ts';
import type { CallOptions, Store } from '../bigcommerce/store.ts';
import type { Chunk } from '../jobs/pages.ts';
import type { PresentReader } from '../jobs/present.ts';
import { isUnchanged } from '../jobs/unchanged.ts';
import type { Row } from '../jobs/values.ts';
import { runKeys } from './run-keys.ts';

/**
 * The customers of a chunk that are to be sent, undefined for all of them, once the present values of its page are in the
 * job store. Throws BadPage, and any of bigcommerce/errors.ts.
 */
export async function customersToSend(
  store: Store,
  present: PresentReader,
  ref: ReadChunkRef,
  chunk: Chunk,
  calling: CallOptions,
): Promise<number[] | undefined> {
  // Those were sent before, and rejected.
  if (ref.only) return ref.only;
  let asked = false;
  const read = (ids: number[]) => {
    asked = true;
    return store.readCustomers({ ids, ...calling });
  };
  const page = Math.floor(ref.chunk / CHUNKS_PER_PAGE);
  const values = await present.ofPage(runKeys(ref.job), page, ref.chunks, read);
  if (!ref.skipUnchanged) return undefined;
  const rows = JSON.parse(chunk.body) as Row[];
  const changed = rows.filter((row) => !isUnchanged(row, values.get(row.id)));
  // Whoever asks whether the store takes calls again has to make one.
  if (changed.length === 0 && ref.probe && !asked) await read(rows.map(({ id }) => id));
  return changed.length === rows.length ? undefined : changed.map(({ id }) => id);
}
