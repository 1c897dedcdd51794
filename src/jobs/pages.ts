/**
 * Pages: files of 100 chunks, one line of text a chunk: `[source rows]`, `[lines of the file]`, and the body of
 * its PUT, with tabs between them, so that most chunks are sent without being parsed. JSON escapes tabs and line ends, so
 * both are always separators.
 *
 * Each attempt of prepareJob writes a set of pages of its own, however late: one that was frozen and wakes up changes nothing
 * that the job goes by, which is the set of the attempt that ended.
 */
import { isUtf8 } from 'node:buffer';
import { CHUNKS_PER_PAGE } from '../contract/activities.ts';
import type { Places } from '../contract/look-ups.ts';
import { NotFound, type Storage } from '../storage/storage.ts';
import { Recent } from './cache.ts';
import type { KeyedRow } from './keyed-rows.ts';
import type { JobKeys } from './keys.ts';
import { Turns } from './turns.ts';

const NEWLINE = 0x0a;

const PIECE_BYTES = 1024 * 1024;

/** A page of the job is missing or damaged. The message holds no customer's data: it ends up in histories. */
export class BadPage extends Error {
  override name = 'BadPage';
}

/** A chunk: the source rows of its customers, in order, where they begin, and the exact body of its PUT. */
export interface Chunk {
  rows: number[];
  /** Lines of the file; null if there is none. */
  lines: (number | null)[];
  body: string;
}

/** A row of a page: where it comes from, and what it holds. */
export interface PageRow {
  row: number;
  line: number | null;
  values: KeyedRow;
}

/** The rows of a chunk. */
export const rowsIn = ({ rows, lines, body }: Chunk): PageRow[] =>
  (JSON.parse(body) as KeyedRow[]).map((values, index) => ({
    row: rows[index] as number,
    line: lines[index] ?? null,
    values,
  }));

/** Writes a job's chunks, in order, into pages. */
export class PageWriter {
  readonly #storage: Storage;
  readonly #keys: JobKeys;
  // As bytes, outside the heap: as text, a page of the largest customers can take twice its 64 MiB.
  #lines: Buffer[] = [];
  #pages = 0;

  constructor(storage: Storage, keys: JobKeys) {
    this.#storage = storage;
    this.#keys = keys;
  }

