/** The lines of report.csv, in which the starter prints failures as well. */
import { stringify } from 'csv-stringify/sync';
import type { Failure, OutcomeCode } from '../contract.ts';

/** What became of a row. */
export interface ReportedRow extends Pick<Failure, 'row' | 'id' | 'message'> {
  outcome: 'updated' | Failure['outcome'] | 'unprocessed';
  /** `unchanged` is an updated one who had all values already; other updated ones have none. */
  code: OutcomeCode | 'unchanged' | '';
}

const COLUMNS = ['row', 'id', 'outcome', 'code', 'message'];

/** The first line, with its end. */
export const CSV_HEADING = stringify([COLUMNS]);

/** A line a row, each with its end. A spreadsheet runs what looks like a formula, and some messages are the store's. */
export const csvLines = (rows: readonly ReportedRow[]): string =>
  stringify(rows as ReportedRow[], { columns: COLUMNS, escape_formulas: true });
