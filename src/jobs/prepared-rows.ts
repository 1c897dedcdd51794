/** The rows of a job that has ended, from its pages and look-ups, and how their chunks ended. */
import { CHUNKS_PER_PAGE, looksUp } from '../contract/activities.ts';
import type { Match } from '../contract/job.ts';
import { LookUps, type Places } from '../contract/look-ups.ts';
import { type ChunkCode, chunkRows, decodeChunk, decodeRuns } from '../contract/outcomes.ts';
import type { Storage } from '../storage/storage.ts';
import type { Row, Values } from './fields.ts';
import type { KeyedRow } from './keyed-rows.ts';
import { type JobKeys, jobKeys } from './keys.ts';
import { type LookedUp, sentOf } from './look-up.ts';
import { LookUpFiles } from './look-ups.ts';
import { allSets, BadPage, PageReader, rowsIn } from './pages.ts';
import type { EndedJob } from './settled-rows.ts';

/** A row that was written into a page. */
export interface PreparedRow {
  row: number;
  line: number | null;
  /** What the source row held, if its page can be read. */
  source: KeyedRow | undefined;
  /** What was sent of it, or would be; undefined if its customer is not known. */
  sent: Row | undefined;
  /** The customer's id; null if it is not known. */
  id: number | null;
  /** The number of its chunk; where a look-up has not left it in one, of the one in which it was prepared. */
  chunk: number;
  /** How its chunk ended, or why it is in none; `unknown` if that can't be read any more. */
  state: ChunkCode['state'] | 'unchanged' | 'fellOut' | 'unknown';
  /** Whether it was looked up; absent in a job that looks nothing up. */
  isLookedUp?: boolean;
  /** What a look-up has made of it, if one has. */
  fate?: LookedUp['fate'] | undefined;
  /** What the customer had before; null if the store did not have the customer, absent if nobody knows. */
  before?: Values | null | undefined;
}

/** The rows of the wanted chunks, in order; where pages were looked up, of all chunks of a page with a wanted one, and of `pages`. */
export async function* preparedRows(
  storage: Storage,
  job: EndedJob,
  wanted: (chunk: ChunkCode) => boolean,
  pages: ReadonlySet<number> = new Set(),
): AsyncGenerator<PreparedRow> {
  const reading = new Reading(storage, job);
  const { chunks, chunksToSend } = job.plan;
  const { isLookingUp, codes } = reading;
  for (let chunk = 0; chunk < chunks; chunk++) {
    if (isLookingUp && chunk < chunksToSend && chunk % CHUNKS_PER_PAGE === 0) {
      const end = Math.min(chunk + CHUNKS_PER_PAGE, chunksToSend);
      const page = chunk / CHUNKS_PER_PAGE;
      if (pages.has(page) || codes.slice(chunk, end).some(wanted)) yield* reading.page(page, [0, end - chunk]);
      chunk = end - 1;
    } else if (wanted(codes[chunk] as ChunkCode)) {
      for (const row of await reading.chunk(chunk)) yield { ...row, ...(isLookingUp && { isLookedUp: false }) };
    }
  }
}

class Reading {
  readonly isLookingUp: boolean;
  readonly codes: ChunkCode[];
  readonly #keys: JobKeys;
  readonly #wasReset: boolean;
  readonly #isOvertaken: () => Promise<boolean>;
  readonly #dryRun: boolean;
  readonly #match: Match;
  readonly #pages: PageReader;
  readonly #files: LookUpFiles;
  readonly #lookUps: LookUps;
  readonly #bounds: { first: Uint32Array; last: Uint32Array };

  constructor(storage: Storage, { job, plan, outcomes, lookUps, options, ...ended }: EndedJob) {
    const { wasReset = false, isOvertaken = async () => false } = ended;
    this.isLookingUp = looksUp(options, plan);
    this.codes = [...decodeRuns(outcomes, plan.chunks)].map(decodeChunk);
    this.#keys = jobKeys(job);
    this.#wasReset = wasReset;
    this.#isOvertaken = isOvertaken;
    this.#dryRun = options.dryRun;
    this.#match = options.match;
    this.#pages = new PageReader(storage, 1);
    this.#files = new LookUpFiles(storage, this.#pages);
    this.#lookUps = new LookUps(lookUps);
    this.#bounds = chunkRows(plan);
  }

  /** The rows of a chunk, as it was prepared. */
  async chunk(chunk: number): Promise<PreparedRow[]> {
    const state = this.codes[chunk]?.state ?? 'pending';
    const read = await this.#ifReadable(this.#pages.readChunk(this.#keys, chunk));
    if (read) {
      return rowsIn(read).map(({ values, ...at }) => ({
        ...at,
        ...this.#about(values, values.id ?? null),
        chunk,
        state,
      }));
    }
    // Invalid rows among them are failures, which come first.
    const [first, last] = [this.#bounds.first[chunk] as number, this.#bounds.last[chunk] as number];
    const rows = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    return rows.map((row) => ({ row, line: null, source: undefined, sent: undefined, id: null, chunk, state }));
  }

  /** The rows of the chunks at these places of a page, as they were looked up. */
  async *page(page: number, places: Places): AsyncGenerator<PreparedRow> {
    const first = page * CHUNKS_PER_PAGE;
    const found = await this.#found(page, places);
    for (let chunk = first; chunk < first + places[1]; chunk++) {
      const [asked] = this.#lookUps.askedFor(chunk);
      for (const prepared of await this.chunk(chunk)) {
        const looked = found.get(prepared.row);
        const { source } = prepared;
        const about = looked && source && this.#about(source, looked.id, looked.same);
        const isDone = asked && this.#isDone(first, asked);
        const now = looked ? this.#fateOf(looked, first) : ({ state: isDone ? 'done' : 'unknown' } as const);
        yield {
          ...{ ...prepared, ...about, fate: looked?.fate, before: looked?.before },
          // What stood before a reset, or is of a dry run, says nothing of chunks of this run.
          ...(asked ? now : { state: 'pending' }),
          isLookedUp: asked !== undefined || looked !== undefined,
        };
      }
    }
  }

  /** Then whoever is no failure was updated, also where nobody can tell any more which chunk he was in. */
  #isDone(first: number, [from, to]: Places): boolean {
    const codes = this.codes.slice(first + from, first + to);
    return codes.every(({ state }) => state === 'done' || state === 'none');
  }

