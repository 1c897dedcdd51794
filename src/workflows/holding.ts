/** Why a job holds at present: because of what it sent, and because of what it read. Pure. */
import { hold, type Hold, type HoldKind, OUTAGE_AFTER } from './hold.ts';
import type { Witness } from './steps.ts';

/** By what shows it: that reads are answered says nothing of writes, and the other way round. */
type ByWitness<T> = Record<Witness, T>;

export class Holding {
  #holds: ByWitness<Hold | null>;
  readonly #unansweredInRow: ByWitness<number> = { write: 0, read: 0 };

  constructor(carried: ByWitness<Hold | null> = { write: null, read: null }) {
    this.#holds = carried;
  }

  /** What can't be looked up can't be sent, so that a read that is owed comes first. */
  get witness(): Witness {
    return this.#holds.read ? 'read' : 'write';
  }

  get current(): Hold | null {
    return this.#holds[this.witness];
  }

  of(witness: Witness): Hold | null {
    return this.#holds[witness];
  }

  /** Begins to hold, or continues to after a failed probe. */
  begin(witness: Witness, kind: HoldKind, message: string, now: number): void {
    this.#holds = { ...this.#holds, [witness]: hold(this.#holds[witness], kind, message, now) };
  }

  end(witness: Witness): void {
    this.#holds = { ...this.#holds, [witness]: null };
  }

  answered(witness: Witness): void {
    this.#unansweredInRow[witness] = 0;
  }

  /** Whether so many in a row got no answer that it is an outage that the job does not hold for yet. */
  unanswered(witness: Witness): boolean {
    return ++this.#unansweredInRow[witness] >= OUTAGE_AFTER && this.#holds[witness] === null;
  }

  carry(): ByWitness<Hold | null> {
    return this.#holds;
  }
}
