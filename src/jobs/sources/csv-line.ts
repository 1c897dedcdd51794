/** The cells of one line of a CSV file. Pure. */

/** A line, read leniently: a quote that strict reading doesn't allow is text. */
export interface Reading {
  cells: string[];
  /** It has such a quote. */
  stray: boolean;
  /** It ends inside of a quoted cell, the last of `cells`. */
  open: boolean;
  /** There is a carriage return outside of quotes: taken for a line end, it would send a cell that is cut short. */
  lineBreak: boolean;
}

/** Reads a line without its end. If it begins `inside` of a quoted cell, its first cell is the rest of that one. */
export function readLine(text: string, delimiter: string, inside: boolean): Reading {
  if (!inside && !text.includes('"')) {
    return { cells: text.split(delimiter), stray: false, open: false, lineBreak: text.includes('\r') };
  }
  const reading: Reading = { cells: [], stray: false, open: false, lineBreak: false };
  let at = inside ? readQuoted(text, 0, delimiter, reading) : 0;
  while (at <= text.length) at = readCell(text, at, delimiter, reading);
  return reading;
}

/** Reads the cell that begins at `at`; returns where the next one does, past the end of the line if there is none. */
function readCell(text: string, at: number, delimiter: string, reading: Reading): number {
  const start = skipBlanks(text, at, delimiter);
  if (text[start] === '"') return readQuoted(text, start + 1, delimiter, reading);
  const found = endOfFormula(text, start, delimiter) ?? text.indexOf(delimiter, at);
  const end = found < 0 ? text.length : found;
  const cell = text.slice(at, end);
  if (cell.includes('"') && !/^\s*="[^"]*"\s*$/.test(cell)) reading.stray = true;
  if (cell.includes('\r')) reading.lineBreak = true;
  reading.cells.push(cell);
  return end + 1;
}

/** The same for the rest of a quoted cell. It closes at a quote that only blanks part from a delimiter or the line's end. */
function readQuoted(text: string, from: number, delimiter: string, reading: Reading): number {
  let cell = '';
  let at = from;
  for (let quote = text.indexOf('"', at); quote >= 0; quote = text.indexOf('"', at)) {
    cell += text.slice(at, quote);
    if (text[quote + 1] === '"') {
      at = quote + 2;
    } else {
      const after = skipBlanks(text, quote + 1, delimiter);
      if (after === text.length || text[after] === delimiter) {
        reading.cells.push(cell);
        return after + 1;
      }
      reading.stray = true;
      at = quote + 1;
    }
    cell += '"';
  }
  reading.cells.push(cell + text.slice(at));
  reading.open = true;
  return text.length + 1;
}

/** Where a cell such as ="0173" ends, with which exports keep spreadsheets from reading a text as a number. */
function endOfFormula(text: string, start: number, delimiter: string): number | undefined {
  if (text[start] !== '=' || text[start + 1] !== '"') return undefined;
  const quote = text.indexOf('"', start + 2);
  const after = skipBlanks(text, quote + 1, delimiter);
  return quote > 0 && (after === text.length || text[after] === delimiter) ? after : undefined;
}

function skipBlanks(text: string, from: number, delimiter: string): number {
  const blanks = delimiter === '\t' ? ' ' : ' \t';
  let at = from;
  while (at < text.length && blanks.includes(text[at] as string)) at++;
  return at;
}