  #about(source: KeyedRow, id: number | null, same?: string[]): Pick<PreparedRow, 'source' | 'sent' | 'id'> {
    return { source, sent: id === null ? undefined : sentOf(source, id, this.#match, same), id };
  }

  #fateOf({ fate }: LookedUp, first: number): Partial<PreparedRow> {
    if (typeof fate !== 'number') return { state: fate === 'unchanged' ? 'unchanged' : 'fellOut' };
    return { chunk: first + fate, state: this.codes[first + fate]?.state ?? 'unknown' };
  }

  /** By row, what was looked up last, with the values that were overwritten: in a run that a reset made, the first ones. */
  async #found(page: number, places: Places): Promise<Map<number, LookedUp>> {
    const found = new Map<number, LookedUp>();
    for (const asked of await this.#asked(page, places)) {
      const rows = (await this.#ifReadable(this.#rowsOf(page, asked))) ?? new Map<number, LookedUp>();
      const [from, to] = asked.at(-1) as Places;
      for (const [row, { fate }] of found) {
        // It was looked up again, and if that can't be read, nobody knows its chunk.
        if (typeof fate === 'number' && fate >= from && fate < to && !rows.has(row)) found.delete(row);
      }
      for (const [row, looked] of rows) {
        const earlier = this.#wasReset ? found.get(row) : undefined;
        // What is the same now may be what the earlier run has sent.
        found.set(row, earlier ? { ...looked, before: earlier.before, same: undefined } : looked);
      }
    }
    return found;
  }

  /** Look-ups of a page, and those of an earlier run, or of a dry run, of which workflow state has only counts. */
  async #asked(page: number, places: Places): Promise<Places[][]> {
    const all = this.#lookUps.allAsked(page);
    if (!this.#wasReset && !this.#dryRun) return all;
    const first = (await this.#ifReadable(this.#files.firstLookUps(this.#keys, page, places))) ?? [];
    const isKnown = ([asked]: Places[]) => all.some(([other]) => other?.[0] === asked?.[0]);
    return [...all, ...first.filter((asked) => !isKnown(asked))];
  }

  async #rowsOf(page: number, asked: Places[]): Promise<Map<number, LookedUp> | undefined> {
    const { key } = await this.#files.asked(this.#keys, page, asked);
    return (await this.#files.find(this.#keys, key))?.rows;
  }

  /** Undefined for what can't be read any more: a job still ends. */
  #ifReadable<T>(read: Promise<T>): Promise<T | undefined> {
    return read.catch(async (error: unknown) => {
      // Or pages are missing because an attempt that Temporal has given up has finished after all.
      if (!(error instanceof BadPage) || (await this.#isOvertaken())) throw error;
      return undefined;
    });
  }
}

/** A row whose customer a look-up has found. */
type LookedUpRow = Pick<PreparedRow, 'before'> & { source: KeyedRow; sent: Row; id: number; dryRun: boolean };

/** What a job has looked up to be sent, in any set of pages. */
export async function* allLookedUp(
  storage: Storage,
  anySet: JobKeys,
  chunksToSend: number,
): AsyncGenerator<LookedUpRow> {
  for await (const keys of allSets(storage, anySet)) {
    for await (const row of lookedUpIn(storage, keys, chunksToSend)) if (!row.dryRun) yield row;
  }
}

/** What was looked up first of a set of pages and left in chunks, as it was; below `chunksToSend`, for which it stood. */
export async function* lookedUpIn(storage: Storage, keys: JobKeys, chunksToSend: number): AsyncGenerator<LookedUpRow> {
  const pages = new PageReader(storage, 1);
  const files = new LookUpFiles(storage, pages);
  for (let page = 0; await storage.exists(keys.page(page)); page++) {
    const to = Math.min(await pages.chunksIn(keys, page), chunksToSend - page * CHUNKS_PER_PAGE);
    if (to <= 0) return;
    for (const asked of await files.firstLookUps(keys, page, [0, to])) {
      const { rows, key } = await files.asked(keys, page, asked);
      const found = await files.find(keys, key);
      for (const { row, values } of rows) {
        const looked = found?.rows.get(row);
        if (!found || typeof looked?.fate !== 'number' || looked.id === null) continue;
        const { id, before, same } = looked;
        yield {
          source: values,
          sent: sentOf(values, id, found.match, same),
          id,
          before,
          dryRun: found.dryRun ?? false,
        };
      }
    }
  }
}
