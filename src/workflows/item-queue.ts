/** What a job gives to activities next. Pure. */
import type { Places } from '../contract/look-ups.ts';

/** A chunk, or some customers of it, to be sent. */
export interface ChunkItem {
  chunk: number;
  /** Only these customers. */
  only?: number[];
}

/** A page to be looked up. */
export interface PageItem {
  page: number;
  /** Only the rows of the chunks at these places, which were looked up before. */
  asked?: Places;
}

/** The names that the source has of things of the store. */
export interface NamesItem {
  names: true;
}

/** What only reads. */
export type ReadItem = PageItem | NamesItem;

export type Item = ChunkItem | ReadItem;

/** Numbers, up to but not including `to`, of items that nobody has taken yet. */
interface Range {
  from: number;
  to: number;
  /** Chunks of a look-up: when it ended, in ms since 1970. */
  at?: number;
  /** It was made again, and nothing of it has been sent since. */
  isAgain?: boolean;
}

/** An item for which the store gave no answer, and how often. */
interface Unanswered {
  /** As counted: see `unanswered`. */
  tries: number;
  /** Items done when it was first taken, and after its last try. */
  doneAtFirst: number;
  doneAtLast: number;
  /** It is not taken again before this many items were taken. */
  notBefore: number;
}

/** An activity that settled nothing. */
export interface Unsettled {
  tries: number;
  attempts: number;
  doneBefore: number;
  done: number;
  isDefect?: boolean;
}

/** A queue as it travels through continue-as-new. */
export interface CarriedQueue<T> {
  ranges: Range[];
  putBack: T[];
  again: T[];
  unanswered: [number, Unanswered][];
  attempts: [number, attempts: number][];
  maybeSent: number[];
}

/** Tries after which a chunk is given up. Each activity makes 4, so it is put back twice. */
export const GIVE_UP_TRIES = 12;

/** So many chunks are taken before one without an answer is tried again: by then the job knows more about the store. */
const TAKEN_BETWEEN = 30;

/** What was looked up longer ago is looked up again before it is sent, in ms: others may have changed it. */
const OLD_MS = 5 * 60_000;

/** How items of a kind are numbered. */
interface Kind<T> {
  of(number: number): T;
  numberOf(item: T): number;
}

const CHUNKS: Kind<ChunkItem> = { of: (chunk) => ({ chunk }), numberOf: ({ chunk }) => chunk };
const READS: Kind<ReadItem> = { of: (page) => ({ page }), numberOf: (item) => ('page' in item ? item.page : -1) };

/**
 * Items that wait: first those put back through no fault of their own, then the next ones by number, with those that got
 * no answer in between and at the end.
 */
export class ItemQueue<T extends Item> {
  readonly #kind: Kind<T>;
  #ranges: Range[];
  #putBack: T[];
  #again: T[];
  #taken = 0;
  readonly #unanswered: Map<number, Unanswered>;
  readonly #attempts: Map<number, number>;
  readonly #maybeSent: Set<number>;

  private constructor(
    kind: Kind<T>,
    { ranges = [], putBack = [], again = [], unanswered = [], attempts = [], maybeSent = [] }: Partial<CarriedQueue<T>>,
  ) {
    this.#kind = kind;
    this.#ranges = ranges.map((range) => ({ ...range }));
    this.#putBack = [...putBack];
    this.#again = [...again];
    this.#unanswered = new Map(unanswered.map(([number, before]) => [number, { ...before, notBefore: 0 }]));
    this.#attempts = new Map(attempts);
    this.#maybeSent = new Set(maybeSent);
  }

  static ofChunks = (carried: Partial<CarriedQueue<ChunkItem>>): ItemQueue<ChunkItem> => new ItemQueue(CHUNKS, carried);

  static ofReads = (carried: Partial<CarriedQueue<ReadItem>>): ItemQueue<ReadItem> => new ItemQueue(READS, carried);

  get empty(): boolean {
    return this.size === 0;
  }

  /** Items that wait. */
  get size(): number {
    const next = this.#ranges.reduce((sum, { from, to }) => sum + to - from, 0);
    return this.#putBack.length + next + this.#again.length;
  }

  take(): T | undefined {
    const item = this.#putBack.shift() ?? this.#takeAgain(this.#taken) ?? this.#takeNext() ?? this.#takeAgain(Infinity);
    if (item) this.#taken++;
    return item;
  }

