/** A file's bytes as text, for every format, and which characters count as blank. */
import { isUtf8 } from 'node:buffer';
import { BadSource } from './record.ts';
import { refuseOtherKinds } from './kinds.ts';

/** Bytes looked at before anything is decoded: enough for a byte order mark and for what a file of another kind begins with. */
const START_BYTES = 512;

const BOMS: [encoding: string, mark: Buffer][] = [
  ['utf-8', Buffer.from([0xef, 0xbb, 0xbf])],
  ['utf-16le', Buffer.from([0xff, 0xfe])],
  ['utf-16be', Buffer.from([0xfe, 0xff])],
];

/** Encodings in which text may by chance be valid UTF-8, so that being so proves nothing. */
const MULTI_BYTE = /^(utf-|gb|big5|euc-|iso-2022-|shift_jis)/;

/** Turns pieces of a file into text. A character that is cut between two pieces comes with the second one. */
interface Decoder {
  write(piece: Uint8Array): string;
  /** What is left. Throws BadSource if `encoding` was the wrong choice for the whole file. */
  end(): string;
}

/**
 * The text of a file, in pieces, without its byte order mark. The mark says how it is encoded, else `encoding` does (a name
 * that TextDecoder knows), else it is UTF-8, in which a byte that can't be decoded becomes a lone surrogate: see
 * `NOT_UTF8`. Iterating throws BadSource for a file of another kind.
 */
export async function* textOf(
  bytes: AsyncIterable<Uint8Array>,
  encoding: string | null = null,
): AsyncGenerator<string> {
  let decoder: Decoder | undefined;
  let start: Uint8Array = new Uint8Array();
  for await (const piece of bytes) {
    if (decoder) yield decoder.write(piece);
    else {
      start = Buffer.concat([start, piece]);
      if (start.length < START_BYTES) continue;
      decoder = decoderFor(start, encoding);
      yield decoder.write(withoutMark(start));
    }
  }
  if (!decoder) {
    decoder = decoderFor(start, encoding);
    yield decoder.write(withoutMark(start));
  }
  yield decoder.end();
}

/**
 * The same text, its first piece so long that it `isEnough`, unless that is all there is. It is asked again once the start
 * has doubled, so that a long start costs linear time.
 */
export async function* startFirst(
  text: AsyncIterable<string>,
  isEnough: (start: string) => boolean,
): AsyncGenerator<string> {
  let start: string | undefined = '';
  let askFrom = 0;
  for await (const piece of text) {
    if (start === undefined) yield piece;
    else {
      start += piece;
      if (start.length < askFrom) continue;
      askFrom = 2 * start.length;
      if (!isEnough(start)) continue;
      yield start;
      start = undefined;
    }
  }
  if (start !== undefined) yield start;
}

const markOf = (start: Uint8Array) => BOMS.find(([, mark]) => mark.equals(start.subarray(0, mark.length)));

const withoutMark = (start: Uint8Array): Uint8Array => start.subarray(markOf(start)?.[1].length ?? 0);

function decoderFor(start: Uint8Array, given: string | null): Decoder {
  const marked = markOf(start)?.[0];
  const encoding = marked ?? (given === null ? 'utf-8' : new TextDecoder(given).encoding);
  if (!encoding.startsWith('utf-16')) refuseOtherKinds(start);
  if (encoding === 'utf-8') return new Utf8();
  const decoder = new TextDecoder(encoding);
  const utf8 = new Utf8();
  let isValid = !MULTI_BYTE.test(encoding);
  let isMore = false;
  const look = (text: string): void => {
    isValid &&= !NOT_UTF8.test(text);
    isMore ||= BEYOND_ASCII.test(text);
  };
  return {
    write(piece) {
      if (isValid) look(utf8.write(piece));
      // Without `stream`, even for a whole file, Node.js 20 and early 24 read windows-1252 as latin1: no €.
      return decoder.decode(piece, { stream: true });
    },
    end() {
      if (isValid) look(utf8.end());
      if (isValid && isMore) {
        throw new BadSource(`This file is UTF-8, not ${encoding}. Leave --encoding (encoding) out.`);
      }
      return decoder.decode();
    },
  };
}

const BEYOND_ASCII = /[\u0080-\uFFFF]/;

/** A byte that is not UTF-8, as `Utf8` gives it: U+DC80 to U+DCFF, which no UTF-8 can hold. */
export const NOT_UTF8 = /[\uDC80-\uDCFF]/u;

/** Runs of UTF-8, or a byte that is none, in bytes that are given one character each. */
const UTF8_OR_BYTE = new RegExp(
  '((?:[\\x00-\\x7f]|[\\xc2-\\xdf][\\x80-\\xbf]|\\xe0[\\xa0-\\xbf][\\x80-\\xbf]|[\\xe1-\\xec\\xee\\xef][\\x80-\\xbf]{2}|' +
    '\\xed[\\x80-\\x9f][\\x80-\\xbf]|\\xf0[\\x90-\\xbf][\\x80-\\xbf]{2}|[\\xf1-\\xf3][\\x80-\\xbf]{3}|' +
    '\\xf4[\\x80-\\x8f][\\x80-\\xbf]{2})+)|[^]',
  'g',
);

/** UTF-8. A bad byte costs only the row that it is in, and its place is not lost. */
class Utf8 implements Decoder {
  #cut: Uint8Array = new Uint8Array();

  write(piece: Uint8Array): string {
    const bytes = this.#cut.length > 0 ? Buffer.concat([this.#cut, piece]) : piece;
    const whole = wholeCharacters(bytes);
    this.#cut = Uint8Array.from(bytes.subarray(whole));
    return decoded(bytes.subarray(0, whole));
  }

  end(): string {
    return decoded(this.#cut);
  }
}

/** How many of the bytes come before a character that is cut at their end. */
function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) break;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function decoded(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString('utf8');
  return buffer.toString('latin1').replace(UTF8_OR_BYTE, (one, utf8?: string) => {
    return utf8 === undefined
      ? String.fromCharCode(0xdc00 + one.charCodeAt(0))
      : Buffer.from(utf8, 'latin1').toString();
  });
}

// JavaScript's own blanks include NBSP and the byte order mark; spreadsheets and web pages leave zero-width characters too,
// and DOS a ^Z at the end of a file.
const BLANK = '[\\s\\u200B-\\u200D\\u2060\\x1A]';
const BLANK_TEXT = new RegExp(`^${BLANK}*$`);
const AROUND = new RegExp(`^${BLANK}+|${BLANK}+$`, 'g');

export const isBlank = (text: string): boolean => BLANK_TEXT.test(text);

/** Without blanks and invisible characters at either end. */
export const trimmed = (text: string): string => (NEEDS_TRIMMING.test(text) ? text.replace(AROUND, '') : text);

const NEEDS_TRIMMING = new RegExp(`^${BLANK}|${BLANK}$`);
