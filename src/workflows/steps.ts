/** What a job does next, and how that ends. */
import type { ChunkOutcome, ChunkRef } from '../contract/activities.ts';
import type { Item } from './chunk-queue.ts';

/** A chunk, or some customers of it, given to an activity. */
export interface Sent {
  item: Item;
  /** It asks whether the store takes calls again. */
  probe: ChunkRef['probe'];
  /** Chunks that were done when it was sent. */
  doneBefore: number;
}

/** What a job does next. */
export type Step =
  /** Move failures that are too many for the state to a file. */
  | { do: 'save' }
  /** Have the store's queue served. */
  | { do: 'open'; why: string }
  | { do: 'send'; sent: Sent }
  /** Ask the store for the names that the source has. */
  | { do: 'readNames'; probe: Sent['probe'] }
  /** Nothing until something changes, or `ms` have passed. */
  | { do: 'wait'; ms?: number }
  /** Everything is done. */
  | { do: 'end' };

/** How an activity ended that was given a chunk. `outcome` counts its calls even if it settled nothing. */
export type ChunkEnd =
  | { how: 'settled'; outcome: ChunkOutcome }
  /** The store did not answer, in all tries of the activity. */
  | { how: 'unanswered'; outcome: ChunkOutcome; message: string }
  /** The store takes no calls of this job at present. */
  | { how: 'refused'; outcome?: ChunkOutcome | undefined; message: string }
  /** It was told to stop, or a person ended it. */
  | { how: 'stopped'; outcome?: ChunkOutcome | undefined };

/** How the question for names ended. */
export type NamesEnd = { how: 'settled' | 'stopped' } | { how: 'unanswered' | 'refused'; message: string };
