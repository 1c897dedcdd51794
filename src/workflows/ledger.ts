import type { ChunkOutcome, Plan, PreparedRows } from '../contract/activities.ts';
import {
  FAILURES_IN_STATE,
  MAX_PAGE,
  type CustomerCounts,
  type Failure,
  type Failures,
  type Outcomes,
} from '../contract/job.ts';
import { chunkRows, chunkSize, decodeChunk, decodeRuns, encodeChunk, encodeRuns } from '../contract/outcomes.ts';

/** A ledger as it travels through continue-as-new. */
export interface CarriedLedger {
  plan: Plan;
  /** encodeRuns of one encodeChunk a chunk. */
  outcomes: string;
  failures: Failure[];
  olderIn: string | null;
  /** Files of older failures written so far. */
  saved: number;
  calls: number;
  throttled: number;
  /** Only if there are any. */
  unchanged?: number;
}

/**
 * Every chunk's outcome, and the counts that follow from it.
 *
 * `updated` + `rejected` + `failed` are the customers of the chunks that are done; those of all other chunks are
 * unprocessed. So the five counts add up by construction.
 */
export class Ledger {
  readonly plan: Plan;
  readonly #codes: Uint16Array;
  /** Rows not updated, in the order in which that became known; older ones are being saved, or in files. */
  #failures: Failure[];
  #saving: Failure[] = [];
  olderIn: string | null;
  #saved: number;
  calls: number;
  throttled: number;
  done = 0;
  rejected = 0;
  failed = 0;
  updated = 0;
  /** How many of the updated were not sent, as they had all values already. */
  unchanged: number;
  #rows: { first: Uint32Array; last: Uint32Array } | undefined;

