import type { Verdict } from './answer.ts';

/** What a call came to: what its answer means, or `aborted`, since the right to send was lost while it was in flight. */
export type CallOutcome = Verdict['kind'] | 'aborted';

/** Is told of the calls to one store as they happen, for metrics. Nothing here throws. */
export interface Observer {
  /** A call is written to the store. */
  callStarted(): void;
  /** That call has ended, `ms` after it was written. */
  callEnded(outcome: CallOutcome, ms: number): void;
  /** Requests left of the store's quota, as an answer says. */
  quotaLeft(requests: number): void;
}
