import { isUtf8 } from 'node:buffer';
import type { OutcomeCode } from '../../contract/job.ts';

/** What makes a row unusable, found before any call. The message never holds a customer's data. */
export interface Problem {
  code: Extract<OutcomeCode, 'invalid_field' | 'unknown_field' | 'read_only_field' | 'duplicate'>;
  message: string;
}

/** One data record of a source, not checked yet, or why it can't be read; `row` is 1-based and goes up by one. */
export type SourceRecord =
  { row: number; value: unknown; problem?: undefined } | { row: number; problem: Problem; value?: undefined };

/** Most bytes one record may have: far more than a customer, and a bound on memory where a file has no line ends. */
export const MAX_RECORD_BYTES = 1024 * 1024;

/** Puts the bytes of a record together where it is spread over pieces of a file. */
export class RecordBytes {
  #parts: Uint8Array[] = [];
  #length = 0;

  /** Nothing of a record was kept yet. */
  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Keeps the start or middle of a record. Beyond MAX_RECORD_BYTES it is only counted. */
  keep(part: Uint8Array): void {
    // An empty one would keep all of its piece.
    if (part.length === 0) return;
    this.#length += part.length;
    if (this.#length > MAX_RECORD_BYTES) this.#parts = [];
    else this.#parts.push(part);
  }

  /** The whole record, given its last part, as text; or why it is none. Ready for the next record then. */
  take(last: Uint8Array): string | Problem {
    const length = this.#length + last.length;
    const bytes = this.#length === 0 ? last : Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    this.#length = 0;
    return length > MAX_RECORD_BYTES ? tooLong(length) : decode(bytes);
  }
}

/** Bytes as text, or the problem that they are not UTF-8. */
export function decode(bytes: Uint8Array): string | Problem {
  if (isUtf8(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return { code: 'invalid_field', message: 'Expected text in UTF-8, got bytes that are none. Save the file as UTF-8.' };
}

function tooLong(length: number): Problem {
  return {
    code: 'invalid_field',
    message: `Expected a record of at most ${MAX_RECORD_BYTES} bytes, got ${length}.`,
  };
}
