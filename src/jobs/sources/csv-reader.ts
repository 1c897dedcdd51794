/**
 * Tells the records of a CSV file apart, whatever quotes are in it.
 *
 * A line becomes a row only if nothing suggests that it lies inside a cell, and a record that can't be read costs itself.
 * Strictly read, a quoted cell ends at a quote that a delimiter or the line's end follows. The same line is read leniently
 * (other quotes are text) to see whether it may end inside a cell. Pure, and no line is read more than three times.
 */
import { BadSource, MAX_RECORD } from './record.ts';
import { type Reading, readLine } from './csv-line.ts';
import { isBlank } from './text.ts';

/** Most lines of a record, so that few objects are kept and little is read again at once. */
const MAX_RECORD_LINES = 10_000;

/** Full rows, one after another inside an open cell, that prove its quote to be a stray one. */
const SETTLED_BY = 200;

/** Full rows without quotes, one after another, that end a doubt. */
const DOUBT_ENDS_AFTER = 20;

/** Lines one after another that can't be read because of one open quote: then the file is wrong, not a few of its rows. */
const MAX_DOUBTFUL = 1_000;

/** A record: its cells, or why they can't be told apart. */
export interface CsvRow {
  /** The line of the file in which it begins, from 1. */
  line: number;
  /** Lines that it takes up. */
  lines: number;
  /** Length of its text with its line ends. */
  length: number;
  /** Where there is a problem, those of its first line, with quotes as ordinary characters. */
  cells: string[];
  /**
   * The cells to show to a person who has to correct the row. A line that can't be told apart, or only into too few cells,
   * comes whole in the cell after the last heading, where it is never taken for a row.
   */
  raw: string[];
  problem?: string;
}

export interface CsvLayout {
  /** One character. */
  delimiter: string;
  /** What ends a line. Carriage returns before a line feed belong to it. */
  lineEnd: '\n' | '\r';
  /** Cells that a full row has; 0 while the headings are still looked for, when no line counts as a row. */
  width: number;
  /** The same before `error_code` and `error` were added: rows that the file has swallowed may lack them. */
  ownWidth: number;
  /** Whether cells have what names a customer. */
  hasKey: (cells: readonly string[]) => boolean;
  /** Read a cell that closes properly as one cell, even if it looks as if it had swallowed rows. */
  trustQuotes: boolean;
  /** Lines that come before. */
  linesBefore: number;
}

/** Cells that an open quote has collected over lines. */
interface Run {
  line: number;
  /** Its lines as they are, with their ends. */
  raws: string[];
  length: number;
  cells: string[];
  /** Its first line alone could be a whole row. */
  wide: boolean;
  /** Some line after the first is a full row; all are; all are full or short. */
  someFull: boolean;
  allFull: boolean;
  allRows: boolean;
  /** Full rows at its end, without quotes. */
  fullInRow: number;
  /** A stray quote came before or in it. */
  broken: boolean;
}

