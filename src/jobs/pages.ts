/**
 * Pages of 200 chunks, one line of text a chunk: `[source rows]`, `[lines of the file]`, and the body of its PUT, with
 * tabs between them, so that most chunks are sent without being parsed. JSON escapes tabs and line ends, so both are
 * always separators. A page of large customers is in several parts, each a file: one that another follows ends in a
 * blank line.
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

const NEWLINE = 0x0a;

const MIB = 1024 * 1024;

/** Most bytes of a part with more than one chunk. A usual page has a few hundred KB, one of the largest customers 128 MiB. */
const PART_BYTES = 4 * MIB;

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
  #page = 0;
  #part = 0;
  #chunksInPage = 0;
  // As bytes, outside the heap: as text, they can take twice as much.
  #lines: Buffer[] = [];
  #bytes = 0;

  constructor(storage: Storage, keys: JobKeys) {
    this.#storage = storage;
    this.#keys = keys;
  }

  async add(rows: Chunk['rows'], lines: Chunk['lines'], customers: readonly unknown[]): Promise<void> {
    const line = Buffer.from(`${[rows, lines, customers].map((part) => JSON.stringify(part)).join('\t')}\n`);
    if (this.#bytes > 0 && this.#bytes + line.length > PART_BYTES) await this.#writePart(MORE_FOLLOWS);
    this.#lines.push(line);
    this.#bytes += line.length;
    if (++this.#chunksInPage === CHUNKS_PER_PAGE) await this.end();
  }

  /** Writes the last page, if it has any chunks. */
  async end(): Promise<void> {
    if (this.#chunksInPage === 0) return;
    await this.#writePart();
    this.#page++;
    [this.#part, this.#chunksInPage] = [0, 0];
  }

  /** Deletes what was written. */
  async undo(): Promise<void> {
    await this.#storage.deleteBelow(this.#keys.pages);
  }

  async #writePart(...more: Buffer[]): Promise<void> {
    await this.#storage.write(this.#keys.page(this.#page, this.#part++), [Buffer.concat([...this.#lines, ...more])]);
    [this.#lines, this.#bytes] = [[], 0];
  }
}

const MORE_FOLLOWS = Buffer.from('\n');

/** Bytes of pages kept in memory per store served: several pages of usually a few hundred KB each. */
export const KEPT_BYTES = MIB;

/** Pages of which it is known how many chunks each part has, per store served. */
const KNOWN_PAGES = 4;

/** Reads chunks, and keeps the latest pages: a process that serves a store needs each one for every chunk of it. */
export class PageReader {
  readonly #storage: Storage;
  readonly #recent: Recent<Part>;
  /** Chunks in each part of a page that was read, up to some part. */
  readonly #sizes: Recent<number[]>;

  /** Keeps what helps a process that serves this many stores at once. */
  constructor(storage: Storage, stores = 1) {
    this.#storage = storage;
    this.#recent = new Recent(stores * KEPT_BYTES, ({ lines }) => lines.reduce((sum, { length }) => sum + length, 0));
    this.#sizes = new Recent(stores * KNOWN_PAGES);
  }

  /** The chunk with this 0-based number. Throws BadPage if its page is missing or damaged. */
  async readChunk(keys: JobKeys, chunk: number): Promise<Chunk> {
    const page = Math.floor(chunk / CHUNKS_PER_PAGE);
    const bytes = await this.#lineOf(keys, page, chunk % CHUNKS_PER_PAGE);
    const line = bytes && isUtf8(bytes) ? bytes.toString() : '';
    const { rows, lines: at, body } = CHUNK.exec(line)?.groups ?? {};
    if (rows && at && body) return { rows: JSON.parse(rows) as number[], lines: JSON.parse(at) as number[], body };
    const uri = this.#storage.uri(keys.page(page));
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
    let chunks = 0;
    for (let part = 0, more = true; more; part++) {
      const read = await this.#part(keys, page, part);
      chunks += read.lines.length;
      more = read.more;
    }
    return chunks;
  }

  /** The line at a place of a page; undefined if it is missing. */
  async #lineOf(keys: JobKeys, page: number, place: number): Promise<Buffer | undefined> {
    const sizes = await this.#sizes.get(`${keys.run} ${keys.page(page)}`, async () => []);
    for (let part = 0, first = 0; ; part++) {
      const known = sizes[part];
      if (known === undefined || place < first + known) {
        const { lines, more } = await this.#part(keys, page, part);
        if (!more || place < first + lines.length) return lines[place - first];
        sizes[part] = lines.length;
      }
      first += sizes[part] as number;
    }
  }

  /** A part of a page; one that is missing has no lines. */
  #part(keys: JobKeys, page: number, part: number): Promise<Part> {
    const key = keys.page(page, part);
    return this.#recent
      .get(`${keys.run} ${key}`, () => partOf(this.#storage.read(key)))
      .catch((error: unknown) => {
        if (error instanceof NotFound) return { lines: [], more: false };
        throw error;
      });
  }
}

interface Part {
  /** One a chunk, without their line ends. As bytes, as in PageWriter. */
  lines: Buffer[];
  /** Another part follows. */
  more: boolean;
}

/** What follows the last line end was cut off and is dropped. */
async function partOf(file: AsyncIterable<Uint8Array>): Promise<Part> {
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
  const more = lines.at(-1)?.length === 0;
  return { lines: more ? lines.slice(0, -1) : lines, more };
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
