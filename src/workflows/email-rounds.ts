/**
 * Customers whose e-mail address was taken are sent again at the end: addresses may move between customers, in no order
 * among 3 slots. Of a chain of addresses, each of which the next customer takes, one link lands in a round. Pure.
 */

/** Rounds so far, and how many customers were left before the last one; null before the first. */
export interface EmailRounds {
  sent: number;
  left: number | null;
}

export const NO_ROUNDS: EmailRounds = { sent: 0, left: null };

const MAX_ROUNDS = 10;

/** The rounds with another one for these customers; undefined if the last one landed nobody, or there were enough. */
export function nextRound(
  { sent, left: before }: EmailRounds,
  taken: readonly { only: number[] }[],
): EmailRounds | undefined {
  const left = taken.reduce((sum, { only }) => sum + only.length, 0);
  if (left === 0 || left >= (before ?? Infinity) || sent >= MAX_ROUNDS) return undefined;
  return { sent: sent + 1, left };
}