/** Quotes that come in pairs only open nothing that lasts beyond their line, as long as nothing else does. */
const ODD_QUOTES = /(?:^|[^"])"(?:"")*(?!")/;

const STRAY = 'has a stray quote: a cell with quotes in it must be quoted whole, and each quote in it doubled';

export class CsvReader {
  readonly #layout: CsvLayout;
  #rest = '';
  #line: number;
  #run: Run | undefined;
  /** The line whose open quote everything after it may lie behind. */
  #doubt: { line: number; fullInRow: number } | undefined;
  #doubtful = 0;
  /** The last line that was read again after a quoted cell was given up. None is read again twice. */
  #readAgain = 0;
  #rows: CsvRow[] = [];
  #blank = 0;

  constructor(layout: CsvLayout) {
    this.#layout = layout;
    this.#line = layout.linesBefore;
  }

  /** Length of the blank lines so far. */
  get blank(): number {
    return this.#blank;
  }

  /** The records that end in the next piece of the file. Throws BadSource. */
  push(text: string): CsvRow[] {
    const { lineEnd } = this.#layout;
    let from = 0;
    for (let at = text.indexOf(lineEnd); at >= 0; at = text.indexOf(lineEnd, from)) {
      this.#add(this.#rest + text.slice(from, at + 1));
      this.#rest = '';
      from = at + 1;
    }
    this.#rest += text.slice(from);
    if (this.#rest.length > MAX_RECORD) throw this.#tooLong();
    return this.#take();
  }

  /** The records that are left. Throws BadSource. */
  end(): CsvRow[] {
    if (this.#rest !== '') this.#add(this.#rest);
    this.#rest = '';
    while (this.#run) this.#breakRun(this.#run, false);
    return this.#take();
  }

  #take(): CsvRow[] {
    const rows = this.#rows;
    this.#rows = [];
    return rows;
  }

  #add(raw: string): void {
    if (raw.length > MAX_RECORD) throw this.#tooLong();
    this.#readLine(raw, ++this.#line, true);
  }

  #readLine(raw: string, line: number, mayOpen: boolean): void {
    if (this.#run) this.#continueRun(this.#run, raw);
    else if (isBlank(raw)) this.#blank += raw.length;
    else if (this.#doubt) this.#doubtLine(this.#doubt, raw, line);
    else this.#begin(raw, line, mayOpen);
  }

  /** Reads a line that begins outside of quotes. */
  #begin(raw: string, line: number, mayOpen: boolean): void {
    this.#doubtful = 0;
    const text = this.#withoutEnd(raw);
    const reading = readLine(text, this.#layout.delimiter, false);
    const { cells, stray, open, lineBreak } = reading;
    if (open && mayOpen) this.#run = this.#runOf(raw, text, line, reading);
    else if (open || stray) this.#bad(raw, line, STRAY);
    else if (lineBreak) this.#bad(raw, line, 'has a carriage return in a cell that is not quoted');
    else this.#rows.push({ line, lines: 1, length: raw.length, cells, raw: cells });
  }

  #runOf(raw: string, text: string, line: number, { cells, stray: broken }: Reading): Run {
    const wide = text.split(this.#layout.delimiter).length >= this.#layout.ownWidth;
    const found = { someFull: false, allFull: true, allRows: true, fullInRow: 0 };
    return { line, raws: [raw], length: raw.length, cells, wide, ...found, broken };
  }

  /** Reads a line that begins inside of a quoted cell. */
  #continueRun(run: Run, raw: string): void {
    const text = this.#withoutEnd(raw);
    const { cells, stray, open } = readLine(text, this.#layout.delimiter, true);
    const before = run.raws.at(-1) as string;
    const lineEnd = before.slice(this.#withoutEnd(before).length);
    run.cells.push((run.cells.pop() as string) + lineEnd + (cells.shift() as string), ...cells);
    run.raws.push(raw);
    run.length += raw.length;
    this.#countRow(run, text);
    run.broken ||= stray;
    if (!run.broken && !open) this.#endRun(run);
    else if (stray || !open || run.fullInRow >= SETTLED_BY || isLong(run)) this.#breakRun(run, open);
  }

  #countRow(run: Run, text: string): void {
    const kind = this.#kindOf(text);
    if (kind === 'blank') return;
    run.someFull ||= kind === 'full' || this.#kindOf(text, this.#layout.ownWidth) === 'full';
    run.allFull &&= kind === 'full';
    run.allRows &&= kind !== 'other';
    run.fullInRow = fullInRow(run.fullInRow, kind, text);
  }

  /** Its last cell has closed properly: it is one record, unless the file itself shows that rows were swallowed. */
  #endRun({ line, raws, length, cells, wide, someFull }: Run): void {
    this.#run = undefined;
    const lines = raws.length;
    if (!wide || !someFull || this.#layout.width === 0 || this.#layout.trustQuotes) {
      this.#rows.push({ line, lines, length, cells, raw: cells });
      return;
    }
    const problem =
      `has a quoted cell that runs from line ${line} to line ${line + lines - 1}, and a line in it looks like a row of its ` +
      'own: close the quote where the cell ends or, if it really is one cell, start the job with --trust-quotes (trustQuotes)';
    this.#rows.push({ line, lines, length, cells: this.#split(raws[0] as string), raw: cells, problem });
  }

  /**
   * Gives up a quoted cell that does not close properly: its first line is unusable, and what follows are rows only if they
   * look like nothing else.
   */
  #breakRun({ line, raws, wide, allFull, allRows, fullInRow: atEnd, broken }: Run, open: boolean): void {
    this.#run = undefined;
    const [first, ...rest] = raws as [string, ...string[]];
    this.#bad(first, line, broken && raws.length === 1 ? STRAY : 'opens a quote that is not closed as it should be');
    const areRows = wide && (allFull || (allRows && atEnd >= SETTLED_BY)) && this.#layout.width > 0;
    const readAgain = this.#readAgain;
    if (areRows) this.#readAgain = line + rest.length;
    for (const [index, raw] of rest.entries()) {
      const at = line + 1 + index;
      if (areRows && at > readAgain) this.#readLine(raw, at, ODD_QUOTES.test(raw));
      else if (isBlank(raw)) this.#blank += raw.length;
      else this.#behind(raw, at, line);
    }
    if (!areRows && open && atEnd < DOUBT_ENDS_AFTER) this.#doubt = { line, fullInRow: 0 };
  }

  /** A line after a cell that was given up while still open. */
  #doubtLine(doubt: { line: number; fullInRow: number }, raw: string, line: number): void {
    const text = this.#withoutEnd(raw);
    doubt.fullInRow = fullInRow(doubt.fullInRow, this.#kindOf(text), text);
    this.#behind(raw, line, doubt.line);
    if (!readLine(text, this.#layout.delimiter, true).open || doubt.fullInRow >= DOUBT_ENDS_AFTER)
      this.#doubt = undefined;
  }

  #behind(raw: string, line: number, opened: number): void {
    // While the headings are looked for, no line can be told to be a row.
    if (++this.#doubtful > MAX_DOUBTFUL && this.#layout.width > 0) {
      throw new BadSource(
        `Line ${opened} opens a quote that is not closed as it should be, and more than ${MAX_DOUBTFUL} lines after it can't ` +
          'be told from the text of that cell. Correct the quotes in that line: a cell with quotes in it must be quoted ' +
          'whole, and each quote in it doubled.',
      );
    }
    const problem = `may lie inside the cell that line ${opened} opens with a quote: correct the quotes in that line`;
    this.#bad(raw, line, problem, true);
  }

  #bad(raw: string, line: number, problem: string, doubtful = false): void {
    const cells = this.#split(raw);
    const { width } = this.#layout;
    const shown = doubtful || cells.length < width ? inOneCell(this.#withoutEnd(raw), width) : cells;
    this.#rows.push({ line, lines: 1, length: raw.length, cells, raw: shown, problem });
  }

  #split(raw: string): string[] {
    return this.#withoutEnd(raw).split(this.#layout.delimiter);
  }

  #kindOf(text: string, width = this.#layout.width): Kind {
    if (isBlank(text)) return 'blank';
    const { delimiter, hasKey } = this.#layout;
    const cells = text.split(delimiter);
    while (cells.length > width && isBlank(cells.at(-1) as string)) cells.pop();
    if (cells.length > width || !hasKey(cells)) return 'other';
    return cells.length === width ? 'full' : 'short';
  }

  #withoutEnd(raw: string): string {
    const { lineEnd } = this.#layout;
    if (!raw.endsWith(lineEnd)) return raw;
    let end = raw.length - 1;
    if (lineEnd === '\n') while (raw[end - 1] === '\r') end--;
    return raw.slice(0, end);
  }

  #tooLong(): BadSource {
    const most = MAX_RECORD.toLocaleString('en');
    return new BadSource(`Expected lines of at most ${most} characters, got more in line ${this.#line + 1}.`);
  }
}

/** A text behind the cells that a row may have. */
export const inOneCell = (text: string, width: number): string[] => [...Array<string>(width).fill(''), text];

/** What a line is by itself, with quotes as ordinary characters: `full` has a key and as many cells as there are headings. */
type Kind = 'full' | 'short' | 'other' | 'blank';

/** Rows of a spreadsheet may be cut short after their last value, which says nothing about quotes. */
function fullInRow(before: number, kind: Kind, text: string): number {
  if (text.includes('"') || kind === 'other') return 0;
  return kind === 'full' ? before + 1 : before;
}

const isLong = ({ length, raws }: Run): boolean => length > MAX_RECORD || raws.length >= MAX_RECORD_LINES;
