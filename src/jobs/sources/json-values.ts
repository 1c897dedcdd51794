/**
 * JSON values one after another, wherever their lines end. Only where values begin and end is looked for here; JSON.parse does
 * the rest, a record at a time.
 */
import { BadSource, MAX_RECORD, type SourceRecord, tooLong } from './record.ts';
import { isBlank } from './text.ts';

/** Reads records from text that comes in pieces. */
export interface JsonReader {
  push(text: string): SourceRecord[];
  end(): SourceRecord[];
}

/** Before an object at depth 0 comes what, beside blanks. */
type Expected = 'an object' | 'an object or the end of the list' | 'a comma or the end of the list';

const LIST_KEY = /"(data|customers)"\s*:\s*$/;
const [NEWLINE, QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('\n"\\,[]{}');

/** Values one after another: a list stands for its members, and an object with a list below `data` or `customers` too. */
export class JsonValues implements JsonReader {
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
    this.#records.push({ row: ++this.#row, line, value, raw: this.#text });
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