  /** Adds items by number that nobody has taken yet. */
  addRange(range: Range): void {
    if (range.from < range.to) this.#ranges.push(range);
  }

  /** Takes out what was looked up too long ago, but nothing twice before some of it was sent. */
  takeOld(now: number): Range[] {
    const isOld = ({ at, isAgain }: Range) => at !== undefined && !isAgain && now - at > OLD_MS;
    const old = this.#ranges.filter(isOld);
    if (old.length > 0) this.#ranges = this.#ranges.filter((range) => !isOld(range));
    return old;
  }

  /** Puts back an item that was not settled, and keeps count of its attempts. */
  putBack(item: T, attempts: number): void {
    const number = this.#kind.numberOf(item);
    this.#putBack.push(item);
    this.#attempts.set(number, this.attemptsBefore(number) + attempts);
  }

  /**
   * Enters that an activity got no answer for `item` in `tries` tries; `doneBefore` items were done when it was taken,
   * and `done` are now. Puts the item back, unless it has been tried often enough; one that `mustBe` put back always
   * is. Returns whether it did.
   *
   * Tries while no other item is done say more about the store than about this one: they count a quarter, and not at
   * all as long as none was done since the first. If it is not the store, but the worker that is at fault, they count in
   * full if any was done since the first, and else a quarter.
   */
  unanswered(item: T, { tries, attempts, doneBefore, done, isDefect }: Unsettled, mustBe: boolean): boolean {
    const number = this.#kind.numberOf(item);
    const before = this.#unanswered.get(number) ?? { tries: 0, doneAtFirst: doneBefore, doneAtLast: -1 };
    const isOthersDone = done > before.doneAtFirst;
    const share = (isDefect ? isOthersDone : done > before.doneAtLast) ? 1 : isDefect || isOthersDone ? 1 / 4 : 0;
    const total = before.tries + Math.ceil(tries * share);
    if (total >= GIVE_UP_TRIES && !mustBe) return false;
    this.#unanswered.set(number, {
      tries: total,
      doneAtFirst: before.doneAtFirst,
      doneAtLast: done,
      notBefore: this.#taken + TAKEN_BETWEEN,
    });
    this.#attempts.set(number, this.attemptsBefore(number) + attempts);
    this.#again.push(item);
    return true;
  }

  /** Adds items to be taken before all others. */
  add(items: T[]): void {
    this.#putBack.push(...items);
  }

  /** Attempts so far at an item for which no answer came; undefined if none was without an answer. */
  unansweredBefore(number: number): number | undefined {
    return this.#unanswered.has(number) ? this.attemptsBefore(number) : undefined;
  }

  attemptsBefore(number: number): number {
    return this.#attempts.get(number) ?? 0;
  }

  /** Enters that an item which waits may have been sent. */
  maybeSent(number: number): void {
    this.#maybeSent.add(number);
  }

  /** Whether some customers of an item may have been sent before. */
  isMaybeSent(number: number): boolean {
    return this.#maybeSent.has(number);
  }

  /** Waiting items some of whose customers may have been sent. */
  allMaybeSent(): number[] {
    return [...this.#maybeSent];
  }

  /** Items that wait and some of whose customers may have been sent, as they are to be sent. */
  itemsMaybeSent(): T[] {
    return [...this.#putBack, ...this.#again].filter((item) => this.#maybeSent.has(this.#kind.numberOf(item)));
  }

  /** Forgets the tries and attempts of an item that is done. */
  forget(item: T): void {
    const number = this.#kind.numberOf(item);
    this.#unanswered.delete(number);
    this.#attempts.delete(number);
    this.#maybeSent.delete(number);
  }

  carry(): CarriedQueue<T> {
    return {
      ...{ ranges: this.#ranges, putBack: this.#putBack, again: this.#again, unanswered: [...this.#unanswered] },
      ...{ attempts: [...this.#attempts], maybeSent: [...this.#maybeSent] },
    };
  }

  #takeNext(): T | undefined {
    const range = this.#ranges[0];
    if (!range) return undefined;
    const item = this.#kind.of(range.from++);
    range.isAgain = false;
    if (range.from >= range.to) this.#ranges.shift();
    return item;
  }

  #takeAgain(taken: number): T | undefined {
    const first = this.#again[0];
    if (!first || (this.#unanswered.get(this.#kind.numberOf(first))?.notBefore ?? 0) > taken) return undefined;
    return this.#again.shift();
  }
}
