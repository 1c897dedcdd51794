import { type Failure, FAILURES_IN_STATE, MAX_PAGE } from '../contract/job.ts';

/** Failures as they travel through continue-as-new. */
export interface CarriedFailures {
  failures: Failure[];
  olderIn: string | null;
  /** Files of older failures written so far. */
  saved: number;
  /** The chunks of failures whose e-mail address was taken, by row. */
  takenIn: [row: number, chunk: number][];
}

/** The latest rows not updated. Older ones are in files, or being moved there. */
export class LatestFailures {
  /** In the order in which that became known. */
  #failures: Failure[];
  #saving: Failure[] = [];
  olderIn: string | null;
  #saved: number;
  readonly #takenIn: Map<number, number>;

  constructor({ failures, olderIn, saved, takenIn }: CarriedFailures) {
    this.#failures = failures;
    this.olderIn = olderIn;
    this.#saved = saved;
    this.#takenIn = new Map(takenIn);
  }

  /** Adds those of a chunk, or of a look-up. */
  add(failures: readonly Failure[], chunk?: number): void {
    this.#failures.push(...failures);
    if (chunk === undefined) return;
    for (const { row, code } of failures) if (code === 'email_taken') this.#takenIn.set(row, chunk);
  }

  /** Those of customers of a chunk that are to be sent again. */
  of(chunk: number, ids: number[]): Failure[] {
    return this.#failures.filter(({ row, id }) => this.#takenIn.get(row) === chunk && id !== null && ids.includes(id));
  }

  /**
   * Replaces failures of customers of a chunk that were sent again; only those that are still in state: one in a file
   * stands. Returns those before, and those that are now in their place.
   */
  replace(chunk: number, ids: number[], failures: readonly Failure[]): { old: Failure[]; now: Failure[] } {
    const old = this.of(chunk, ids);
    const now = failures.filter(({ id }) => old.some((failure) => failure.id === id));
    this.#failures = [...this.#failures.filter((failure) => !old.includes(failure)), ...now];
    return { old, now };
  }

  /** A page of those in state, by row; at most MAX_PAGE.failures. */
  page({ after = 0, limit = MAX_PAGE.failures }: { after?: number; limit?: number }) {
    const inState = [...this.#saving, ...this.#failures];
    const rest = inState.filter(({ row }) => row > after).sort((a, b) => a.row - b.row);
    const failures = rest.slice(0, Math.min(Math.max(1, Math.floor(limit)), MAX_PAGE.failures));
    const next = failures.length < rest.length ? (failures.at(-1)?.row ?? null) : null;
    return { failures, next, olderIn: this.olderIn };
  }

  /** The latest, at most `count`. */
  latest(count: number): Failure[] {
    return this.#failures.slice(-count);
  }

  /** How many are to be moved to a file. */
  get surplus(): number {
    return this.#failures.length > FAILURES_IN_STATE ? this.#surplus().length : 0;
  }

  /** Moves the oldest of the surplus, at most `count`, to a file that `save` writes. */
  async saveOldest(count: number, save: (failures: Failure[], file: number) => Promise<string>): Promise<void> {
    this.#saving = this.#surplus().slice(0, count);
    const saving = new Set(this.#saving);
    this.#failures = this.#failures.filter((failure) => !saving.has(failure));
    this.olderIn = await save(this.#saving, this.#saved);
    this.#saved++;
    this.#saving = [];
  }

  /** By chunk, the ids of customers that the store rejected because another customer had their e-mail address. */
  emailsTaken(): Map<number, number[]> {
    const byChunk = new Map<number, number[]>();
    for (const { row, id } of this.#latestTaken()) {
      const chunk = this.#takenIn.get(row);
      if (id !== null && chunk !== undefined) byChunk.set(chunk, [...(byChunk.get(chunk) ?? []), id]);
    }
    return byChunk;
  }

  carry(): CarriedFailures {
    const taken = this.#latestTaken().map(({ row }) => [row, this.#takenIn.get(row)] as [number, number]);
    return { failures: this.#failures, olderIn: this.olderIn, saved: this.#saved, takenIn: taken };
  }

  /** Those that may still be replaced: these customers are sent once more. */
  #latestTaken(): Failure[] {
    return this.#failures.filter(({ code }) => code === 'email_taken').slice(-FAILURES_IN_STATE);
  }

  /** All except the latest, and those that may still be replaced. */
  #surplus(): Failure[] {
    const stay = new Set(this.#latestTaken());
    return this.#failures.filter((failure) => !stay.has(failure)).slice(0, -FAILURES_IN_STATE);
  }
}
