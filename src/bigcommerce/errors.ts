/** How calls to a store fail. Nothing here is retried inside this folder: whoever calls decides. */
import type { IsolationState } from './isolate.ts';

/** What had been done when a call failed; giving `state` to the next attempt makes it go on from there. */
export interface Reached {
  /** PUTs written by this attempt. */
  calls: number;
  /** Those of them answered with 429. */
  throttled: number;
  /** What the API calls its last one in its own logs; undefined where no answer says. */
  requestId: string | undefined;
  /** Who is settled and who is still to send, undefined while nothing was settled. */
  state: IsolationState | undefined;
}

/** What all errors of this folder have in common. Their messages hold no token and no e-mail address. */
export abstract class StoreError extends Error implements Reached {
  readonly calls: number;
  readonly throttled: number;
  readonly requestId: string | undefined;
  readonly state: IsolationState | undefined;

  constructor(message: string, { calls, throttled, requestId, state }: Reached) {
    super(message);
    this.name = new.target.name;
    this.calls = calls;
    this.throttled = throttled;
    this.requestId = requestId;
    this.state = state;
  }
}

/** The store answered 429. Before `delayMs` have passed the store's gate lets nobody through. */
export class Throttled extends StoreError {
  readonly delayMs: number;

  constructor(delayMs: number, reached: Reached) {
    super('The store throttles (429).', reached);
    this.delayMs = delayMs;
  }
}

/** No answer, or none that says what happened: to be sent again. `delayMs` is what the store asked for, if it did. */
export class Unavailable extends StoreError {
  readonly delayMs: number | undefined;

  constructor(reason: string, delayMs: number | undefined, reached: Reached) {
    super(reason, reached);
    this.delayMs = delayMs;
  }
}

/** The store takes no call: token, scope, suspended. The message says what to do. Sending again is useless until then. */
export class Refused extends StoreError {}

/** Gave up before the next call, since this process gives the store's queue up; another one goes on. */
export class Draining extends StoreError {}

/** The right to send was lost; a call in flight was aborted, and its outcome is unknown. */
export class LeaseLost extends StoreError {}
