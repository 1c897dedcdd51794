import type { CallOptions, Store } from '../bigcommerce/store.ts';
import { type ChunkRef, CHUNKS_PER_PAGE } from '../contract/activities.ts';
import { isUnchanged, type Row } from '../jobs/fields.ts';
import type { Chunk } from '../jobs/pages.ts';
import type { PresentReader } from '../jobs/present.ts';
import { runKeys } from './context.ts';

/** A chunk whose customers are read before they are sent. */
export type ReadChunkRef = ChunkRef & Required<Pick<ChunkRef, 'read'>>;

/**
 * The customers of a chunk that are to be sent, undefined for all of them, once the present values of its page are in
 * the job store. Throws BadPage, and any of bigcommerce/errors.ts.
 */
export async function customersToSend(
  store: Store,
  present: PresentReader,
  { job, chunk: number, probe, read: { chunks, skipUnchanged } }: ReadChunkRef,
  chunk: Chunk,
  calling: CallOptions,
): Promise<number[] | undefined> {
  let asked = false;
  const read = (ids: number[]) => {
    asked = true;
    return store.readCustomers({ ids, ...calling });
  };
  const values = await present.ofPage(runKeys(job), Math.floor(number / CHUNKS_PER_PAGE), chunks, read);
  if (!skipUnchanged) return undefined;
  const rows = JSON.parse(chunk.body) as Row[];
  const changed = rows.filter((row) => !isUnchanged(row, values.get(row.id)));
  // A probe has to make a call.
  if (changed.length === 0 && probe && !asked) await read(rows.map(({ id }) => id));
  return changed.length === rows.length ? undefined : changed.map(({ id }) => id);
}
