/**
 * How many calls at once a store allows us, while others use up slots: down with each 429, and up again after calls that
 * found a slot. Where going up fails at once, the next try takes twice as long, so that trying costs next to nothing.
 */

export interface Climb {
  /** From 1 to the most there are. */
  allowed(): number;
  /** There was no slot for a call. */
  down(): void;
  /** There was a slot for a call. */
  up(): void;
}

// One 429 in 20 calls at the worst, one in 640 where the slots stay taken. BigCommerce calls it abuse to go on without
// any reaction, and gives no figure.
const CALLS_BEFORE_UP = 20;
const MAX_CALLS_BEFORE_UP = 640;

export function startClimb(most: number): Climb {
  let allowed = most;
  /** Calls in a row that found a slot at the present number. */
  let found = 0;
  /** How many of them it takes to go up. */
  let needed = CALLS_BEFORE_UP;
  /** Went up, and has not yet stayed there for CALLS_BEFORE_UP calls. */
  let trying = false;

  return {
    allowed: () => allowed,
    down() {
      if (trying) needed = Math.min(needed * 2, MAX_CALLS_BEFORE_UP);
      allowed = Math.max(1, allowed - 1);
      found = 0;
      trying = false;
    },
    up() {
      found++;
      if (trying && found >= CALLS_BEFORE_UP) {
        trying = false;
        needed = CALLS_BEFORE_UP;
      }
      if (trying || found < needed || allowed === most) return;
      allowed++;
      found = 0;
      trying = true;
    },
  };
}
