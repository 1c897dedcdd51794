/**
 * Look-ups: what the store had of the customers of a page before the job sent them, and what is to be sent because of
 * that. A file for each, which is written once: whoever comes second, after a crash, in another process or in a run that a
 * reset made, goes by what is there, because the store may have the job's own values by then. A line of text says when,
 * then one a row: `[place, id]`, or `[why it is in no chunk, id]`, the values before, and what of it is the same.
 */
import { createHash } from 'node:crypto';
import { CHUNKS_PER_PAGE } from '../contract/activities.ts';
import { CHUNK_SIZE, type Match } from '../contract/job.ts';
import type { Places } from '../contract/look-ups.ts';
import { NotFound, readWhole, type Storage } from '../storage/storage.ts';
import { Recent } from './cache.ts';
import { readIds } from './ids-file.ts';
import type { JobKeys } from './keys.ts';
import { type Known, readKnown } from './known.ts';
import { type FoundCustomers, type LookedUp, sentOf } from './look-up.ts';
import { BadPage, type Chunk, KEPT_BYTES, type PageReader, type PageRow } from './pages.ts';

/** A look-up as it is kept: by row number. */
export interface LookUpFile {
  /** When it was made, in ms since 1970. */
  at: number;
  match: Match;
  /** Of a dry run: nothing was sent. */
  dryRun?: true;
  rows: Map<number, LookedUp>;
}

/** Reads and writes the files of look-ups, and keeps the latest: a process that serves a store needs each many times. */
export class LookUpFiles {
  readonly #storage: Storage;
  readonly #pages: PageReader;
  readonly #ids: Recent<Uint32Array>;
  readonly #known: Recent<Known>;
  readonly #recent: Recent<{ file: LookUpFile; bytes: number }>;
  // In no file, which a process that lost the right to send must not touch.
  readonly #found: Recent<{ at: number; customers: FoundCustomers }>;

  /** Keeps what helps a process that serves this many stores at once. */
  constructor(storage: Storage, pages: PageReader, stores = 1) {
    this.#storage = storage;
    this.#pages = pages;
    this.#recent = new Recent(stores * KEPT_BYTES, ({ bytes }) => bytes);
    this.#found = new Recent(stores * 4);
    this.#ids = new Recent(stores * KEPT_BYTES, ({ byteLength }) => byteLength);
    this.#known = new Recent(stores * KEPT_BYTES, ({ byteLength }) => byteLength);
  }

  /** The rows of a page that the last of these look-ups asks for, and the key of its file. Throws BadPage. */
  async asked(keys: JobKeys, page: number, asked: Places[]): Promise<{ rows: PageRow[]; key: string }> {
    const rows = await this.#rowsAsked(keys, page, asked);
    return { rows, key: keys.lookUp(page, nameOf(rows, asked)) };
  }

  /** The same as far as it can be looked up at once. */
  async askedAtOnce(
    keys: JobKeys,
    page: number,
    asked: Places[],
  ): Promise<{ rows: PageRow[]; key: string; asked: Places[] }> {
    const [from, to] = asked.at(-1) as Places;
    const { rows, key } = await this.asked(keys, page, asked);
    const upTo = from + chunksAtOnce(rows);
    if (upTo >= to) return { rows, key, asked };
    const part: Places[] = [...asked.slice(0, -1), [from, upTo]];
    return { ...(await this.asked(keys, page, part)), asked: part };
  }

  /** What the first look-ups of a page have asked for, or will ask for, one after another. */
  async firstLookUps(keys: JobKeys, page: number, [from, to]: Places): Promise<Places[][]> {
    const all: Places[][] = [];
    for (let at = from; at < to;) {
      const { asked } = await this.askedAtOnce(keys, page, [[at, to]]);
      all.push(asked);
      [, at] = asked[0] as Places;
    }
    return all;
  }

  /** The ids that rows of the job name, sorted. */
  ids(keys: JobKeys): Promise<Uint32Array> {
    return this.#ids.get(`${keys.run} ${keys.ids}`, () => readIds(this.#storage, keys));
  }

  /** Of whom earlier runs of the job know that they had an address. */
  known(keys: JobKeys): Promise<Known> {
    return this.#known.get(`${keys.run} ${keys.known}`, () => readKnown(this.#storage, keys));
  }

