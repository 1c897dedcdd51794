/** How calls to a store fail. Nothing is retried in this folder: the caller decides. */
import type { Attempt } from './attempt.ts';

/** What all errors of this folder have in common. Their messages contain no token and no e-mail address. */
export abstract class StoreError extends Error {
  /** What had been reached. The next attempt continues from there if it is given the `state`. */
  readonly attempt: Attempt;
  /** How long to wait before the next attempt, in ms, if the store says. */
  readonly delayMs: number | undefined;

  constructor(message: string, attempt: Attempt, delayMs?: number) {
    super(message);
    this.name = new.target.name;
    this.attempt = attempt;
    this.delayMs = delayMs;
  }
}

/** The store answered 429, and its gate stays closed for the next `delayMs`. */
export class Throttled extends StoreError {
  declare readonly delayMs: number;
}

/** No answer, or none that says what happened: send it again. */
export class Unavailable extends StoreError {}

/** The store takes no calls: token, scope, suspended. The message says how to fix it; until then, retrying is useless. */
export class Refused extends StoreError {}

/** Stopped before the next call, because this process is giving up the store's queue; another one continues. */
export class Draining extends StoreError {}

/** The right to send was lost; a call in flight was aborted, and its outcome is unknown. */
export class LeaseLost extends StoreError {}
