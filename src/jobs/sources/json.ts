import { BadSource } from '../errors.ts';
import { type Problem, RecordBytes, type SourceRecord } from './record.ts';

const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('"\\,[]{}');
const WHITESPACE = new Set(Buffer.from(' \t\r\n'));
const BOM = Buffer.from('\uFEFF');

type Expected =
  'a list' | 'an object or the end of the list' | 'an object' | 'a comma or the end of the list' | 'no more';

/**
 * The records of a JSON file that is one array of objects. Only the places where objects begin and end are looked for
 * here; JSON.parse does the rest, an object at a time. Iterating throws BadSource, with the position in bytes.
 */
export async function* jsonRecords(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<SourceRecord[]> {
  const object = new RecordBytes();
  let expected: Expected = 'a list';
  let depth = 0;
  let inString = false;
  let escaped = false;
  let row = 0;
  let read = 0;

  for await (const piece of bytes) {
    const records: SourceRecord[] = [];
    let start = 0;
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at] as number;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (depth > 0) {
        if (byte === QUOTE) inString = true;
        else if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth++;
        else if ((byte === CLOSE_OBJECT || byte === CLOSE_LIST) && --depth === 0) {
          records.push(parse(++row, object.take(piece.subarray(start, at + 1)), read + at));
          expected = 'a comma or the end of the list';
        }
      } else if (byte === OPEN_OBJECT && expected.startsWith('an object')) {
        start = at;
        depth = 1;
      } else if (byte === OPEN_LIST && expected === 'a list') expected = 'an object or the end of the list';
      else if (byte === COMMA && expected === 'a comma or the end of the list') expected = 'an object';
      else if (byte === CLOSE_LIST && expected.endsWith('the end of the list')) expected = 'no more';
      else if (!WHITESPACE.has(byte) && !(read + at < BOM.length && byte === BOM[read + at])) {
        throw broken(expected, 'something else', read + at, row);
      }
    }
    if (depth > 0) object.keep(piece.subarray(start));
    read += piece.length;
    if (records.length > 0) yield records;
  }
  const whole = expected === 'no more' || expected === 'a list';
  if (depth > 0 || !whole)
    throw broken(depth > 0 ? 'the rest of an object' : expected, 'the end of the file', read, row);
}

function parse(row: number, text: string | Problem, end: number): SourceRecord {
  if (typeof text !== 'string') return { row, problem: text };
  try {
    return { row, value: JSON.parse(text) as unknown };
  } catch {
    throw broken('an object', 'one that is not JSON, and ends there', end, row - 1);
  }
}

function broken(expected: string, got: string, position: number, row: number): BadSource {
  const where = `after ${row} objects, at byte ${position}`;
  return new BadSource(`Expected one JSON list of objects: ${where}, expected ${expected}, got ${got}.`);
}
