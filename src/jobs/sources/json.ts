/**
 * The records of a file that is JSON, however it is laid out: an object a line, one list, lists one after another, or an
 * answer of the API with its list below `data`.
 */
import { type JsonReader, JsonValues } from './json-values.ts';
import { BadSource, MAX_RECORD, type SourceRecord, tooLong } from './record.ts';
import { isBlank, startFirst, trimmed } from './text.ts';

/**
 * The records of JSON text. `note` is given what a person should know. Iterating throws BadSource if the text is not JSON;
 * of an object a line, a line that is none is an invalid row.
 */
export async function* jsonRecords(
  text: AsyncIterable<string>,
  note: (text: string) => void = () => undefined,
): AsyncGenerator<SourceRecord[]> {
  let reader: JsonReader | undefined;
  for await (const piece of startFirst(text, (start) => lineMode(start, false) !== undefined)) {
    reader ??= (lineMode(piece, false) ?? lineMode(piece, true)) ? new JsonLines() : new JsonValues(note);
    yield reader.push(piece);
  }
  if (reader) yield reader.end();
}

/** The records of text with an object a line, as the job store has it. */
export async function* jsonLines(text: AsyncIterable<string>): AsyncGenerator<SourceRecord[]> {
  const reader = new JsonLines();
  for await (const piece of text) yield reader.push(piece);
  yield reader.end();
}

/** Whether a file that begins so has an object a line; undefined if more of it is needed. */
function lineMode(start: string, isAll: boolean): boolean | undefined {
  const lines = start.split('\n');
  if (!isAll && start.length < 2 * MAX_RECORD) lines.pop();
  const [first, second] = lines.map(trimmed).filter((line) => line !== '');
  if (/^[^{]/.test(first ?? trimmed(start))) return false;
  if (first !== undefined) {
    const object = objectIn(first);
    if (object) return !isAnswer(object);
    if (second !== undefined) return objectIn(second) !== undefined;
  }
  if (isAll) return false;
  return start.length >= 2 * MAX_RECORD ? isLongLine(start) : undefined;
}

/** Whether a start is the first line of an object a line, too long to be a customer. */
function isLongLine(start: string): boolean {
  if (start.includes('\n')) return false;
  const values = new JsonValues(() => undefined);
  try {
    return values.push(start).length === 0 && values.isInObject;
  } catch {
    return false;
  }
}

function objectIn(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(withoutComma(line)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** Lines of a list without its brackets end with commas. */
const withoutComma = (line: string): string => (line.endsWith(',') ? line.slice(0, -1) : line);

/** Whether an object stands for a list, or seems to. */
export const isAnswer = ({ data, customers }: Record<string, unknown>): boolean =>
  (typeof data === 'object' && data !== null) || (typeof customers === 'object' && customers !== null);

/** The id with which a line begins, even one that is not JSON. What follows shows that no digit of it is missing. */
const ID_FIRST = /^\{\s*"(?:id|customer[ _]?id)"\s*:\s*"?(\d+)"?\s*[,}]/i;

/** A value that stands for one customer at most. Throws BadSource for a list of several, which would count as one row. */
function one(value: unknown, line: number): unknown {
  const { data, customers } = (value ?? {}) as Record<string, unknown>;
  const lists = [value, data, customers].filter((part): part is unknown[] => Array.isArray(part));
  if (!lists.flat().some((item) => typeof item === 'object' && item !== null)) return value;
  throw new BadSource(`Line ${line} is a list, but the file begins with an object a line. Split the file there.`);
}

/** One object a line; blank lines are left out. */
class JsonLines implements JsonReader {
  #rest = '';
  #restLength = 0;
  #line = 0;
  #row = 0;
  /** A line was longer than a record may be. */
  #isLong = false;

  push(text: string): SourceRecord[] {
    const records: SourceRecord[] = [];
    let from = 0;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
      this.#add(text.slice(from, at), records);
      from = at + 1;
    }
    this.#keep(text.slice(from));
    return records;
  }

  end(): SourceRecord[] {
    const records: SourceRecord[] = [];
    this.#add('', records);
    // It holds many customers, below a key that nobody knows.
    if (this.#row === 1 && this.#isLong) {
      throw new BadSource(
        `The file is one object of more than ${MAX_RECORD} characters. Write the customers as one JSON list, or one object a line.`,
      );
    }
    return records;
  }

  #keep(text: string): void {
    this.#restLength += text.length;
    this.#rest = this.#restLength > MAX_RECORD ? '' : this.#rest + text;
  }

  #add(end: string, records: SourceRecord[]): void {
    this.#keep(end);
    const [text, length] = [this.#rest, this.#restLength];
    this.#rest = '';
    this.#restLength = 0;
    this.#line++;
    if (length > MAX_RECORD) {
      this.#isLong = true;
      records.push(tooLong(++this.#row, this.#line, length));
    } else if (!isBlank(text)) records.push(this.#parse(trimmed(text)));
  }

  #parse(text: string): SourceRecord {
    const line = this.#line;
    const raw = withoutComma(text);
    try {
      return { row: ++this.#row, line, value: one(JSON.parse(raw), line), raw };
    } catch (error) {
      if (error instanceof BadSource) throw error;
      if (/^[[\]{},\s]*$|^"[^"]*"\s*:/.test(text)) {
        throw new BadSource(
          `Line ${line} is part of a value that goes over several lines, but the file begins with an object a line. Write ` +
            'each object on a line of its own, or all of them as one JSON list.',
        );
      }
      // What JSON.parse says quotes the text.
      const message = `Expected one JSON object on line ${line}, got text that is not JSON.`;
      const id = ID_FIRST.exec(raw)?.[1];
      const value = id === undefined ? undefined : { id: Number(id) };
      return { row: this.#row, line, value, problem: { code: 'invalid_field', message }, raw };
    }
  }
}
