/** The records of a CSV file. */
import { AssertionError } from 'node:assert';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isAddress } from '../../contract/address.ts';
import type { Match } from '../../contract/job.ts';
import { setAttribute } from '../attributes.ts';
import { customerId } from '../customer.ts';
import { FIELDS, type FormField, GROUP, type Values } from '../fields.ts';
import { plainText } from './cell-text.ts';
import { type Column, type ColumnOptions, type Columns, Headings, leftOutNotes } from './columns.ts';
import { CsvReader, type CsvRow, inOneCell } from './csv-reader.ts';
import { findHeading, type Heading, showsHeading } from './heading.ts';
import { BadSource, type Problem, type SourceRecord, type Table } from './record.ts';
import { isBlank, startFirst, trimmed } from './text.ts';
import { RowValues, type ValueOptions } from './values.ts';

/** How a CSV source is to be read. */
export interface CsvOptions extends ColumnOptions, ValueOptions {
  /** Take a quoted cell that closes properly as one cell, even if it looks as if it had swallowed rows. */
  trustQuotes: boolean;
}

/** Rows given at once: others get their turn between two batches. */
const BATCH = 500;

/**
 * The records of a CSV file: comma, semicolon, tab or pipe, and LF, CRLF or CR, whichever the file has. Every line of it
 * is part of exactly one record, of the headings or what stands above them, or blank. `note` is given what a person should
 * know. Iterating throws BadSource or NamesNeeded before the first record if the headings are not usable, or not yet, and
 * BadSource later if the file can't be read on.
 */
