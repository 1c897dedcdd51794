/** What a job has still to do: chunks to send, and pages to look up before. Pure: times are given, in ms since 1970. */
import { CHUNKS_PER_PAGE } from '../contract/activities.ts';
import {
  type CarriedQueue,
  type ChunkItem,
  type Item,
  ItemQueue,
  type ReadItem,
  type Unsettled,
} from './item-queue.ts';
import type { InFlight, Outcome, Witness } from './steps.ts';

/**
 * Chunks in flight at once. More than the 3 slots of the store, so that the next chunk is there as soon as a slot is
 * free and not a workflow task later; still more gains nothing.
 */
export const LOOK_AHEAD = 8;

/** Look-ups in flight at once, unless the last one left so many chunks that the next is not needed soon. */
export const LOOK_UPS = 3;
const MANY_CHUNKS = 30;

/** Work as it travels through continue-as-new. */
export interface CarriedWork {
  toSend: CarriedQueue<ChunkItem>;
  toRead: CarriedQueue<ReadItem>;
  lookedUp: number;
  chunksOfLast: number | null;
}

export class Work {
  readonly toSend: ItemQueue<ChunkItem>;
  readonly toRead: ItemQueue<ReadItem>;
  /** Look-ups that have ended. */
  lookedUp: number;
  /** The chunks that the last one left; null before the first. */
  #chunksOfLast: number | null;

  constructor({ toSend, toRead, lookedUp = 0, chunksOfLast = null }: Partial<CarriedWork> = {}) {
    this.toSend = ItemQueue.ofChunks(toSend ?? {});
    this.toRead = ItemQueue.ofReads(toRead ?? {});
    this.lookedUp = lookedUp;
    this.#chunksOfLast = chunksOfLast;
  }

  get isEmpty(): boolean {
    return this.toSend.size + this.toRead.size === 0;
  }

  /** The next item, with pages looked up just ahead of what is sent, so that their values are still new. */
  next(inFlight: InFlight, isFirstChunkDone: boolean): Item | undefined {
    // The first chunk and the first look-up go alone: a wrong token or a wrong mapping costs one call.
    const last = this.#chunksOfLast;
    const lookUps = last === null || last >= MANY_CHUNKS ? 1 : LOOK_UPS;
    const isNeeded = this.toSend.size < LOOK_AHEAD && this.toRead.size > 0;
    if (isNeeded && inFlight.read < lookUps) return this.toRead.take();
    return inFlight.write < (isFirstChunkDone ? LOOK_AHEAD : 1) ? this.toSend.take() : undefined;
  }

  /** What shows whether a hold because of `witness` may end: of its kind, unless that has to be looked up first. */
  probe(witness: Witness): Item {
    const [first, second] = witness === 'read' ? [this.toRead, this.toSend] : [this.toSend, this.toRead];
    return (first.take() ?? second.take()) as Item;
  }

  /** Puts an item back that was not settled. */
  putBack(item: Item, outcome: Outcome | undefined): void {
    const attempts = outcome?.attempts ?? 0;
    if (!('chunk' in item)) return this.toRead.putBack(item, attempts);
    this.toSend.putBack(item, attempts);
    this.mayHaveSent(item, outcome);
  }

  /** Enters that no answer came for an item, as its queue does. Returns whether it waits again. */
  unanswered(item: Item, outcome: Outcome, unsettled: Unsettled, mustBe: boolean): boolean {
    if (!('chunk' in item)) return this.toRead.unanswered(item, unsettled, mustBe);
    const isBack = this.toSend.unanswered(item, unsettled, mustBe);
    if (isBack) this.mayHaveSent(item, outcome);
    return isBack;
  }

  /** Enters what is known of a chunk that waits again. When an activity is cancelled, the server does not say if it had begun. */
  mayHaveSent({ chunk }: ChunkItem, outcome: Outcome | undefined): void {
    if (!outcome || outcome.calls > 0 || 'uncounted' in outcome) this.toSend.maybeSent(chunk);
  }

  /** A look-up has ended, and left these chunks. */
  lookedUpPage(chunks: { from: number; to: number; at: number; isAgain?: boolean }): void {
    this.toSend.addRange(chunks);
    this.lookedUp++;
    this.#chunksOfLast = chunks.to - chunks.from;
  }

  /** Has rows looked up again that were looked up too long ago and not given to a call since. */
  lookUpOld(now: number): void {
    for (const { from, to } of this.toSend.takeOld(now)) this.lookUpAgain(from, to);
  }

  /** Has the rows of some chunks of a page looked up again. */
  lookUpAgain(from: number, to: number): void {
    const page = Math.floor(from / CHUNKS_PER_PAGE);
    const first = page * CHUNKS_PER_PAGE;
    this.toRead.add([{ page, asked: [from - first, to - first] }]);
  }

  carry(): CarriedWork {
    const { toSend, toRead, lookedUp } = this;
    return { toSend: toSend.carry(), toRead: toRead.carry(), lookedUp, chunksOfLast: this.#chunksOfLast };
  }
}