  constructor(carried: CarriedLedger) {
    const { plan, failures, olderIn, saved, calls, throttled, unchanged = 0 } = carried;
    this.plan = plan;
    this.#codes = new Uint16Array(decodeRuns(carried.outcomes, plan.chunks));
    this.#failures = failures;
    this.olderIn = olderIn;
    this.#saved = saved;
    this.calls = calls;
    this.throttled = throttled;
    this.unchanged = unchanged;
    this.#codes.forEach((code, chunk) => {
      const { state, rejected, failed } = decodeChunk(code);
      if (state === 'done') this.#count(chunk, 1, rejected, failed);
    });
  }

  /** The ledger of a job that has sent nothing yet. */
  static of({ failures, olderIn, ...plan }: PreparedRows): Ledger {
    const pending = encodeRuns(new Uint16Array(plan.chunks));
    return new Ledger({ plan, outcomes: pending, failures, olderIn, saved: 0, calls: 0, throttled: 0 });
  }

  /** Enters what became of a pending chunk. */
  record(chunk: number, outcome: ChunkOutcome, attempts: number): void {
    const rejected = outcome.failures.filter((failure) => failure.outcome === 'rejected').length;
    const failed = outcome.failures.length - rejected;
    this.#codes[chunk] = encodeChunk({ state: 'done', rejected, failed, attempts });
    this.#count(chunk, 1, rejected, failed);
    this.#failures.push(...outcome.failures);
    this.unchanged += outcome.unchanged ?? 0;
  }

  /**
   * Enters what became of rejected customers of a chunk that were sent again, in place of their failures. Only failures
   * that are still in state can be replaced: one in a file stands.
   */
  amend(chunk: number, ids: number[], outcome: ChunkOutcome): void {
    const { first, last } = this.rowsOf(chunk);
    const isOld = ({ row, id }: Failure) => row >= first && row <= last && id !== null && ids.includes(id);
    const old = this.#failures.filter(isOld);
    const failures = outcome.failures.filter(({ id }) => old.some((failure) => failure.id === id));
    const failed = failures.filter((failure) => failure.outcome === 'failed').length;

    const before = decodeChunk(this.#codes[chunk] as number);
    const after = {
      state: 'done' as const,
      rejected: before.rejected - old.length + failures.length - failed,
      failed: before.failed + failed,
      attempts: before.attempts + outcome.attempts,
    };
    this.#count(chunk, -1, before.rejected, before.failed);
    this.#count(chunk, 1, after.rejected, after.failed);
    this.#codes[chunk] = encodeChunk(after);
    this.#failures = [...this.#failures.filter((failure) => !isOld(failure)), ...failures];
  }

  /** Enters the calls of an activity, whether or not it settled its chunk. */
  called({ calls, throttled }: Pick<ChunkOutcome, 'calls' | 'throttled'>): void {
    this.calls += calls;
    this.throttled += throttled;
  }

  /** The job sends no more: pending chunks become unprocessed. */
  end(): void {
    const pending = encodeChunk({ state: 'pending', rejected: 0, failed: 0, attempts: 0 });
    const unprocessed = encodeChunk({ state: 'unprocessed', rejected: 0, failed: 0, attempts: 0 });
    this.#codes.forEach((code, chunk) => {
      if (code === pending) this.#codes[chunk] = unprocessed;
    });
  }

  get counts(): CustomerCounts {
    const { total, invalid, valid } = this.plan;
    const { updated, rejected, failed } = this;
    return { total, updated, rejected, failed, invalid, unprocessed: valid - updated - rejected - failed };
  }

  /** Customers that were sent and have an outcome. */
  get tried(): number {
    return this.updated - this.unchanged + this.rejected + this.failed;
  }

  /** A slice of all chunks, at most MAX_PAGE.outcomes of them. */
  outcomes({ from = 0, count = MAX_PAGE.outcomes }: { from?: number; count?: number } = {}): Outcomes {
    const start = Math.max(0, Math.floor(from));
    const end = Math.min(this.plan.chunks, start + Math.min(Math.max(0, Math.floor(count)), MAX_PAGE.outcomes));
    const outcomes = [];
    for (let chunk = start; chunk < end; chunk++) {
      const { state, rejected, failed, attempts } = decodeChunk(this.#codes[chunk] as number);
      const { first, last } = this.rowsOf(chunk);
      const updated = state === 'done' ? this.sizeOf(chunk) - rejected - failed : 0;
      outcomes.push({ chunk, rows: [first, last] as [number, number], state, updated, rejected, failed, attempts });
    }
    return { total: this.plan.chunks, outcomes };
  }

  /** A page of the failures in state, by row; at most MAX_PAGE.failures. */
  failuresPage({ after = 0, limit = MAX_PAGE.failures }: { after?: number; limit?: number } = {}): Failures {
    const inState = [...this.#saving, ...this.#failures];
    const rest = inState.filter(({ row }) => row > after).sort((a, b) => a.row - b.row);
    const failures = rest.slice(0, Math.min(Math.max(1, Math.floor(limit)), MAX_PAGE.failures));
    const next = failures.length < rest.length ? (failures.at(-1)?.row ?? null) : null;
    return {
      failures,
      total: this.plan.invalid + this.rejected + this.failed,
      next,
      olderIn: this.olderIn,
    };
  }

  /** The latest failures, at most `count`. */
  latestFailures(count: number): Failure[] {
    return this.#failures.slice(-count);
  }

  /** How many failures are to be moved to a file. */
  get surplus(): number {
    return this.#failures.length > FAILURES_IN_STATE ? this.#surplus().length : 0;
  }

  /** Moves the oldest failures of the surplus, at most `count`, to a file that `save` writes. */
  async saveOldest(count: number, save: (failures: Failure[], file: number) => Promise<string>): Promise<void> {
    this.#saving = this.#surplus().slice(0, count);
    const saving = new Set(this.#saving);
    this.#failures = this.#failures.filter((failure) => !saving.has(failure));
    this.olderIn = await save(this.#saving, this.#saved);
    this.#saved++;
    this.#saving = [];
  }

  /** First and last source row of a chunk. */
  rowsOf(chunk: number): { first: number; last: number } {
    this.#rows ??= chunkRows(this.plan);
    return { first: this.#rows.first[chunk] as number, last: this.#rows.last[chunk] as number };
  }

  /** Customers in a chunk. */
  sizeOf(chunk: number): number {
    return chunkSize(this.plan, chunk);
  }

  /** By chunk, the ids of customers that the store rejected because another customer had their e-mail address. */
  emailsTaken(): Map<number, number[]> {
    const byChunk = new Map<number, number[]>();
    for (const { row, id } of this.#latestTaken()) {
      if (id === null) continue;
      const chunk = this.#chunkOf(row);
      byChunk.set(chunk, [...(byChunk.get(chunk) ?? []), id]);
    }
    return byChunk;
  }

  carry(): CarriedLedger {
    const { plan, olderIn, calls, throttled, unchanged } = this;
    const outcomes = encodeRuns(this.#codes);
    const carried = { plan, outcomes, failures: this.#failures, olderIn, saved: this.#saved, calls, throttled };
    return { ...carried, ...(unchanged > 0 && { unchanged }) };
  }

  #count(chunk: number, sign: 1 | -1, rejected: number, failed: number): void {
    this.done += sign;
    this.rejected += sign * rejected;
    this.failed += sign * failed;
    this.updated += sign * (this.sizeOf(chunk) - rejected - failed);
  }

  /** Failures that may still be replaced: these customers are sent once more. */
  #latestTaken(): Failure[] {
    return this.#failures.filter(({ code }) => code === 'email_taken').slice(-FAILURES_IN_STATE);
  }

  /** All failures except the latest, and those that may still be replaced. */
  #surplus(): Failure[] {
    const stay = new Set(this.#latestTaken());
    return this.#failures.filter((failure) => !stay.has(failure)).slice(0, -FAILURES_IN_STATE);
  }

  #chunkOf(row: number): number {
    let low = 0;
    let high = this.plan.chunks - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rowsOf(middle).last < row) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
