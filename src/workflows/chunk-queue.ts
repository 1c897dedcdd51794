/** What is to be sent next. Pure. */

/** A chunk, or some customers of it. */
export interface Item {
  chunk: number;
  /** Only these customers. */
  only?: number[];
}

/** A chunk that the store did not answer for, and how often. */
interface Unanswered {
  tries: number;
  /** Chunks settled when it was tried last. */
  doneAtTry: number;
  /** Chunks taken when it may be taken again. */
  notBefore: number;
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

/** Tries after which a chunk is given up. Each activity makes 4, so that it is put back twice. */
export const GIVE_UP_TRIES = 12;

/** Chunks taken before one that the store did not answer for is tried again: by then the job knows more of the store. */
const TAKEN_BETWEEN = 30;

/**
 * The chunks that wait to be sent: those put back through no fault of theirs, then the next ones of the file, with
 * those that the store did not answer for in between and at the end.
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
    this.#unanswered = new Map(
      unanswered.map(([chunk, { tries, doneAtTry }]) => [chunk, { tries, doneAtTry, notBefore: 0 }]),
    );
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

  /** Puts an item back that was not settled, and keeps count of the attempts it took. */
  putBack(item: Item, attempts: number): void {
    this.#putBack.push(item);
    this.#attempts.set(item.chunk, this.attemptsBefore(item.chunk) + attempts);
  }

  /**
   * Says that `tries` of `item` got no answer; `done` is how many chunks are settled by now. Puts it back and returns
   * true, or returns false where it has been tried often enough.
   *
   * Tries while nothing else of the job is settled say more about the store than about the chunk: they count a quarter,
   * and not at all as long as nothing was settled since the first.
   */
  unanswered(item: Item, tries: number, done: number): boolean {
    const before = this.#unanswered.get(item.chunk);
    const counted = !before || done > before.doneAtTry ? tries : before.tries > tries ? Math.ceil(tries / 4) : 0;
    const total = (before?.tries ?? 0) + counted;
    if (total >= GIVE_UP_TRIES) return false;
    const notBefore = this.#taken + TAKEN_BETWEEN;
    this.#unanswered.set(item.chunk, { tries: total, doneAtTry: done, notBefore });
    this.#attempts.set(item.chunk, this.attemptsBefore(item.chunk) + tries);
    this.#again.push(item);
    return true;
  }

  /** Adds customers of chunks that are done, to be sent once more. */
  add(items: Item[]): void {
    this.#putBack.push(...items);
  }

  attemptsBefore(chunk: number): number {
    return this.#attempts.get(chunk) ?? 0;
  }

  settled(chunk: number): void {
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