  async add(rows: Chunk['rows'], lines: Chunk['lines'], customers: readonly unknown[]): Promise<void> {
    this.#lines.push(Buffer.from(`${[rows, lines, customers].map((part) => JSON.stringify(part)).join('\t')}\n`));
    if (this.#lines.length === CHUNKS_PER_PAGE) await this.#writePage();
  }

  /** Writes the last page, if it has any chunks. */
  async end(): Promise<void> {
    if (this.#lines.length > 0) await this.#writePage();
  }

  /** Deletes what was written. */
  async undo(): Promise<void> {
    for (let page = 0; page < this.#pages; page++) await this.#storage.delete(this.#keys.page(page));
  }

  async #writePage(): Promise<void> {
    await this.#storage.write(this.#keys.page(this.#pages++), inPieces(this.#lines));
    this.#lines = [];
  }
}

/** The lines in pieces of about a MiB: as one, a page of the largest customers would take its memory twice. */
function* inPieces(lines: readonly Buffer[]): Generator<Buffer> {
  let piece: Buffer[] = [];
  let bytes = 0;
  for (const line of lines) {
    piece.push(line);
    bytes += line.length;
    if (bytes < PIECE_BYTES) continue;
    yield Buffer.concat(piece);
    [piece, bytes] = [[], 0];
  }
  if (bytes > 0) yield Buffer.concat(piece);
}

/** Pages read at once, since a page of the largest customers has 64 MiB: one of many stores waits for a moment. */
const LOADS = 2;

/** Bytes of pages kept in memory per store served: several pages of usually a few hundred KB each. */
export const KEPT_BYTES = 1024 * 1024;

/** Reads chunks, and keeps the latest pages: a process that serves a store needs each one a hundred times. */
export class PageReader {
  readonly #storage: Storage;
  readonly #recent: Recent<Buffer[]>;
  readonly #turns = new Turns(LOADS);

  /** Keeps what helps a process that serves this many stores at once. */
  constructor(storage: Storage, stores = 1) {
    this.#storage = storage;
    this.#recent = new Recent(stores * KEPT_BYTES, (lines) => lines.reduce((sum, { length }) => sum + length, 0));
  }

  /** The chunk with this 0-based number. Throws BadPage if its page is missing or damaged. */
  async readChunk(keys: JobKeys, chunk: number): Promise<Chunk> {
    const page = Math.floor(chunk / CHUNKS_PER_PAGE);
    const lines = await this.#linesOf(keys, page);
    const key = keys.page(page);
    const bytes = lines[chunk % CHUNKS_PER_PAGE];
    const line = bytes && isUtf8(bytes) ? bytes.toString() : '';
    const { rows, lines: at, body } = CHUNK.exec(line)?.groups ?? {};
    if (rows && at && body) return { rows: JSON.parse(rows) as number[], lines: JSON.parse(at) as number[], body };
    const uri = this.#storage.uri(key);
    throw new BadPage(
      `Chunk ${chunk} is not in ${uri}: the page is missing or damaged. Start a new job from the source.`,
    );
  }

  /** The rows of the chunks at these places of a page. Throws BadPage. */
  async readRows(keys: JobKeys, page: number, [from, to]: Places): Promise<PageRow[]> {
    const first = page * CHUNKS_PER_PAGE;
    const chunks = Array.from({ length: to - from }, (_, index) => this.readChunk(keys, first + from + index));
    return (await Promise.all(chunks)).flatMap(rowsIn);
  }

  /** How many chunks a page has; none if it is missing. */
  async chunksIn(keys: JobKeys, page: number): Promise<number> {
    return (await this.#linesOf(keys, page)).length;
  }

  #linesOf(keys: JobKeys, page: number): Promise<Buffer[]> {
    const key = keys.page(page);
    return this.#recent
      .get(`${keys.run} ${key}`, () => this.#load(key))
      .catch((error: unknown) => {
        if (error instanceof NotFound) return [];
        throw error;
      });
  }

  // As bytes, as in PageWriter.
  #load(key: string): Promise<Buffer[]> {
    return this.#turns.run(() => linesOf(this.#storage.read(key)));
  }
}

/** The lines without their line ends. What follows the last line end was cut off and is dropped. */
async function linesOf(file: AsyncIterable<Uint8Array>): Promise<Buffer[]> {
  const lines: Buffer[] = [];
  let begun: Uint8Array[] = [];
  for await (const piece of file) {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      lines.push(Buffer.concat([...begun, piece.subarray(start, end)]));
      [begun, start] = [[], end + 1];
    }
    begun.push(piece.subarray(start));
  }
  return lines;
}

const CHUNK =
  /^(?<rows>\[\d{1,15}(?:,\d{1,15}){0,9}\])\t(?<lines>\[(?:\d{1,15}|null)(?:,(?:\d{1,15}|null)){0,9}\])\t(?<body>\[\{.*\}\])$/s;

/** Takes the first set that no attempt has taken yet. */
export async function newSet(storage: Storage, keys: JobKeys): Promise<JobKeys & { set: number }> {
  let set = 0;
  while (!(await storage.writeOnce(keys.taken(set), ''))) set++;
  return { ...keys.ofSet(set), set };
}

/** The keys of every set of the job: for who does not know by which it went. */
export async function* allSets(storage: Storage, keys: JobKeys): AsyncGenerator<JobKeys> {
  for (let set = 0; await storage.exists(keys.taken(set)); set++) yield keys.ofSet(set);
}
