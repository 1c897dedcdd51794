/** What a job does next, and how that ends. */
import type { ChunkOutcome, PageOutcome, Spent, StoreRef } from '../contract/activities.ts';
import type { JobState } from '../contract/job.ts';
import type { Item } from './item-queue.ts';

/** A chunk that is sent proves that the store takes writes, which a look-up does not, and the other way round. */
export type Witness = 'write' | 'read';

export const witnessOf = (item: Item): Witness => ('chunk' in item ? 'write' : 'read');

/** Activities in flight. */
export type InFlight = Record<Witness, number>;

/** An item given to an activity. */
export interface Sent {
  item: Item;
  /** It asks whether the store takes calls again. */
  probe: StoreRef['probe'];
  /** Items of its kind that were done when it was sent. */
  doneBefore: number;
}

/** What a job does next. */
export type Step =
  /** Move failures that are too many for the state to a file. */
  | { do: 'save' }
  /** Have the store's queue served. */
  | { do: 'open'; why: string }
  | { do: 'send'; sent: Sent }
  /** Nothing until something changes, or `ms` have passed. */
  | { do: 'wait'; ms?: number }
  /** Everything is done. */
  | { do: 'end' }
  /** The job can't go on, for this reason: the worker itself is at fault. */
  | { do: 'fail'; why: string };

/** What an activity returns: of a chunk, of a page, or of the question for names. */
export type Outcome = ChunkOutcome | PageOutcome | Spent;

/** The store did not answer, in all tries of the activity; or the worker itself is at fault. */
export interface Unanswered {
  outcome: Outcome;
  message: string;
  isDefect?: boolean;
}

/** How an activity ended that was given an item. `outcome` counts its calls even if it settled nothing. */
export type End =
  | { how: 'settled'; outcome: Outcome }
  | ({ how: 'unanswered' } & Unanswered)
  /** The store takes no calls of this job at present. */
  | { how: 'refused'; outcome?: Outcome | undefined; message: string }
  /** It was told to stop, or a person ended it. */
  | { how: 'stopped'; outcome?: Outcome | undefined };

/** The store's queue has given no answer for a while, although a process serves it, or because none does. */
export type Starved = 'slow' | 'unserved';

/** Where a job is in its life, apart from what makes it wait. */
export type Phase = Exclude<JobState, 'paused' | 'held' | 'cancelling'>;
