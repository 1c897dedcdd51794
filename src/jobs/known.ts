/**
 * Of whom a job knows that he had an address, from its own look-ups or from those of earlier runs of its name: hashes of an
 * address and an id, sorted, in a file of 8 bytes each. Two that are not the same share their 64 bits in one of 10 ** 7 jobs of
 * two million rows, and then only count if the store finds exactly this customer for the row.
 */
import { hash } from 'node:crypto';
import { NotFound, readWhole, type Storage } from '../storage/storage.ts';
import type { JobKeys } from './keys.ts';

const BYTES = 8;

export type Known = BigUint64Array;

/** Whether a customer is known to have had an address, as addressKey writes it. */
export function knew(known: Known, key: string, id: number): boolean {
  const wanted = knownHash(key, id);
  let [from, to] = [0, known.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((known[middle] as bigint) < wanted) from = middle + 1;
    else to = middle;
  }
  return known[from] === wanted;
}

export const knownHash = (key: string, id: number): bigint =>
  hash('sha256', `${id} ${key}`, 'buffer').readBigUInt64LE();

/** Nobody if there is no file. */
export async function readKnown(storage: Storage, { known }: JobKeys): Promise<Known> {
  try {
    const bytes = await readWhole(storage, known);
    const count = Math.floor(bytes.length / BYTES);
    return BigUint64Array.from({ length: count }, (_, index) => bytes.readBigUInt64LE(index * BYTES));
  } catch (error) {
    if (error instanceof NotFound) return new BigUint64Array();
    throw error;
  }
}

/** Sorts the hashes, and writes each once. */
export async function writeKnown(storage: Storage, { known }: JobKeys, hashes: Known): Promise<void> {
  const bytes = Buffer.alloc(hashes.length * BYTES);
  let end = 0;
  let last: bigint | undefined;
  for (const one of hashes.sort()) {
    if (one !== last) end = bytes.writeBigUInt64LE(one, end);
    last = one;
  }
  await storage.write(known, [bytes.subarray(0, end)]);
}
