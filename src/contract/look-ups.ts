/**
 * What look-ups have made of a job's chunks. The chunks that a look-up leaves are numbered from the first place that it
 * asked for on; places beyond them stay empty. Pure, and part of the workflow bundle.
 */
import { CHUNKS_PER_PAGE, type Fallen } from './activities.ts';
import { CHUNK_SIZE, type Failure } from './job.ts';
import { decodeRuns, encodeRuns } from './outcomes.ts';

/** Places of chunks in a page, from the first up to but not including the second. */
export type Places = [from: number, to: number];

/** One look-up of a page. */
interface LookUp {
  /** The places whose rows were looked up: all that are to be sent, or those of an earlier look-up not sent yet. */
  asked: Places;
  chunks: number;
  /** Customers in the last chunk; all others are full. */
  lastSize: number;
}

/** Look-ups as they travel: encodeRuns of how many each page has, then of each number of theirs, by page. */
export interface CarriedLookUps {
  pages: number;
  counts: string;
  from: string;
  to: string;
  chunks: string;
  lastSizes: string;
}

export const NO_LOOK_UPS: CarriedLookUps = { pages: 0, counts: '', from: '', to: '', chunks: '', lastSizes: '' };

/** Whose chunk is where, over all pages of a job. */
export class LookUps {
  readonly #pages: LookUp[][];

  constructor({ pages, counts, ...columns }: CarriedLookUps) {
    const perPage = [...decodeRuns(counts, pages)];
    const all = perPage.reduce((sum, count) => sum + count, 0);
    const [from, to, chunks, lastSizes] = [columns.from, columns.to, columns.chunks, columns.lastSizes].map((runs) =>
      decodeRuns(runs, all),
    ) as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
    let at = 0;
    const next = (): LookUp => ({
      asked: [from[at] as number, to[at] as number],
      chunks: chunks[at] as number,
      lastSize: lastSizes[at++] as number,
    });
    this.#pages = perPage.map((count) => Array.from({ length: count }, next));
  }

  carry(): CarriedLookUps {
    const all = this.#pages.flat();
    return {
      pages: this.#pages.length,
      counts: encodeRuns(this.#pages.map(({ length }) => length)),
      from: encodeRuns(all.map(({ asked }) => asked[0])),
      to: encodeRuns(all.map(({ asked }) => asked[1])),
      chunks: encodeRuns(all.map(({ chunks }) => chunks)),
      lastSizes: encodeRuns(all.map(({ lastSize }) => lastSize)),
    };
  }

  add(page: number, lookUp: LookUp): void {
    while (this.#pages.length <= page) this.#pages.push([]);
    this.#pages[page]?.push(lookUp);
  }

  /** Pages that were looked up. */
  pages(): number[] {
    return this.#pages.flatMap(({ length }, page) => (length > 0 ? [page] : []));
  }

  /** Customers in a chunk, 0 where no row is left for it; undefined if its page was not looked up. */
  sizeOf(chunk: number): number | undefined {
    const place = chunk % CHUNKS_PER_PAGE;
    const owner = this.#owners(Math.floor(chunk / CHUNKS_PER_PAGE), place).at(-1);
    if (!owner) return undefined;
    const after = place - owner.asked[0] - owner.chunks;
    return after >= 0 ? 0 : after === -1 ? owner.lastSize : CHUNK_SIZE;
  }

  /** What was asked for by the look-up that has made a chunk, and before by those that led to it; none if none did. */
  askedFor(chunk: number): Places[] {
    return this.#owners(Math.floor(chunk / CHUNKS_PER_PAGE), chunk % CHUNKS_PER_PAGE).map(({ asked }) => asked);
  }

  /** What was asked for by each look-up of a page, after those that led to it; in the order in which they ended. */
  allAsked(page: number): Places[][] {
    const lookUps = this.#pages[page] ?? [];
    return lookUps.map((lookUp, at) => this.#owners(page, lookUp.asked[0], at + 1).map(({ asked }) => asked));
  }

  /** Of the first `count` look-ups of a page those that asked for a place: each for some of what the one before left. */
  #owners(page: number, place: number, count = Infinity): LookUp[] {
    const asked = ({ asked: [from, to] }: LookUp) => place >= from && place < to;
    return (this.#pages[page] ?? []).slice(0, count).filter(asked);
  }
}

type Row = Pick<Failure, 'row' | 'line' | 'id'>;

/** Rows by number, in order, as they are written in Fallen. */
export function packFallen(rows: readonly Row[]): Pick<Fallen, 'rows' | 'count'> {
  let before = { row: 0, line: 0 };
  const numbers = rows.flatMap(({ row, line, id }) => {
    const steps = [row - before.row, (line ?? 0) - before.line, id ?? 0];
    before = { row, line: line ?? 0 };
    return steps;
  });
  return { rows: encodeRuns(numbers), count: rows.length };
}

/** The failures of rows that fell out. */
export function failuresOf({ rows, count, ...why }: Fallen): Failure[] {
  const numbers = decodeRuns(rows, 3 * count);
  let [row, line] = [0, 0];
  return Array.from({ length: count }, (_, index) => {
    row += numbers[3 * index] as number;
    line += numbers[3 * index + 1] as number;
    return { row, line: line || null, id: numbers[3 * index + 2] || null, ...why };
  });
}
