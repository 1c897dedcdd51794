/** Finds out how a CSV file is laid out from its start: its delimiter, its line ends, and the line with its headings. */
import { BadSource, MAX_RECORD } from './record.ts';
import { CsvReader, type CsvRow } from './csv-reader.ts';
import { isBlank, trimmed } from './text.ts';

/** Characters of a file's start that are looked at, unless its first line is longer. */
const SAMPLE = 64 * 1024;

/** The headings are looked for in the first so many lines: exports have titles above them. */
const HEADING_WITHIN = 20;

/** Rows after the headings that say whether a delimiter is the right one. */
const ROWS_COMPARED = 10;

const DELIMITERS = [',', ';', '\t', '|'];

export interface Heading {
  delimiter: string;
  lineEnd: '\n' | '\r';
  /** As they are written, without blanks around them. */
  headings: string[];
  /** Length of the text up to the end of the headings, and the lines in it. */
  length: number;
  lines: number;
  /** Lines above the headings that are left out, `sep=` and blank ones aside. */
  titles: number[];
}

/** What headings are known. */
export interface KnownHeadings {
  /** Whether a heading names a customer: an id or an e-mail address. */
  isKey(heading: string): boolean;
  isKnown(heading: string): boolean;
}

/** Whether the start of a file is long enough for `findHeading`. */
export const showsHeading = (start: string): boolean =>
  start.length > MAX_RECORD || (start.length >= SAMPLE && unquoted(start).includes('\n'));

/** Line feeds, unless all that are there lie inside of quotes: spreadsheets on old Macs end lines by carriage returns. */
function lineEndOf(start: string): '\n' | '\r' {
  const plain = unquoted(start);
  return !plain.includes('\n') && plain.includes('\r') ? '\r' : '\n';
}

const unquoted = (start: string): string => start.replace(/"[^"]*("|$)/g, '');

/** Undefined if there is nothing but blank lines. Throws BadSource if there can't be any headings. */
export function findHeading(start: string, known: KnownHeadings): Heading | undefined {
  const lineEnd = lineEndOf(start);
  const given = /^"?sep=(.)"?[,;\t|]*[\r\n]/i.exec(start);
  const skipped = given ? start.indexOf(lineEnd) + 1 : 0;
  const delimiters = [...(given ? [given[1] as string] : []), ...DELIMITERS];
  const candidates = delimiters.map((delimiter) => {
    const layout = { delimiter, lineEnd, width: 0, hasKey: () => false, trustQuotes: true, linesBefore: given ? 1 : 0 };
    return candidateOf(rowsOf(new CsvReader(layout), start.slice(skipped), !showsHeading(start)), delimiter, known);
  });
  const best = candidates.reduce((a, b) => (compare(b, a) > 0 ? b : a));
  const { row, above } = best;
  if (!row) {
    if (isBlank(start)) return undefined;
    throw new BadSource(`Expected a line with headings of at most ${MAX_RECORD} characters, got a longer one.`);
  }
  if (row.problem !== undefined) throw new BadSource(`Expected headings: line ${row.line} ${row.problem}.`);
  const id = above.find(({ cells }) => cells.some((cell) => /^\s*(\d{1,10}|[^\s@]+@[^\s@]+)\s*$/.test(cell)));
  if (id) {
    throw new BadSource(
      `Expected the headings in the first line, got them in line ${row.line}, below line ${id.line}, which looks like a row. ` +
        'Move the headings to the top, or take out what stands above them.',
    );
  }
  return {
    delimiter: best.delimiter,
    lineEnd,
    headings: row.cells.map(trimmed),
    length: lengthOfLines(start, lineEnd, row.line + row.lines - 1),
    lines: row.line + row.lines - 1,
    titles: above.map(({ line }) => line),
  };
}

function rowsOf(reader: CsvReader, text: string, isAll: boolean): CsvRow[] {
  const rows = isAll ? [...reader.push(text), ...reader.end()] : reader.push(text);
  return rows.filter(({ cells }) => !cells.every(isBlank));
}

interface Candidate {
  delimiter: string;
  /** The row with the headings. */
  row: CsvRow | undefined;
  above: CsvRow[];
  /** Headings that are known, rows after it that are as wide, and headings in all: what counts first comes first. */
  known: number;
  agreeing: number;
  cells: number;
}

/** If no line looks like headings, the first one is taken for them: what is wrong with it is then what is told. */
function candidateOf(rows: CsvRow[], delimiter: string, known: KnownHeadings): Candidate {
  const knownIn = (cells: string[]) => cells.filter((cell) => known.isKnown(cell)).length;
  const isHeading = ({ line, cells }: CsvRow) =>
    line <= HEADING_WITHIN && cells.some((cell) => known.isKey(cell)) && knownIn(cells) > 1;
  const at = Math.max(rows.findIndex(isHeading), 0);
  const row = rows[at];
  const { length } = row?.cells ?? [];
  const agreeing = rows.slice(at + 1, at + 1 + ROWS_COMPARED).filter(({ cells }) => cells.length === length).length;
  return { delimiter, row, above: rows.slice(0, at), known: knownIn(row?.cells ?? []), agreeing, cells: length };
}

const compare = (a: Candidate, b: Candidate): number =>
  a.known - b.known || a.agreeing - b.agreeing || a.cells - b.cells;

/** Length of the first so many lines. */
function lengthOfLines(text: string, lineEnd: string, lines: number): number {
  let at = 0;
  for (let line = 0; line < lines; line++) {
    const end = text.indexOf(lineEnd, at);
    if (end < 0) return text.length;
    at = end + 1;
  }
  return at;
}
