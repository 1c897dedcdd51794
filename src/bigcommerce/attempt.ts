import { Draining, LeaseLost } from './errors.ts';
import type { Wait } from './gate.ts';
import type { IsolationState } from './isolate.ts';
import type { Part } from './parts.ts';

/** The right to send to a store now, and how it ends. Its signals are for this one store, not for the whole process. */
export interface Permit {
  /** Aborts when the lease is lost: waits end, and requests in flight are aborted at once. */
  lost: AbortSignal;
  /** Aborts when the process gives up the queue: waits end and nothing new is sent; what is in flight finishes. */
  draining: AbortSignal;
  /** The fence, checked in the instant before a request is written. Throws unless it may be sent. */
  check(): void;
}

/** What a call needs from its caller. */
export interface CallOptions {
  permit: Permit;
  /** `resume` gets past the refusal of an earlier call; `check` if the token has changed, or it is time to ask again. */
  probe?: 'check' | 'resume' | undefined;
  /** Called after 5 s of waiting, and every 5 s from then on. */
  onWait?: ((wait: Wait) => void) | undefined;
  /** Where calls are counted as they are written. */
  tally?: Tally | undefined;
}

/** Calls written. */
export interface Tally {
  /** PUTs and DELETEs. */
  calls: number;
  /** GETs. */
  reads: number;
  /** How many of both were answered with 429. */
  throttled: number;
}

/** One try at a piece of work that may take several calls: on whose behalf, and what it has reached so far. */
export class Attempt {
  readonly options: CallOptions;
  readonly tally: Tally;
  /** The id of its last call in the API's own logs; undefined if the answer gave none. */
  requestId: string | undefined;
  /** What is settled and what is still to be sent; undefined while an ordinary chunk has no answer. */
  state: IsolationState<Part> | undefined;

  constructor(options: CallOptions, state?: IsolationState<Part>) {
    this.options = options;
    this.tally = options.tally ?? { calls: 0, reads: 0, throttled: 0 };
    this.state = state;
  }

  /** Throws LeaseLost or Draining once the permit has ended. */
  checkPermit(): void {
    const { lost, draining } = this.options.permit;
    if (lost.aborted) throw new LeaseLost('The lease on the store was lost.', this);
    if (draining.aborted) throw new Draining("This process is giving up the store's queue.", this);
    this.checkLease();
  }

  /** Throws LeaseLost unless the lease is still valid. */
  checkLease(): void {
    try {
      this.options.permit.check();
    } catch (error) {
      throw new LeaseLost(`The lease on the store is not valid: ${(error as Error).message}`, this);
    }
  }
}
