import { setImmediate as nextTurn } from 'node:timers/promises';
import { BadSource } from './record.ts';

/**
 * Most rows of a source: twice the customers that a job may have, so that one half may be invalid. What a workflow keeps of
 * a job's rows grows with them, and ends at the 2 MB that Temporal takes.
 */
export const MAX_ROWS = 4_000_000;

/** Most bytes of a source, unpacked: 2 KiB for each of its rows, of which an ordinary customer needs some hundred bytes. */
const MAX_SOURCE_BYTES = MAX_ROWS * 2_048;

/** Bytes between two turns of the process: the slowest text that we found takes it 0.2 s, and leases are renewed meanwhile. */
const TURN_BYTES = 16 * 1024;

/**
 * The same bytes, in pieces that leave the process time for others. Iterating throws BadSource beyond `most`: ten megabytes
 * of gzip may unpack to ten gigabytes.
 */
export async function* bounded(
  bytes: AsyncIterable<Uint8Array>,
  most: number = MAX_SOURCE_BYTES,
): AsyncGenerator<Uint8Array> {
  let read = 0;
  for await (const piece of bytes) {
    read += piece.length;
    if (read > most) {
      throw new BadSource(
        `Expected a source of at most ${most.toLocaleString('en')} bytes, unpacked, got more. Split it into several jobs.`,
      );
    }
    for (let at = 0; at < piece.length; at += TURN_BYTES) {
      yield piece.subarray(at, at + TURN_BYTES);
      await nextTurn();
    }
  }
}
