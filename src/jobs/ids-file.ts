/** The ids that the rows of a source name, as a file: four bytes each, sorted, without gaps. */
import { NotFound, readWhole, type Storage } from '../storage/storage.ts';
import type { JobKeys } from './keys.ts';

/** `ids` are sorted. */
export async function saveIds(storage: Storage, keys: JobKeys, ids: Uint32Array): Promise<void> {
  const bytes = Buffer.alloc(ids.length * 4);
  for (const [index, id] of ids.entries()) bytes.writeUInt32LE(id, index * 4);
  await storage.write(keys.ids, [bytes]);
}

/** None if there is no file: then no row names one, or the job looks for nobody by e-mail address. */
export async function readIds(storage: Storage, keys: JobKeys): Promise<Uint32Array> {
  try {
    const bytes = await readWhole(storage, keys.ids);
    return Uint32Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => bytes.readUInt32LE(index * 4));
  } catch (error) {
    if (error instanceof NotFound) return new Uint32Array();
    throw error;
  }
}

/** Whether a sorted list has an id. */
export function hasId(ids: Uint32Array, id: number): boolean {
  let [from, to] = [0, ids.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((ids[middle] as number) < id) from = middle + 1;
    else to = middle;
  }
  return ids[from] === id;
}