  /** What a look-up has found; undefined if it has no file. Throws BadPage if that is damaged. */
  async find(keys: JobKeys, key: string): Promise<LookUpFile | undefined> {
    try {
      const { file } = await this.#recent.get(`${keys.run} ${key}`, () => this.#load(key));
      return file;
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  }

  /** What attempts of a look-up have found lately, for the next ones, and since when; in memory, until it is kept. */
  async found(keys: JobKeys, key: string): Promise<{ at: number; customers: FoundCustomers }> {
    const load = async () => ({ at: Date.now(), customers: new Map() });
    const found = await this.#found.get(`${keys.run} ${key}`, load);
    if (Date.now() - found.at <= OLD_MS) return found;
    this.#found.forget(`${keys.run} ${key}`);
    return this.#found.get(`${keys.run} ${key}`, load);
  }

  /** Writes a look-up, unless it has been; returns the one that stands. */
  async keep(keys: JobKeys, key: string, { rows, ...head }: LookUpFile): Promise<LookUpFile> {
    const lines = [...rows].map(([row, { fate, id, before, same }]) =>
      // In an array, JSON would make null of what is undefined.
      JSON.stringify(before === undefined ? [row, fate, id] : [row, fate, id, before, ...(same ? [same] : [])]),
    );
    await this.#storage.writeOnce(key, `${[JSON.stringify(head), ...lines].join('\n')}\n`);
    this.#found.forget(`${keys.run} ${key}`);
    return (await this.find(keys, key)) as LookUpFile;
  }

  /** A chunk that the last of these look-ups has made, and when. Throws BadPage. */
  async readChunk(keys: JobKeys, chunk: number, asked: Places[]): Promise<Chunk & { at: number }> {
    const page = Math.floor(chunk / CHUNKS_PER_PAGE);
    const { rows, key } = await this.asked(keys, page, asked);
    const file = await this.find(keys, key);
    const place = chunk % CHUNKS_PER_PAGE;
    const inChunk = file ? rows.filter(({ row }) => file.rows.get(row)?.fate === place) : [];
    if (!file || inChunk.length === 0) {
      throw new BadPage(`Chunk ${chunk} is not in ${this.#storage.uri(key)}: it is missing or damaged. ${CURE}`);
    }
    const sent = inChunk.map(({ row, values }) => {
      const { id, same } = file.rows.get(row) as LookedUp & { id: number };
      return sentOf(values, id, file.match, same);
    });
    return {
      at: file.at,
      rows: inChunk.map(({ row }) => row),
      lines: inChunk.map(({ line }) => line),
      body: JSON.stringify(sent),
    };
  }

  async #rowsAsked(keys: JobKeys, page: number, asked: Places[]): Promise<PageRow[]> {
    const [first, ...more] = asked as [Places, ...Places[]];
    let rows = await this.#pages.readRows(keys, page, first);
    for (const [index, [from, to]] of more.entries()) {
      const key = keys.lookUp(page, nameOf(rows, asked.slice(0, index + 1)));
      const file = await this.find(keys, key);
      if (!file) throw new BadPage(`The look-up ${this.#storage.uri(key)} is missing. ${CURE}`);
      rows = rows.filter(({ row }) => {
        const fate = file.rows.get(row)?.fate;
        return typeof fate === 'number' && fate >= from && fate < to;
      });
    }
    return rows;
  }

  async #load(key: string): Promise<{ file: LookUpFile; bytes: number }> {
    const bytes = await readWhole(this.#storage, key);
    try {
      const [head = '', ...lines] = bytes.toString('utf8').split('\n').slice(0, -1);
      const rows = lines.map((line): [number, LookedUp] => {
        const [row, fate, id, before, same] = JSON.parse(line) as Line;
        return [row, { fate, id, before, ...(same && { same }) }];
      });
      return { file: { ...(JSON.parse(head) as Omit<LookUpFile, 'rows'>), rows: new Map(rows) }, bytes: bytes.length };
    } catch (error) {
      throw new BadPage(`The look-up ${this.#storage.uri(key)} is damaged. ${CURE}`, { cause: error });
    }
  }
}

/** A row as it is written. */
type Line = [
  row: number,
  fate: LookedUp['fate'],
  id: number | null,
  before?: LookedUp['before'],
  same?: LookedUp['same'],
];

/** Most calls that a look-up takes, as far as that can be reckoned. */
const CALLS = 20;

/** How many customers, found by their addresses or by their ids, and how many values a call lists. */
const LISTED = { byEmail: 100, byId: 250, values: 250 };

/** How many chunks of these rows are looked up at once. */
function chunksAtOnce(rows: readonly PageRow[]): number {
  const attributes = new Set(rows.flatMap(({ values }) => Object.keys(values.attributes ?? {}))).size;
  if (attributes === 0) return CHUNKS_PER_PAGE;
  const listed = rows.some(({ values }) => values.id === undefined) ? LISTED.byEmail : LISTED.byId;
  const callsARow = 1 / listed + 1 / Math.max(1, Math.floor(LISTED.values / attributes));
  return Math.floor(CALLS / callsARow / CHUNK_SIZE);
}

/** What was found longer ago, in ms, is asked for again. */
const OLD_MS = 5 * 60_000;

const CURE = 'Start a new job from the source.';

/**
 * The same for the same rows of a page, whichever run or attempt asks for them; another one for other rows, as where the
 * source has changed, and where they are asked for again.
 */
function nameOf(rows: readonly PageRow[], asked: Places[]): string {
  const whom = JSON.stringify(rows.map(({ row, values: { id, email, new_email } }) => [row, id, email, new_email]));
  return `${asked.length}-${createHash('sha256').update(whom).digest('hex').slice(0, 16)}`;
}
