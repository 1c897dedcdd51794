import { CancelledFailure, Context } from '@temporalio/activity';
import { Draining, StoreError, Unavailable } from '../bigcommerce/errors.ts';
import { NOBODY_ID } from '../bigcommerce/find.ts';
import type { Fates, IsolationState, NotTaken } from '../bigcommerce/isolate.ts';
import { customerIn, fatesOf, isValue, type Part, partsOf, rowsIn, type SentRow } from '../bigcommerce/parts.ts';
import type { CallOptions, Tally, Wait } from '../bigcommerce/store.ts';
import { type ChunkOutcome, type ChunkRef, MAYBE_SENT } from '../contract/activities.ts';
import type { Failure } from '../contract/job.ts';
import type { Attributes } from '../jobs/attributes.ts';
import { readNames } from '../jobs/names-file.ts';
import type { Chunk } from '../jobs/pages.ts';
import { StorageFailed } from '../storage/storage.ts';
import { runKeys, untilCancelled } from './context.ts';
import { asDefect, Defect } from './defect.ts';
import { callFailure, isUnanswered, logSettled, logUnsettled, TRIES } from './failures.ts';
import { inWords } from './not-taken.ts';
import type { StoreParts } from './store-activities.ts';

/**
 * An ordinary chunk costs Temporal one action; only one that runs longer than this sends heartbeats. The store reports
 * waits from 5 s on. The first heartbeat is sent at once and later ones are throttled, so the one that tells of a wait
 * must come first.
 */
const HEARTBEAT_MS = 6_000;

/** What an attempt leaves to the next one: no customer's data beyond ids and the store's masked messages. */
interface ChunkProgress extends Tally {
  /** Attempts that got no answer, and those that have ended and said what they called. */
  unanswered: number;
  ended: number;
  /** What is settled, once anything is. */
  state?: IsolationState<Part> | undefined;
  /** What it is waiting for, for people to read. */
  waiting?: Wait | undefined;
}

/** What was looked up longer ago is not sent any more, in ms: the workflow has it looked up again long before. */
const OLD_MS = 60 * 60_000;

/** PUTs that change nothing, of fields and of values: whether the store answers them tells about the store. */
const CHANGES_NOTHING = {
  fields: JSON.stringify([{ id: NOBODY_ID }]),
  values: JSON.stringify([{ id: NOBODY_ID, attributes: { 1: '' } }]),
};

const NOBODY: Fates = { updated: [], rejected: [], failed: [] };

/** Sends one chunk. An attempt that fails says in its heartbeat details where the next one continues. */
export async function updateChunk(parts: StoreParts, ref: ChunkRef): Promise<ChunkOutcome> {
  const attempt = new ChunkAttempt(parts, ref);
  const heartbeat = setInterval(() => attempt.heartbeat(), HEARTBEAT_MS);
  try {
    return await attempt.send();
  } catch (error) {
    return await attempt.failed(error);
  } finally {
    clearInterval(heartbeat);
  }
}

class ChunkAttempt {
  readonly #context = Context.current();
  readonly #parts: StoreParts;
  readonly #ref: ChunkRef;
  readonly #progress: ChunkProgress;
  #chunk: Chunk | undefined;
  /** An earlier attempt died, and nobody knows whether it made a call. */
  readonly #isUncounted: boolean;
  #waitedFor: ChunkOutcome['waitedFor'];
  /** Those of the store, once they are needed. */
  #attributes: Attributes | undefined;

  constructor(parts: StoreParts, ref: ChunkRef) {
    this.#parts = parts;
    this.#ref = ref;
    const nothing = { calls: 0, reads: 0, throttled: 0, unanswered: 0, ended: 0 };
    this.#progress = { ...nothing, ...this.#context.info.heartbeatDetails };
    this.#isUncounted = this.#progress.ended < this.#context.info.attempt - 1;
  }

  heartbeat(): void {
    this.#context.heartbeat(this.#progress);
  }

  async send(): Promise<ChunkOutcome> {
    const chunk = await this.#read();
    this.#chunk = chunk;
    const { at, body } = chunk;
    const isOld = at !== undefined && Date.now() - at > OLD_MS;
    if (isOld && this.#isUntouched) return { ...this.#outcome(NOBODY), stale: true };
    const settled = await this.#parts.store.updateCustomers({
      ...this.#calling(),
      body,
      only: this.#ref.only,
      apart: this.#ref.unansweredBefore !== undefined,
      tensOfValues: this.#ref.tensOfValues,
      state: this.#progress.state,
      onState: (state) => (this.#progress.state = state),
    });
    logSettled(this.#ref, settled);
    await this.#readNames(settled);
    const { tensOfValues } = settled;
    return { ...this.#outcome(settled), ...(tensOfValues && !this.#ref.tensOfValues && { tensOfValues }) };
  }

  #read(): Promise<Chunk & { at?: number }> {
    const { pages, lookUps } = this.#parts;
    const { job, chunk, asked } = this.#ref;
    const keys = runKeys(job);
    return asked ? lookUps.readChunk(keys, chunk, asked) : pages.readChunk(keys, chunk);
  }

  /** None of its customers can have been sent before. */
  get #isUntouched(): boolean {
    const { only, maybeSent = false } = this.#ref;
    return !only && !maybeSent && this.#progress.calls === 0 && !this.#isUncounted;
  }

