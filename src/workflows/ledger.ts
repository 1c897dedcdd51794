import {
  CHUNKS_PER_PAGE,
  type ChunkOutcome,
  MAYBE_SENT,
  type PageOutcome,
  type Plan,
  type PreparedRows,
  type Spent,
} from '../contract/activities.ts';
import {
  CHUNK_SIZE,
  type ChunkCounts,
  type CustomerCounts,
  type Failures,
  MAX_PAGE,
  type Outcomes,
} from '../contract/job.ts';
import { type CarriedLookUps, failuresOf, LookUps, NO_LOOK_UPS, type Places } from '../contract/look-ups.ts';
import { chunkRows, chunkSize, decodeChunk, decodeRuns, encodeChunk, encodeRuns } from '../contract/outcomes.ts';
import type { Share } from './hold.ts';
import { type CarriedFailures, LatestFailures } from './latest-failures.ts';

/** A ledger as it travels through continue-as-new. */
export interface CarriedLedger extends CarriedFailures {
  plan: Plan;
  /** encodeRuns of one encodeChunk a chunk. */
  outcomes: string;
  lookUps: CarriedLookUps;
  settled: SettledByLookUps;
  calls: number;
  reads: number;
  throttled: number;
}

/** Rows that were looked up, and what became of those that are in no chunk since. */
interface SettledByLookUps {
  rows: number;
  /** They had all values already; they count as updated. */
  unchanged: number;
  rejected: number;
  failed: number;
  invalid: number;
}

/**
 * Every chunk's outcome, and the counts that follow from it.
 *
 * `updated` + `rejected` + `failed` are the customers of the chunks that are done, and those that look-ups have settled;
 * those of all other chunks are unprocessed. So the five counts add up by construction.
 */
export class Ledger {
  readonly plan: Plan;
  readonly #codes: Uint16Array;
  readonly failures: LatestFailures;
  readonly #lookUps: LookUps;
  readonly settled: SettledByLookUps;
  calls: number;
  reads: number;
  throttled: number;
  done = 0;
  /** Customers of the chunks that are done. */
  readonly #sent = { updated: 0, rejected: 0, failed: 0 };
  /** Chunks for which look-ups have left no rows. */
  #none = 0;
  #corrected: CustomerCounts | undefined;
  #rows: { first: Uint32Array; last: Uint32Array } | undefined;

