/**
 * The records of a file that is JSON, however it is laid out: an object a line, one list, lists one after another, or an
 * answer of the API with its list below `data`. Only where values begin and end is looked for here; JSON.parse does the rest,
 * a record at a time.
 */
import { BadSource } from '../errors.ts';
import { MAX_RECORD, type SourceRecord, tooLong } from './record.ts';
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
const isAnswer = ({ data, customers }: Record<string, unknown>): boolean =>
  (typeof data === 'object' && data !== null) || (typeof customers === 'object' && customers !== null);

interface JsonReader {
  push(text: string): SourceRecord[];
  end(): SourceRecord[];
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
    try {
      return { row: ++this.#row, line, value: JSON.parse(withoutComma(text)) as unknown };
    } catch {
      if (/^[[\]{},\s]*$|^"[^"]*"\s*:/.test(text)) {
        throw new BadSource(
          `Line ${line} is part of a value that goes over several lines, but the file begins with an object a line. Write ` +
            'each object on a line of its own, or all of them as one JSON list.',
        );
      }
      // What JSON.parse says quotes the text.
      const message = `Expected one JSON object on line ${line}, got text that is not JSON.`;
      return { row: this.#row, line, value: undefined, problem: { code: 'invalid_field', message } };
    }
  }
}

/** Before an object at depth 0 comes what, beside blanks. */
type Expected = 'an object' | 'an object or the end of the list' | 'a comma or the end of the list';

const LIST_KEY = /"(data|customers)"\s*:\s*$/;
const [NEWLINE, QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('\n"\\,[]{}');

/** Values one after another: a list stands for its members, and an object with a list below `data` or `customers` too. */
class JsonValues implements JsonReader {
  readonly #note: (text: string) => void;
  /** In no list, in one, in one below `data`, or in what follows that one. */
  #place: 'top' | 'list' | 'answer' | 'tail' = 'top';
  #expected: Expected = 'an object';
  /** Of the object that is being collected; 0 between objects. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  #text = '';
  #length = 0;
  /** Where the rest of it begins in the piece. */
  #from = 0;
  /** What came before the list of an answer. */
  #head = '';
  #line = 1;
  #startLine = 1;
  #row = 0;
  #records: SourceRecord[] = [];

  constructor(note: (text: string) => void) {
    this.#note = note;
  }

  /** Within an object that stands in no list. */
  get isInObject(): boolean {
    return this.#place === 'top' && this.#depth > 0;
  }

  push(text: string): SourceRecord[] {
    this.#from = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === NEWLINE) this.#line++;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (code === BACKSLASH) this.#escaped = true;
        else if (code === QUOTE) this.#inString = false;
      } else if (this.#depth === 0) this.#between(text, code, at);
      else if (code === QUOTE) this.#inString = true;
      else if (code === OPEN_OBJECT || code === OPEN_LIST) this.#open(text, code, at);
      else if ((code === CLOSE_OBJECT || code === CLOSE_LIST) && --this.#depth === 0) this.#finish(text, at);
    }
    if (this.#depth > 0) this.#keep(text.slice(this.#from));
    const records = this.#records;
    this.#records = [];
    return records;
  }

  end(): SourceRecord[] {
    if (this.#depth > 0) throw this.#broken('the rest of an object', 'the end of the file');
    if (this.#place !== 'top') throw this.#broken(this.#expected, 'the end of the file');
    return [];
  }

  #between(text: string, code: number, at: number): void {
    const isEnd = code === CLOSE_LIST && this.#place !== 'top' && this.#expected.endsWith('the end of the list');
    if (code === OPEN_OBJECT && this.#expected.startsWith('an object')) this.#begin(at);
    else if (isEnd && this.#place === 'list') {
      this.#place = 'top';
      this.#expected = 'an object';
    } else if (isEnd) {
      this.#place = 'tail';
      this.#begin(at + 1);
    } else if (this.#place === 'top' && code === OPEN_LIST) {
      this.#place = 'list';
      this.#expected = 'an object or the end of the list';
    } else if (code === COMMA && this.#expected.startsWith('a comma')) this.#expected = 'an object';
    else if (!isBlank(text[at] as string) && !(code === COMMA && this.#place === 'top')) {
      throw this.#broken(this.#place === 'top' ? 'an object or a list' : this.#expected, 'something else');
    }
  }

  #begin(at: number): void {
    this.#depth = 1;
    this.#from = at;
    this.#startLine = this.#line;
  }

  /** Begins a list or an object within an object. */
  #open(text: string, code: number, at: number): void {
    if (this.#depth === 1 && (this.#place === 'top' || this.#place === 'tail')) {
      const before = this.#text.slice(-100) + text.slice(this.#from, at);
      const key = LIST_KEY.exec(before.slice(-100))?.[1];
      if (key !== undefined && (code === OPEN_OBJECT || this.#place === 'tail')) throw this.#noOneList();
      if (key !== undefined) {
        this.#head = this.#text + text.slice(this.#from, at);
        this.#drop();
        this.#place = 'answer';
        this.#expected = 'an object or the end of the list';
        return;
      }
    }
    this.#depth++;
  }

  #finish(text: string, at: number): void {
    this.#keep(text.slice(this.#from, at + 1));
    if (this.#place === 'tail') this.#finishAnswer();
    else this.#finishRecord();
    this.#drop();
    this.#expected = this.#place === 'top' ? 'an object' : 'a comma or the end of the list';
  }

  #finishRecord(): void {
    const line = this.#startLine;
    if (this.#length > MAX_RECORD) {
      if (this.#place === 'top') throw this.#broken('objects of at most a million characters', 'a longer one');
      return void this.#records.push(tooLong(++this.#row, line, this.#length));
    }
    const value = this.#parse(this.#text);
    this.#records.push({ row: ++this.#row, line, value });
  }

  /** Looks at what stands beside the list of an answer. */
  #finishAnswer(): void {
    const before = this.#parse(`${this.#head}null}`) as Record<string, unknown>;
    const after = this.#parse(`{"":null${this.#text}`) as Record<string, unknown>;
    const keys = [...Object.keys(before), ...Object.keys(after)];
    if (keys.includes('id') || keys.includes('email')) throw this.#noOneList();
    if (keys.filter((key) => key === 'data' || key === 'customers').length > 1) throw this.#noOneList();
    const meta = (after['meta'] ?? before['meta']) as { pagination?: Record<string, unknown> } | null | undefined;
    const { current_page: page, total_pages: pages } = meta?.pagination ?? {};
    if (Number(pages) > Number(page)) this.#note(`The file is page ${Number(page)} of ${Number(pages)} of an answer.`);
    this.#place = 'top';
  }

  #keep(text: string): void {
    this.#length += text.length;
    this.#text = this.#length > MAX_RECORD ? '' : this.#text + text;
  }

  #drop(): void {
    this.#depth = 0;
    this.#text = '';
    this.#length = 0;
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw this.#broken('an object', 'one that is not JSON');
    }
  }

  #noOneList(): BadSource {
    return new BadSource(
      `Line ${this.#line}: expected one list of customers, below "data" or "customers", got something else beside it. Write the ` +
        'customers as one JSON list, or one object a line.',
    );
  }

  #broken(expected: string, got: string): BadSource {
    return new BadSource(
      `The file is not JSON: in line ${this.#line}, after ${this.#row} objects, expected ${expected}, got ${got}.`,
    );
  }
}