  /**
   * Returns the outcome of a chunk that was cancelled halfway, or of which only customers are left that the store does not
   * answer for; throws what any other failure means to Temporal.
   */
  async failed(thrown: unknown): Promise<ChunkOutcome> {
    const error = asDefect(thrown);
    logUnsettled(this.#ref, error);
    this.#count(error);
    if (error instanceof Draining && this.#context.cancellationDetails?.cancelRequested) return await this.#cancelled();
    this.#progress.ended++;
    this.heartbeat();
    const tries = (this.#ref.unansweredBefore ?? 0) + this.#progress.unanswered;
    const came = error instanceof Unavailable || error instanceof Defect ? error.message : 'The store did not answer.';
    const givenUp = this.#withRest('unavailable', `${came} Tried ${tries} times.`);
    await this.#readNames(givenUp);
    if (error instanceof Unavailable && (await this.#answersOthers())) return this.#outcome(givenUp);
    // However long the job store fails, no customer is given up for it.
    const failures = error instanceof StorageFailed ? [] : this.#failures(givenUp);
    throw callFailure(error, this.#progress.unanswered, this.#outcome(givenUp, failures));
  }

  /** Whether this was the last try for customers who were sent alone as well, and the store answers for others. */
  async #answersOthers(): Promise<boolean> {
    const { unansweredBefore } = this.#ref;
    if (unansweredBefore === undefined || this.#progress.unanswered < TRIES || !this.#chunk) return false;
    const { updated, rejected } = this.#known();
    // It may answer for fields and not for values.
    const [silent = 0] = this.#progress.state?.todo[0] ?? [];
    const kind = isValue(silent) ? 'values' : 'fields';
    const alike = this.#toSend().filter((row) => partsOf(row).some((part) => isValue(part) === isValue(silent)));
    const settled = [...updated, ...rejected.map(({ id }) => id)].find((id) => alike.some((row) => row.id === id));
    if (settled === undefined && alike.length > 1) return false;
    const other = settled === undefined ? { body: CHANGES_NOTHING[kind] } : { body: this.#chunk.body, only: [settled] };
    return this.#parts.store.updateCustomers({ ...this.#calling(), ...other }).then(
      () => true,
      () => false,
    );
  }

  #calling(): CallOptions {
    return {
      permit: untilCancelled(this.#parts.permit),
      probe: this.#ref.probe,
      tally: this.#progress,
      onWait: (waiting) => {
        this.#progress.waiting = waiting;
        if (waiting.reason !== 'slots') this.#waitedFor = waiting.reason;
        this.heartbeat();
      },
    };
  }

  #count(error: unknown): void {
    const progress = this.#progress;
    if (error instanceof StoreError) {
      progress.state = error.attempt.state ?? progress.state;
    }
    if (isUnanswered(error)) progress.unanswered++;
    progress.waiting = undefined;
  }

  async #cancelled(): Promise<ChunkOutcome> {
    const message = this.#progress.unanswered > 0 ? MAYBE_SENT : 'Not sent: the job was cancelled.';
    const fates = this.#withRest('cancelled', message);
    await this.#readNames(fates);
    const outcome = this.#outcome(fates);
    if (fates.failed.length < this.#toSend().length) return outcome;
    throw new CancelledFailure('Not sent.', [outcome]);
  }

  #outcome(fates: Fates, failures = this.#failures(fates)): ChunkOutcome {
    const { calls, reads, throttled, unanswered } = this.#progress;
    return {
      updated: fates.updated.length,
      failures,
      ...{ calls, reads, throttled, unanswered },
      attempts: this.#context.info.attempt,
      concurrency: this.#parts.store.concurrency(),
      ...(this.#waitedFor && { waitedFor: this.#waitedFor }),
      ...(this.#isUncounted && { uncounted: true }),
    };
  }

  /** The rows to send; none while the chunk could not be read. */
  #toSend(): SentRow[] {
    const { only } = this.#ref;
    return this.#chunk ? rowsIn(this.#chunk.body).filter(({ id }) => only?.includes(id) ?? true) : [];
  }

  /** Who has an outcome. */
  #known(): Fates {
    return this.#progress.state ? fatesOf(this.#progress.state, this.#toSend()) : NOBODY;
  }

  /** Who has an outcome, and everyone else as failed. */
  #withRest(code: NotTaken['code'], message: string): Fates {
    const { updated, rejected, failed } = this.#known();
    const known = new Set([...updated, ...[...rejected, ...failed].map(({ id }) => id)]);
    const begun = new Set(this.#progress.state?.updated.map(customerIn));
    const rest = this.#toSend().filter(({ id }) => !known.has(id));
    const unknown = rest.map(({ id }) => ({
      id,
      code,
      message: begun.has(id) ? `Taken in part. ${message}` : message,
    }));
    return { updated, rejected, failed: [...failed, ...unknown] };
  }

  /** Reads the names of attributes, if some of these were rejected. Their ids are enough for a message if it can't. */
  async #readNames({ rejected }: Fates): Promise<void> {
    if (!rejected.some(({ attributes }) => attributes)) return;
    const { attributes } = await readNames(this.#parts.storage, this.#ref.job).catch(() => ({ attributes: undefined }));
    this.#attributes = attributes;
  }

  #failures({ rejected, failed }: Fates): Failure[] {
    const chunk = this.#chunk;
    if (!chunk || rejected.length + failed.length === 0) return [];
    const rows = rowsIn(chunk.body);
    const nameOf = (attribute: number) => this.#attributes?.get(String(attribute))?.name;
    const as = (outcome: Failure['outcome']) => (customer: NotTaken) => {
      const place = rows.findIndex(({ id }) => id === customer.id);
      return {
        row: chunk.rows[place] as number,
        line: chunk.lines[place] ?? null,
        ...customer,
        ...(customer.attributes && inWords(customer.attributes, customer.message, rows[place] as SentRow, nameOf)),
        outcome,
      };
    };
    return [...rejected.map(as('rejected')), ...failed.map(as('failed'))].sort((a, b) => a.row - b.row);
  }
}
