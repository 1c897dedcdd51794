/** What a job sends next. Pure. */

/** A chunk, or some customers of it. */
export interface Item {
  chunk: number;
  /** Only these customers. */
  only?: number[];
}

/** A chunk for which the store gave no answer, and how often. */
interface Unanswered {
  /** As counted: see `unanswered`. */
  tries: number;
  /** Chunks done when it was first sent, and after its last try. */
  doneAtFirst: number;
  doneAtLast: number;
  /** It is not taken again before this many chunks were taken. */
  notBefore: number;
}

/** An activity that settled nothing. */
export interface Unsettled {
  tries: number;
  attempts: number;
  doneBefore: number;
  done: number;
}

/** A queue as it travels through continue-as-new. */
export interface CarriedQueue {
  next: number;
  end: number;
  putBack: Item[];
  again: Item[];
  unanswered: [chunk: number, Unanswered][];
  attempts: [chunk: number, attempts: number][];
}

/** Tries after which a chunk is given up. Each activity makes 4, so it is put back twice. */
export const GIVE_UP_TRIES = 12;

/** So many chunks are taken before one without an answer is tried again: by then the job knows more about the store. */
const TAKEN_BETWEEN = 30;

/**
 * The chunks that wait to be sent: first those put back through no fault of their own, then the next ones of the file,
 * with those that got no answer in between and at the end.
 */
export class ChunkQueue {
  #next: number;
  #end: number;
  #putBack: Item[];
  #again: Item[];
  #taken = 0;
  readonly #unanswered: Map<number, Unanswered>;
  readonly #attempts: Map<number, number>;

  constructor({ next, end, putBack, again, unanswered, attempts }: CarriedQueue) {
    this.#next = next;
    this.#end = end;
    this.#putBack = putBack;
    this.#again = again;
    this.#unanswered = new Map(unanswered.map(([chunk, before]) => [chunk, { ...before, notBefore: 0 }]));
    this.#attempts = new Map(attempts);
  }

  static of(chunks: number): ChunkQueue {
    return new ChunkQueue({ next: 0, end: chunks, putBack: [], again: [], unanswered: [], attempts: [] });
  }

  get empty(): boolean {
    return this.#putBack.length === 0 && this.#next >= this.#end && this.#again.length === 0;
  }

  take(): Item | undefined {
    const item = this.#putBack.shift() ?? this.#takeAgain(this.#taken) ?? this.#takeNext() ?? this.#takeAgain(Infinity);
    if (item) this.#taken++;
    return item;
  }

  /** Puts back an item that was not settled, and keeps count of its attempts. */
  putBack(item: Item, attempts: number): void {
    this.#putBack.push(item);
    this.#attempts.set(item.chunk, this.attemptsBefore(item.chunk) + attempts);
  }

  /**
   * Enters that an activity got no answer for `item` in `tries` tries; `doneBefore` chunks were done when it was sent,
   * and `done` are now. Puts the item back, unless it has been tried often enough; one that `mustBe` put back always
   * is. Returns whether it did.
   *
   * Tries while no other chunk is done say more about the store than about the chunk: they count a quarter, and not at
   * all as long as none was done since the first.
   */
  unanswered(item: Item, { tries, attempts, doneBefore, done }: Unsettled, mustBe: boolean): boolean {
    const before = this.#unanswered.get(item.chunk) ?? { tries: 0, doneAtFirst: doneBefore, doneAtLast: -1 };
    const share = done > before.doneAtLast ? 1 : done > before.doneAtFirst ? 1 / 4 : 0;
    const total = before.tries + Math.ceil(tries * share);
    if (total >= GIVE_UP_TRIES && !mustBe) return false;
    this.#unanswered.set(item.chunk, {
      tries: total,
      doneAtFirst: before.doneAtFirst,
      doneAtLast: done,
      notBefore: this.#taken + TAKEN_BETWEEN,
    });
    // None was made by a process that does not have its page.
    if (attempts > 0) this.#attempts.set(item.chunk, this.attemptsBefore(item.chunk) + attempts);
    this.#again.push(item);
    return true;
  }

  /** Adds customers of chunks that are done, to be sent again. */
  add(items: Item[]): void {
    this.#putBack.push(...items);
  }

  /** Attempts so far at a chunk for which no answer came; undefined if none was without an answer. */
  unansweredBefore(chunk: number): number | undefined {
    return this.#unanswered.has(chunk) ? this.attemptsBefore(chunk) : undefined;
  }

  attemptsBefore(chunk: number): number {
    return this.#attempts.get(chunk) ?? 0;
  }

  /**
   * Waiting chunks that were given to an activity before: some of their customers may have been sent. When an activity
   * is cancelled, the server does not say whether it had begun, or waited to be retried.
   */
  attempted(): number[] {
    return [...this.#attempts.keys()];
  }

  /** Forgets the tries and attempts of a chunk that is done. */
  forget(chunk: number): void {
    this.#unanswered.delete(chunk);
    this.#attempts.delete(chunk);
  }

  carry(): CarriedQueue {
    return {
      next: this.#next,
      end: this.#end,
      putBack: this.#putBack,
      again: this.#again,
      unanswered: [...this.#unanswered],
      attempts: [...this.#attempts],
    };
  }

  #takeNext(): Item | undefined {
    return this.#next < this.#end ? { chunk: this.#next++ } : undefined;
  }

  #takeAgain(taken: number): Item | undefined {
    const first = this.#again[0];
    if (!first || (this.#unanswered.get(first.chunk)?.notBefore ?? 0) > taken) return undefined;
    return this.#again.shift();
  }
}
