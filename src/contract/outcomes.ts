/**
 * Chunk outcomes as small numbers, and small numbers as short text: this is how 100,000 chunks fit into one workflow's
 * state. Pure, and part of the workflow bundle.
 */
import type { Plan } from './activities.ts';
import { CHUNK_SIZE } from './job.ts';

/** What is kept of one chunk. The rest of its customers are updated. */
export interface ChunkCode {
  /** `none`: no row is left for it after a look-up. */
  state: 'pending' | 'done' | 'unprocessed' | 'none';
  rejected: number;
  failed: number;
  attempts: number;
}

/** Attempts are counted up to this number, which means "this many or more". */
export const MAX_ATTEMPTS_SHOWN = 15;

const NOT_DONE = ['pending', 'unprocessed', 'none'] as const;
const FIRST_DONE = NOT_DONE.length;

// A chunk has at most 10 customers, so 11 values each of rejected and failed.
const VALUES = 11;

/** A number below 2,000. The most frequent outcomes get the smallest numbers, which take one character. */
export function encodeChunk({ state, rejected, failed, attempts }: ChunkCode): number {
  if (state !== 'done') return NOT_DONE.indexOf(state);
  const shown = Math.min(Math.max(attempts, 1), MAX_ATTEMPTS_SHOWN) - 1;
  return FIRST_DONE + shown + MAX_ATTEMPTS_SHOWN * (rejected + VALUES * failed);
}

export function decodeChunk(code: number): ChunkCode {
  const state = NOT_DONE[code];
  if (state) return { state, rejected: 0, failed: 0, attempts: 0 };
  const done = code - FIRST_DONE;
  const counts = Math.floor(done / MAX_ATTEMPTS_SHOWN);
  return {
    state: 'done',
    rejected: counts % VALUES,
    failed: Math.floor(counts / VALUES),
    attempts: (done % MAX_ATTEMPTS_SHOWN) + 1,
  };
}

// Base 32 with a continuation bit: a number below 32 takes one character, one below 1,024 two. JSON escapes none of the
// 64 characters; the first 32 end a number, the others continue it.
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345abcdefghijklmnopqrstuvwxyz6789-_';
const REPEAT = '*';

function encodeNumber(value: number): string {
  let text = DIGITS.charAt(value % 32);
  for (let rest = Math.floor(value / 32); rest > 0; rest = Math.floor(rest / 32)) {
    text = DIGITS.charAt(32 + (rest % 32)) + text;
  }
  return text;
}

/** Non-negative whole numbers as text: each number once, then how often it repeats. */
export function encodeRuns(values: ArrayLike<number>): string {
  const parts: string[] = [];
  for (let start = 0, end = 0; start < values.length; start = end) {
    const value = values[start] as number;
    while (end < values.length && values[end] === value) end++;
    const repeats = end - start - 1;
    parts.push(encodeNumber(value), repeats > 0 ? REPEAT + encodeNumber(repeats) : '');
  }
  return parts.join('');
}

/** The inverse of encodeRuns. Throws RangeError unless `text` holds exactly `count` numbers. */
export function decodeRuns(text: string, count: number): Uint32Array {
  const values = new Uint32Array(count);
  let length = 0;
  let repeating = false;
  let number = 0;
  for (const char of text) {
    if (char === REPEAT) {
      repeating = true;
      continue;
    }
    const digit = DIGITS.indexOf(char);
    if (digit < 0) throw new RangeError(`Expected encoded numbers, found the character ${JSON.stringify(char)}.`);
    number = number * 32 + (digit % 32);
    if (digit >= 32) continue;
    const end = length + (repeating ? number : 1);
    if (end > count) throw new RangeError(`Expected ${count} encoded numbers, found more.`);
    values.fill(repeating ? (values[length - 1] as number) : number, length, end);
    length = end;
    repeating = false;
    number = 0;
  }
  if (length !== count) throw new RangeError(`Expected ${count} encoded numbers, found ${length}.`);
  return values;
}

/** Customers in a chunk: as many as a call takes, except in the last chunk to be sent and in the very last one. */
export function chunkSize(plan: Plan, chunk: number): number {
  if (chunk === plan.chunks - 1) return plan.lastSize;
  return chunk === plan.chunksToSend - 1 ? plan.lastSentSize : CHUNK_SIZE;
}

/** First and last source row of every chunk. */
export function chunkRows(plan: Plan): { first: Uint32Array; last: Uint32Array } {
  const skipped = decodeRuns(plan.gaps, 2 * plan.chunks);
  const first = new Uint32Array(plan.chunks);
  const last = new Uint32Array(plan.chunks);
  for (let chunk = 0, row = 0; chunk < plan.chunks; chunk++) {
    first[chunk] = row + 1 + (skipped[2 * chunk] as number);
    row = (first[chunk] as number) + chunkSize(plan, chunk) - 1 + (skipped[2 * chunk + 1] as number);
    last[chunk] = row;
  }
  return { first, last };
}
