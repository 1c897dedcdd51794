import type { OutcomeCode } from '../../contract/job.ts';

/** The source can't be read as what it is supposed to be. The message never holds a customer's data. */
export class BadSource extends Error {
  override name = 'BadSource';
}

/** There is no file where the source should be. */
export class MissingSource extends BadSource {
  override name = 'MissingSource';
}

/** What makes a row unusable, found before any call. The message never holds a customer's data. */
export interface Problem {
  code: Extract<OutcomeCode, 'invalid_field' | 'unknown_field' | 'unknown_group' | 'unknown_attribute' | 'duplicate'>;
  message: string;
}

/** One data record of a source, not checked yet. */
export interface SourceRecord {
  /** From 1, going up by one. */
  row: number;
  /** The line of the file in which it begins, from 1; null if there is no file. */
  line: number | null;
  /** The customer; if there is a problem, only what names him, or what could be read. */
  value: unknown;
  /** Why the record can't be used. */
  problem?: Problem;
  /** What the source itself says: the text of a JSON value, or the cells of a CSV row. Absent if it is too long. */
  raw?: string | RawCells;
}

/** A row of a CSV file, without the columns `error_code` and `error`. */
export interface RawCells {
  /** Those after the last heading are too many, or are a line that can't be told apart, in one cell. */
  cells: readonly string[];
  table: Table;
}

/** What the rows of a CSV file have in common. */
export interface Table {
  delimiter: string;
  /** Up to the last one that is not blank, without `error_code` and `error`. */
  headings: readonly string[];
  /** Which of them is the id's, 0-based; -1 if none is. */
  idAt: number;
}

/** Most characters of a record: far more than a customer, and a bound on memory for a file without line ends. */
export const MAX_RECORD = 1024 * 1024;

/** A record of more characters than MAX_RECORD. */
export function tooLong(row: number, line: number, length: number): SourceRecord {
  const message = `Expected a record of at most ${MAX_RECORD} characters, got ${length}.`;
  return { row, line, value: undefined, problem: { code: 'invalid_field', message } };
}