  constructor({ plan, outcomes, lookUps, settled, calls, reads, throttled, ...failures }: CarriedLedger) {
    this.plan = plan;
    this.#codes = new Uint16Array(decodeRuns(outcomes, plan.chunks));
    this.failures = new LatestFailures(failures);
    this.#lookUps = new LookUps(lookUps);
    this.settled = { ...settled };
    this.calls = calls;
    this.reads = reads;
    this.throttled = throttled;
    this.#codes.forEach((code, chunk) => {
      const { state, rejected, failed } = decodeChunk(code);
      if (state === 'done') this.#count(chunk, 1, rejected, failed);
      if (state === 'none') this.#none++;
    });
  }

  /** The ledger of a job whose source was not read yet. */
  static empty(): Ledger {
    return Ledger.of({
      ...{ total: 0, invalid: 0, valid: 0, chunks: 0, chunksToSend: 0, lastSentSize: 0, lastSize: 0, gaps: '' },
      ...{ failures: [], olderIn: null },
    });
  }

  /** The ledger of a job that has sent nothing yet. */
  static of({ failures, olderIn, ...plan }: PreparedRows): Ledger {
    const outcomes = encodeRuns(new Uint16Array(plan.chunks));
    const settled = { rows: 0, unchanged: 0, rejected: 0, failed: 0, invalid: 0 };
    const none = { lookUps: NO_LOOK_UPS, settled, calls: 0, reads: 0, throttled: 0, saved: 0, takenIn: [] };
    return new Ledger({ plan, outcomes, failures, olderIn, ...none });
  }

  /** Enters what became of a pending chunk. */
  record(chunk: number, { failures }: Pick<ChunkOutcome, 'failures'>, attempts: number): void {
    const rejected = failures.filter(({ outcome }) => outcome === 'rejected').length;
    const failed = failures.length - rejected;
    this.#codes[chunk] = encodeChunk({ state: 'done', rejected, failed, attempts });
    this.#count(chunk, 1, rejected, failed);
    this.failures.add(failures, chunk);
  }

  /** Enters what became of rejected customers of a chunk that were sent again, in place of their failures. */
  amend(chunk: number, ids: number[], outcome: Pick<ChunkOutcome, 'failures' | 'attempts'>): void {
    const { old, now } = this.failures.replace(chunk, ids, outcome.failures);
    const failed = now.filter((failure) => failure.outcome === 'failed').length;
    const before = decodeChunk(this.#codes[chunk] as number);
    const after = {
      state: 'done' as const,
      rejected: before.rejected - old.length + now.length - failed,
      failed: before.failed + failed,
      attempts: before.attempts + outcome.attempts,
    };
    this.#count(chunk, -1, before.rejected, before.failed);
    this.#count(chunk, 1, after.rejected, after.failed);
    this.#codes[chunk] = encodeChunk(after);
  }

  /** Enters that rejected customers of a chunk may have been sent again. */
  #maybeSentAgain(chunk: number, ids: number[]): void {
    const maybe = { outcome: 'failed', code: 'cancelled', message: MAYBE_SENT } as const;
    const failures = this.failures.of(chunk, ids).map((failure) => ({ ...failure, ...maybe }));
    this.amend(chunk, ids, { failures, attempts: 0 });
  }

  /** Enters what a look-up has left of a page; false if its outcome leaves rows out. */
  lookedUp(page: number, asked: Places, { chunks, lastSize, unchanged, fallen }: PageOutcome): boolean {
    const [from, to] = asked.map((place) => page * CHUNKS_PER_PAGE + place) as Places;
    let rows = 0;
    for (let chunk = from; chunk < to; chunk++) rows += this.sizeOf(chunk);
    const failures = fallen.flatMap(failuresOf);
    const left = chunks === 0 ? 0 : (chunks - 1) * CHUNK_SIZE + lastSize;
    if (left + unchanged + failures.length !== rows || from + chunks > to) return false;
    const none = encodeChunk({ state: 'none', rejected: 0, failed: 0, attempts: 0 });
    for (let chunk = from + chunks; chunk < to; chunk++) {
      if (this.#codes[chunk] !== none) this.#none++;
      this.#codes[chunk] = none;
    }
    if (this.askedFor(from).length === 0) this.settled.rows += rows;
    this.#lookUps.add(page, { asked, chunks, lastSize });
    this.settled.unchanged += unchanged;
    for (const { outcome } of failures) this.settled[outcome]++;
    this.failures.add(failures);
    return true;
  }

  /** What was asked for by the look-up that has made a chunk, after those that led to it; empty if none has. */
  askedFor(chunk: number): Places[] {
    return this.#lookUps.askedFor(chunk);
  }

  /** Enters the calls of an activity, whether or not it settled anything. */
  called({ calls, reads, throttled }: Pick<Spent, 'calls' | 'reads' | 'throttled'>): void {
    this.calls += calls;
    this.reads += reads;
    this.throttled += throttled;
  }

  /** The job sends no more: pending chunks become unprocessed, apart from customers who may have been sent again. */
  end(maybeSent: readonly { chunk: number; only?: number[] | undefined }[] = []): void {
    for (const { chunk, only } of maybeSent) if (only) this.#maybeSentAgain(chunk, only);
    const pending = encodeChunk({ state: 'pending', rejected: 0, failed: 0, attempts: 0 });
    const unprocessed = encodeChunk({ state: 'unprocessed', rejected: 0, failed: 0, attempts: 0 });
    this.#codes.forEach((code, chunk) => {
      if (code === pending) this.#codes[chunk] = unprocessed;
    });
  }

  /** The report of the ended job says otherwise: what became of some rows can't be read any more. */
  correct(counts: CustomerCounts): void {
    this.#corrected = counts;
  }

  get counts(): CustomerCounts {
    if (this.#corrected) return this.#corrected;
    const { plan, settled } = this;
    const updated = this.#sent.updated + settled.unchanged;
    const rejected = this.#sent.rejected + settled.rejected;
    const failed = this.#sent.failed + settled.failed;
    const unprocessed = plan.valid - updated - rejected - failed - settled.invalid;
    return { total: plan.total, updated, rejected, failed, invalid: plan.invalid + settled.invalid, unprocessed };
  }

  /** Chunks that there are: those of pages that were not looked up yet count as they were prepared. */
  get chunks(): ChunkCounts {
    return { total: this.plan.chunks - this.#none, done: this.done };
  }

  /** Calls that are to come, as far as that is known: chunks, and what the pages left will take if they are like those before. */
  get callsLeft(): number {
    const { chunksToSend } = this.plan;
    const pages = this.#lookUps.pages();
    if (pages.length === 0) return chunksToSend - this.done;
    const prepared = pages.reduce((sum, page) => sum + this.placesOf(page)[1], 0);
    const made = prepared - this.#none;
    const pagesLeft = Math.ceil(chunksToSend / CHUNKS_PER_PAGE) - pages.length;
    return made - this.done + (pagesLeft * (made + this.reads)) / pages.length;
  }

  /** Of customers that were sent or unchanged, and of those that were looked up, how many the store would not take. */
  get shares(): { sent: Share; lookedUp: Share } {
    const { updated, rejected, failed } = this.#sent;
    const { rows, unchanged, rejected: fellOut } = this.settled;
    return {
      sent: { tried: updated + rejected + failed + unchanged, rejected },
      lookedUp: { tried: rows, rejected: fellOut },
    };
  }

  /** A slice of the numbers of chunks, at most MAX_PAGE.outcomes of them; those without rows are left out. */
  outcomes({ from = 0, count = MAX_PAGE.outcomes }: { from?: number; count?: number } = {}): Outcomes {
    const start = Math.max(0, Math.floor(from));
    const end = Math.min(this.plan.chunks, start + Math.min(Math.max(0, Math.floor(count)), MAX_PAGE.outcomes));
    const outcomes: Outcomes['outcomes'] = [];
    for (let chunk = start; chunk < end; chunk++) {
      const { state, rejected, failed, attempts } = decodeChunk(this.#codes[chunk] as number);
      if (state === 'none') continue;
      const { first, last } = this.rowsOf(chunk);
      const updated = state === 'done' ? this.sizeOf(chunk) - rejected - failed : 0;
      outcomes.push({ chunk, rows: [first, last], state, updated, rejected, failed, attempts });
    }
    return { total: this.plan.chunks, outcomes };
  }

  /** A page of the failures in state, by row; at most MAX_PAGE.failures. */
  failuresPage(page: { after?: number; limit?: number } = {}): Failures {
    const { invalid, rejected, failed } = this.counts;
    return { ...this.failures.page(page), total: invalid + rejected + failed };
  }

  /** The places of a page whose chunks are to be sent. */
  placesOf(page: number): Places {
    return [0, Math.min(CHUNKS_PER_PAGE, this.plan.chunksToSend - page * CHUNKS_PER_PAGE)];
  }

  /** First and last source row of a chunk; of its page, if that was looked up. */
  rowsOf(chunk: number): { first: number; last: number } {
    if (this.#lookUps.sizeOf(chunk) === undefined) return this.#rowsBetween(chunk, chunk);
    return this.rowsOfPage(Math.floor(chunk / CHUNKS_PER_PAGE));
  }

  /** First and last source row of the chunks of a page that are to be sent. */
  rowsOfPage(page: number): { first: number; last: number } {
    const [from, to] = this.placesOf(page);
    return this.#rowsBetween(page * CHUNKS_PER_PAGE + from, page * CHUNKS_PER_PAGE + to - 1);
  }

  #rowsBetween(chunk: number, end: number): { first: number; last: number } {
    this.#rows ??= chunkRows(this.plan);
    return { first: this.#rows.first[chunk] as number, last: this.#rows.last[end] as number };
  }

  /** Customers in a chunk. */
  sizeOf(chunk: number): number {
    return this.#lookUps.sizeOf(chunk) ?? chunkSize(this.plan, chunk);
  }

  carry(): CarriedLedger {
    const { plan, failures, settled, calls, reads, throttled } = this;
    const [outcomes, lookUps] = [encodeRuns(this.#codes), this.#lookUps.carry()];
    return { plan, outcomes, lookUps, settled, calls, reads, throttled, ...failures.carry() };
  }

  #count(chunk: number, sign: 1 | -1, rejected: number, failed: number): void {
    this.done += sign;
    this.#sent.rejected += sign * rejected;
    this.#sent.failed += sign * failed;
    this.#sent.updated += sign * (this.sizeOf(chunk) - rejected - failed);
  }
}
