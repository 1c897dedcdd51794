/** When a job stops sending by its own decision, and when it asks the store again. Pure. */
import type { WaitingFor } from '../contract/job.ts';

export type HoldKind = Extract<WaitingFor['kind'], 'outage' | 'refused' | 'rejections'>;

/** A job that holds: why, and what it does about it. */
export interface Hold {
  kind: HoldKind;
  message: string;
  /** Tries of the one chunk so far. */
  probes: number;
  /** When the next try is due, in ms since 1970; null: only when a person resumes the job. */
  until: number | null;
}

/** Chunks in a row without an answer that make an outage. */
export const OUTAGE_AFTER = 3;

/** Customers tried before their rejections count, and after a person has waived it once. */
const REJECTIONS_COUNT_FROM = 100;
const REJECTIONS_COUNT_FROM_WAIVED = 200;

const FIRST_DELAY: Record<HoldKind, number | null> = { outage: 10_000, refused: 30_000, rejections: null };
const LONGEST_DELAY = 300_000;

/** Begins to hold at `now`, or goes on holding after a try that failed. */
export function hold(previous: Hold | null, kind: HoldKind, message: string, now: number): Hold {
  const probes = previous?.kind === kind ? previous.probes + 1 : 0;
  const first = FIRST_DELAY[kind];
  const until = first === null ? null : now + Math.min(first * 2 ** probes, LONGEST_DELAY);
  return { kind, message, probes, until };
}

/** Customers sent and settled, and those rejected of them, when their rejections began to count. */
export interface RejectionsFrom {
  tried: number;
  rejected: number;
  waived: boolean;
}

/** Says in words that too many customers were rejected since `from`; undefined where they were not. */
export function tooManyRejected(
  now: Omit<RejectionsFrom, 'waived'>,
  from: RejectionsFrom,
  maxPercent: number,
): string | undefined {
  const tried = now.tried - from.tried;
  const rejected = now.rejected - from.rejected;
  const enough = from.waived ? REJECTIONS_COUNT_FROM_WAIVED : REJECTIONS_COUNT_FROM;
  if (tried < enough || rejected * 100 <= maxPercent * tried) return undefined;
  return (
    `The store rejected ${rejected} of ${tried} customers, more than the ${maxPercent} percent this job allows. ` +
    'See the failures. If they are as they should be, resume the job; else cancel it, mend the source and start another.'
  );
}
