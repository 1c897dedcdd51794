import { finished } from 'node:stream/promises';
import { CsvError, Parser } from 'csv-parse';
import { BadSource } from '../errors.ts';
import { type Column, columnsOf } from './columns.ts';
import { decode, MAX_RECORD_BYTES, type SourceRecord } from './record.ts';

/** How a CSV source is to be read. */
export interface CsvOptions {
  /**
   * What a blank cell means: leave the value as it is, or clear it. Only company, phone, notes and tax_exempt_category
   * can be cleared: with "clear", a blank in any other column makes the row invalid.
   */
  blankCells: 'keep' | 'clear';
  /** Headings of columns to leave out, without regard to case, spaces and underscores. */
  ignoreColumns: readonly string[];
}

/**
 * The records of a CSV file. Comma, semicolon or tab, as the heading line has it; LF or CRLF; UTF-8 with or without BOM.
 * Iterating throws BadSource before the first record where a heading is not usable, and where a quote is never closed.
 */
export async function* csvRecords(
  bytes: AsyncIterable<Uint8Array>,
  options: CsvOptions,
): AsyncGenerator<SourceRecord[]> {
  let reader: CsvReader | undefined;
  for await (const piece of wholeHeadingFirst(bytes)) {
    if (!reader && isBinary(piece)) throw new BadSource(NOT_TEXT);
    reader ??= new CsvReader(delimiterOf(piece), options);
    yield await reader.write(piece);
  }
  if (reader !== undefined) yield await reader.end();
}

const NOT_TEXT =
  'Expected headings in UTF-8, got bytes that are none. Save the file as CSV in UTF-8; if it is compressed, have its name end in .gz.';

// Spreadsheets, compressed files and UTF-16 have a zero byte among their first few, and text in UTF-8 has none.
const isBinary = (start: Buffer): boolean => start.subarray(0, 16).includes(0);

const BOM = Buffer.from('\uFEFF');

async function* wholeHeadingFirst(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let start: Buffer | undefined = Buffer.alloc(0);
  const withoutBom = (buffer: Buffer) => (buffer.indexOf(BOM) === 0 ? buffer.subarray(BOM.length) : buffer);
  for await (const piece of bytes) {
    if (start === undefined) yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    else {
      start = Buffer.concat([start, piece]);
      if (start.length <= MAX_RECORD_BYTES && !unquoted(start).includes('\n')) continue;
      yield withoutBom(start);
      start = undefined;
    }
  }
  if (start !== undefined) yield withoutBom(start);
}

const unquoted = (start: Buffer): string =>
  start
    .toString('latin1')
    .trimStart()
    .replace(/"[^"]*("|$)/g, '');

function delimiterOf(start: Buffer): string {
  const heading = unquoted(start).split('\n', 1)[0] as string;
  const count = (delimiter: string) => heading.split(delimiter).length;
  return [',', ';', '\t'].reduce((best, other) => (count(other) > count(best) ? other : best));
}

// csv-parse gives bytes as Latin-1 here, one character a byte, so that bad UTF-8 costs its row and not the file.
const NOT_ASCII = /[\x80-\xff]/;

const utf8 = (cell: string) => (NOT_ASCII.test(cell) ? decode(Buffer.from(cell, 'latin1')) : cell);

// Each costs csv-parse as much as some hundred bytes.
const MAX_STRAY_QUOTES = 100_000;

/** Runs csv-parse a piece at a time and gives the records of each: its own stream would pass them on one by one. */
class CsvReader {
  readonly #options: CsvOptions;
  readonly #parser: Parser;
  #columns: (Column | undefined)[] | undefined;
  #records: SourceRecord[] = [];
  #rows = 0;
  #brokenLine = 0;
  #strayQuotes = 0;

  constructor(delimiter: string, options: CsvOptions) {
    this.#options = options;
    this.#parser = new Parser({
      delimiter,
      record_delimiter: ['\r\n', '\n'],
      encoding: 'latin1',
      max_record_size: MAX_RECORD_BYTES,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      on_record: (cells: string[]) => this.#add(cells),
      on_skip: (error) => this.#skip(error),
    });
    // Each error comes to the callback of its write as well.
    this.#parser.on('error', () => undefined).resume();
  }

  async write(piece: Buffer): Promise<SourceRecord[]> {
    await new Promise<void>((done, failed) => this.#parser.write(piece, (error) => (error ? failed(error) : done())));
    return this.#take();
  }

  async end(): Promise<SourceRecord[]> {
    this.#parser.end();
    await finished(this.#parser);
    return this.#take();
  }

  #take(): SourceRecord[] {
    const records = this.#records;
    this.#records = [];
    return records;
  }

  #add(cells: string[]): null {
    if (cells.length === 1 && cells[0]?.trim() === '') return null;
    if (this.#columns === undefined) this.#columns = columnsOf(cells.map(heading), this.#options.ignoreColumns);
    else this.#records.push(this.#record(++this.#rows, cells, this.#columns));
    return null;
  }

  #record(row: number, cells: string[], columns: (Column | undefined)[]): SourceRecord {
    if (cells.length !== columns.length) {
      return invalid(row, `Expected ${columns.length} cells, as many as headings, got ${cells.length}.`);
    }
    const value: Record<string, unknown> = {};
    for (const [index, column] of columns.entries()) {
      if (column === undefined) continue;
      const cell = utf8(cells[index] as string);
      if (typeof cell !== 'string') return invalid(row, `${column.field}: ${cell.message}`);
      if (cell.trim() !== '') value[column.field] = column.read(cell);
      else if (this.#options.blankCells === 'clear') value[column.field] = '';
    }
    return { row, value };
  }

  // csv-parse's own messages quote the cell. It reports each stray quote of a record, hence the look at the line.
  #skip(error: CsvError | undefined): undefined {
    const row = `row ${this.#rows + 1}`;
    if (error?.code === 'CSV_MAX_RECORD_SIZE' || error?.code === 'CSV_QUOTE_NOT_CLOSED') {
      throw new BadSource(
        `Expected records of at most ${MAX_RECORD_BYTES} bytes, got a longer one at ${row}, or a quote that never closes.`,
      );
    }
    if (this.#columns === undefined) throw new BadSource('Expected headings, got a stray quote among them.');
    if (++this.#strayQuotes > MAX_STRAY_QUOTES) {
      const most = MAX_STRAY_QUOTES.toLocaleString('en');
      throw new BadSource(
        `Expected CSV, got more than ${most} stray quotes, the last one in ${row}. Save it anew as CSV.`,
      );
    }
    if (error?.lines === this.#brokenLine) return;
    this.#brokenLine = error?.lines as number;
    this.#records.push(
      invalid(
        ++this.#rows,
        'Expected a cell with quotes in it to be quoted whole, each quote doubled, got a stray one.',
      ),
    );
  }
}

function heading(cell: string): string {
  const text = utf8(cell);
  if (typeof text === 'string') return text;
  throw new BadSource(NOT_TEXT);
}

const invalid = (row: number, message: string): SourceRecord => ({ row, problem: { code: 'invalid_field', message } });
