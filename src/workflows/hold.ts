/** When a job stops sending of its own accord, and when it asks the store again. Pure. */
import type { WaitingFor } from '../contract/job.ts';

export type HoldKind = Extract<WaitingFor['kind'], 'outage' | 'refused' | 'rejections'>;

/** Why a job holds, and when it asks the store again. */
export interface Hold {
  kind: HoldKind;
  message: string;
  /** Probes that failed so far. */
  probes: number;
  /** When the next probe is due, in ms since 1970; null: only when a person resumes the job. */
  until: number | null;
}

/** So many chunks in a row without an answer are an outage. */
export const OUTAGE_AFTER = 3;

/** Rejections count once this many customers were tried, or this many more after a person has waived them. */
const REJECTIONS_COUNT_FROM = 100;
const REJECTIONS_COUNT_FROM_WAIVED = 200;

const FIRST_DELAY: Record<HoldKind, number | null> = { outage: 10_000, refused: 30_000, rejections: null };
const LONGEST_DELAY = 300_000;

/** Begins to hold at `now`, or continues to after a failed probe. */
export function hold(previous: Hold | null, kind: HoldKind, message: string, now: number): Hold {
  const probes = previous?.kind === kind ? previous.probes + 1 : 0;
  const first = FIRST_DELAY[kind];
  const until = first === null ? null : now + Math.min(first * 2 ** probes, LONGEST_DELAY);
  return { kind, message, probes, until };
}

/** How many of some customers the store would not take. */
export interface Share {
  tried: number;
  rejected: number;
}

/** When rejections began to count: of customers sent, and of those looked up. */
export interface RejectionsFrom {
  sent: Share;
  lookedUp: Share;
  waived: boolean;
}

export const NONE_REJECTED: RejectionsFrom = {
  ...{ sent: { tried: 0, rejected: 0 }, lookedUp: { tried: 0, rejected: 0 } },
  waived: false,
};

/** A sentence saying that too many customers were rejected since `from`; undefined if they were not. */
export function tooManyRejected(
  now: Omit<RejectionsFrom, 'waived'>,
  from: RejectionsFrom,
  maxPercent: number,
): string | undefined {
  const enough = from.waived ? REJECTIONS_COUNT_FROM_WAIVED : REJECTIONS_COUNT_FROM;
  // Apart, since a file of which little has changed sends few of those that it looks up.
  for (const kind of ['sent', 'lookedUp'] as const) {
    const tried = now[kind].tried - from[kind].tried;
    const rejected = now[kind].rejected - from[kind].rejected;
    if (tried < enough || rejected * 100 <= maxPercent * tried) continue;
    return (
      `The store ${WOULD_NOT[kind]} ${rejected} of ${tried} customers, more than the ${maxPercent} percent this job allows. ` +
      'See the failures. If they are as expected, resume the job; else cancel it, fix the source and start a new job.'
    );
  }
  return undefined;
}

const WOULD_NOT = { sent: 'rejected', lookedUp: 'does not have' };
