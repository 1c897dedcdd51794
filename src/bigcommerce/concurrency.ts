import { STORE_CONCURRENCY } from '../contract/job.ts';

// At worst, one call in 20 is answered 429; one in 640 if the slots stay taken. BigCommerce calls it abuse to carry on
// as before after a 429, and gives no figure.
const CALLS_BEFORE_UP = 20;
const MAX_CALLS_BEFORE_UP = 640;

/**
 * How many calls at once a store allows us while others use some of its slots: one fewer after each 429, and one more
 * after a run of calls that found a slot. If going up fails at once, the next try takes twice as many calls, so that
 * trying costs next to nothing.
 */
export class AdaptiveConcurrency {
  #allowed = STORE_CONCURRENCY;
  /** Calls in a row that found a slot at the current number. */
  #found = 0;
  /** How many of them it takes to go up. */
  #needed = CALLS_BEFORE_UP;
  /** It went up, and has not yet stayed there for CALLS_BEFORE_UP calls. */
  #trying = false;

  /** 1 to 3. */
  get allowed(): number {
    return this.#allowed;
  }

  /** A call found no slot. */
  down(): void {
    if (this.#trying) this.#needed = Math.min(this.#needed * 2, MAX_CALLS_BEFORE_UP);
    this.#allowed = Math.max(1, this.#allowed - 1);
    this.#found = 0;
    this.#trying = false;
  }

  /** A call found a slot. */
  up(): void {
    this.#found++;
    if (this.#trying && this.#found >= CALLS_BEFORE_UP) {
      this.#trying = false;
      this.#needed = CALLS_BEFORE_UP;
    }
    if (this.#trying || this.#found < this.#needed || this.#allowed === STORE_CONCURRENCY) return;
    this.#allowed++;
    this.#found = 0;
    this.#trying = true;
  }
}