export async function* csvRecords(
  text: AsyncIterable<string>,
  options: CsvOptions,
  note: (text: string) => void = () => undefined,
): AsyncGenerator<SourceRecord[]> {
  let file: CsvFile | undefined;
  for await (const piece of startFirst(text, showsHeading)) {
    if (file) yield* inBatches(file.read(piece));
    else {
      if (/^\s*[[{]/.test(piece)) {
        throw new BadSource(
          'Expected CSV, got JSON. Say so with --format json or ndjson (format), or rename the file.',
        );
      }
      const headings = new Headings(options);
      const heading = findHeading(piece, headings);
      if (!heading) return;
      file = new CsvFile(heading, headings, options);
      for (const line of file.notes) note(line);
      yield* inBatches(file.read(piece.slice(heading.length)));
    }
  }
  if (!file) return;
  yield* inBatches(file.end());
  for (const line of file.notesAtEnd) note(line);
}

async function* inBatches(records: SourceRecord[]): AsyncGenerator<SourceRecord[]> {
  for (let at = 0; at < records.length; at += BATCH) {
    if (at > 0) await nextTurn();
    yield records.slice(at, at + BATCH);
  }
}

/** What follows the headings of a CSV file. */
class CsvFile {
  readonly #heading: Heading;
  readonly #headings: Headings;
  readonly #columns: Columns;
  readonly #table: Table;
  readonly #hasErrors: boolean;
  readonly #match: Match;
  readonly #idAt: number;
  readonly #values: RowValues;
  readonly #reader: CsvReader;
  #rows = 0;
  /** Length of what was read, and of the records that it became. */
  #read = 0;
  #recorded = 0;
  #overLines = 0;
  #lineEnded = true;

  constructor(heading: Heading, headings: Headings, options: CsvOptions) {
    this.#heading = heading;
    this.#headings = headings;
    this.#columns = headings.columnsOf(heading.headings);
    this.#match = options.match;
    this.#idAt = this.#indexOf('id');
    this.#values = new RowValues(options);
    const { trustQuotes } = options;
    const { delimiter, lineEnd, lines } = heading;
    const { list } = this.#columns;
    const own = heading.headings.filter((_, index) => list[index] !== 'error');
    this.#hasErrors = own.length < list.length;
    const named = own.slice(0, own.findLastIndex((name) => name !== '') + 1);
    const errorsBefore = list.slice(0, Math.max(this.#idAt, 0)).filter((column) => column === 'error').length;
    this.#table = { delimiter, headings: named, idAt: this.#idAt < 0 ? -1 : this.#idAt - errorsBefore };
    const emailAt = this.#match === 'email' ? this.#indexOf('email') : -1;
    const hasKey = (cells: readonly string[]) =>
      customerId(this.#idIn(cells)) !== null || isAddress(this.#textOf(cells[emailAt] ?? ''));
    const widths = { width: list.length, ownWidth: own.length };
    this.#reader = new CsvReader({ delimiter, lineEnd, ...widths, hasKey, trustQuotes, linesBefore: lines });
  }

  #indexOf(field: Column['field']): number {
    return this.#columns.list.findIndex((column) => typeof column === 'object' && column.field === field);
  }

  /** What a person should know of how the file is read. */
  get notes(): string[] {
    const { titles } = this.#heading;
    const { leftOut } = this.#columns;
    const lines = titles.length === 1 ? 'line' : 'lines';
    return [
      ...(titles.length > 0 ? [`Left out above the headings: ${lines} ${titles.join(', ')}.`] : []),
      ...leftOutNotes(leftOut),
    ];
  }

  /** The same, known only when all of it is read. */
  get notesAtEnd(): string[] {
    const { notes } = this.#values;
    if (this.#overLines === 0) return notes;
    const rows = this.#overLines.toLocaleString('en');
    return [`Rows that take up several lines, because a quoted cell does: ${rows}.`, ...notes];
  }

  read(text: string): SourceRecord[] {
    this.#read += text.length;
    if (text !== '') this.#lineEnded = text.endsWith(this.#heading.lineEnd);
    return this.#records(this.#reader.push(text));
  }

  end(): SourceRecord[] {
    const rows = this.#reader.end();
    const last = rows.at(-1);
    if (last && !this.#lineEnded && last.cells.length < this.#heading.headings.length) {
      last.problem ??= 'has fewer cells than there are headings, and no line end: the file seems to be cut off';
      last.raw = inOneCell(last.cells.join(this.#heading.delimiter), this.#heading.headings.length);
    }
    const records = this.#records(rows);
    const accounted = this.#recorded + this.#reader.blank;
    if (accounted === this.#read) return records;
    const message = `Only ${accounted} of ${this.#read} characters of the file are in its records.`;
    throw new AssertionError({ message });
  }

  #records(rows: CsvRow[]): SourceRecord[] {
    const records: SourceRecord[] = [];
    for (const row of rows) {
      this.#recorded += row.length;
      if (row.lines > 1) this.#overLines++;
      // A line of delimiters only is a blank one.
      if (row.problem !== undefined || !row.cells.every(isBlank)) records.push(this.#record(row));
    }
    return records;
  }

  #record({ line, cells, problem, raw: shown }: CsvRow): SourceRecord {
    const row = ++this.#rows;
    const raw = { cells: this.#ownOf(shown), table: this.#table };
    const value: Values = {};
    const fault = problem === undefined ? this.#set(value, cells, line) : `Line ${line} ${problem}.`;
    if (fault === undefined) return { row, line, value, raw };
    const why: Problem = typeof fault === 'string' ? { code: 'invalid_field', message: fault } : fault;
    // What can't be told apart still has the quotes around its cells.
    const shownId = problem === undefined ? cells : cells.map((cell) => trimmed(cell).replace(/^"(.*)"$/, '$1'));
    return { row, line, value: this.#idIn(shownId), problem: why, raw };
  }

  /** The cells that are not below `error_code` or `error`. */
  #ownOf(cells: readonly string[]): readonly string[] {
    return this.#hasErrors ? cells.filter((_, index) => this.#columns.list[index] !== 'error') : cells;
  }

  /** Sets the fields of a row; returns why it can't. */
  #set(value: Values, cells: readonly string[], line: number): Problem | string | undefined {
    const { list } = this.#columns;
    const formFields: FormField[] = [];
    let unusable: Problem | undefined;
    for (const [index, cell] of cells.entries()) {
      const column = list[index] ?? 'blank';
      if (column === 'ignored' || column === 'error') continue;
      const text = this.#textOf(cell);
      if (column === 'blank') {
        if (text === '') continue;
        if (index >= list.length)
          return `Expected at most ${list.length} cells, as many as headings, got ${cells.length}.`;
        return `Expected no value below a blank heading, got one in cell ${index + 1}: the row may be shifted.`;
      }
      const { field, formField, attribute } = column;
      if (text === '' && this.#values.isKept(field)) continue;
      const read = text === '' ? '' : column.read(text);
      if (formField !== undefined) formFields.push({ name: formField, value: read });
      else if (attribute) unusable ??= setAttribute(value, attribute, read);
      else if (field === 'attributes') unusable ??= this.#values.setAttributes(value, read);
      else if (field === GROUP) unusable ??= this.#values.setGroup(value, read);
      else value[field] = read;
      if (field === 'store_credit_amounts') this.#values.noteCurrency(text);
    }
    if (formFields.length > 0) unusable ??= this.#values.setFormFields(value, formFields);
    if (unusable) return unusable;
    return this.#isKeyed(value) ? undefined : this.#headingsAgain(cells, line);
  }

  #isKeyed({ id, email }: Values): boolean {
    return typeof id === 'number' || (this.#match === 'email' && typeof email === 'string' && isAddress(email));
  }

  /** What a cell says; '' if it is blank. */
  #textOf(cell: string): string {
    const text = plainText(cell);
    return this.#values.isBlankWord(text) ? '' : text;
  }

  /** Two exports put together have the headings twice. With others, what follows would be read into the wrong fields. */
  #headingsAgain(cells: readonly string[], line: number): string | undefined {
    if (!cells.some((cell) => this.#headings.isKey(cell))) return undefined;
    const own = this.#ownOf(cells);
    if (this.#table.headings.every((heading, index) => heading === trimmed(own[index] ?? ''))) {
      return 'Expected a customer, got the headings once more.';
    }
    if (own.filter((cell) => this.#headings.isKnown(cell)).length < 2) return undefined;
    throw new BadSource(
      `Line ${line} has headings again, and not the same ones: the file seems to be several put together. Split it there.`,
    );
  }

  #idIn(cells: readonly string[]): { id: unknown } {
    return { id: FIELDS.id.read(this.#textOf(cells[this.#idAt] ?? '')) };
  }
}
