import { CancelledFailure, Context } from '@temporalio/activity';
import { Draining, StoreError, Unavailable } from '../bigcommerce/errors.ts';
import type { IsolationState, NotTaken } from '../bigcommerce/isolate.ts';
import type { CallOptions, Wait } from '../bigcommerce/store.ts';
import type { ChunkOutcome, ChunkRef } from '../contract/activities.ts';
import type { Failure } from '../contract/job.ts';
import type { Chunk } from '../jobs/pages.ts';
import { MAYBE_SENT } from '../jobs/settled-rows.ts';
import { StorageFailed } from '../storage/storage.ts';
import { runKeys, untilCancelled } from './context.ts';
import { customersToSend } from './customers-to-send.ts';
import { callFailure, isUnanswered, logSettled, logUnsettled, TRIES } from './failures.ts';
import type { StoreParts } from './store-activities.ts';

/**
 * An ordinary chunk costs Temporal one action; only one that runs longer than this sends heartbeats. The store reports
 * waits from 5 s on. The first heartbeat is sent at once and later ones are throttled, so the one that tells of a wait
 * must come first.
 */
const HEARTBEAT_MS = 6_000;

/** What an attempt leaves to the next one: no customer's data beyond ids and the store's masked messages. */
interface ChunkProgress {
  /** Of all attempts so far. */
  calls: number;
  throttled: number;
  /** Attempts that got no answer. */
  unanswered: number;
  /** Which customers have an outcome, once any has. */
  state?: IsolationState | undefined;
  /** What it is waiting for, for people to read. */
  waiting?: Wait | undefined;
}

/** A PUT that changes nothing, of the greatest id there may be: whether the store answers it tells about the store. */
const NOBODY = JSON.stringify([{ id: 2 ** 31 - 1 }]);

/** Customers by outcome. */
type Fates = Pick<IsolationState, 'updated' | 'rejected' | 'failed'>;

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
  /** The customers to send; undefined: all of the chunk. */
  #only: number[] | undefined;
  #waitedFor: ChunkOutcome['waitedFor'];

  constructor(parts: StoreParts, ref: ChunkRef) {
    this.#parts = parts;
    this.#ref = ref;
    this.#only = ref.only;
    this.#progress = { calls: 0, throttled: 0, unanswered: 0, ...this.#context.info.heartbeatDetails };
  }

  heartbeat(): void {
    this.#context.heartbeat(this.#progress);
  }

  async send(): Promise<ChunkOutcome> {
    const { store, pages, present } = this.#parts;
    const { job, chunk: number, only, read, unansweredBefore } = this.#ref;
    const chunk = await pages.readChunk(runKeys(job), number);
    this.#chunk = chunk;
    const calling = this.#calling();
    // Customers that are sent again were read before.
    if (read && !only) this.#only = await customersToSend(store, present, { ...this.#ref, read }, chunk, calling);
    const settled = await store.updateCustomers({
      ...calling,
      body: chunk.body,
      only: this.#only,
      apart: unansweredBefore !== undefined,
      state: this.#progress.state,
      onState: (state) => (this.#progress.state = state),
    });
    this.#progress.calls += settled.calls;
    logSettled(this.#ref, settled);
    return this.#outcome(settled);
  }

  /**
   * Returns the outcome of a chunk that was cancelled halfway, or of which only customers are left that the store does not
   * answer for; throws what any other failure means to Temporal.
   */
  async failed(error: unknown): Promise<ChunkOutcome> {
    logUnsettled(this.#ref, error);
    this.#count(error);
    if (error instanceof Draining && this.#context.cancellationDetails?.cancelRequested) return this.#cancelled();
    this.heartbeat();
    const tries = (this.#ref.unansweredBefore ?? 0) + this.#progress.unanswered;
    const came = error instanceof Unavailable ? error.message : 'The store did not answer.';
    const givenUp = this.#withRest('unavailable', `${came} Tried ${tries} times.`);
    if (error instanceof Unavailable && (await this.#answersOthers())) return this.#outcome(givenUp);
    // However long the job store fails, no customer is given up for it.
    const failures = error instanceof StorageFailed ? [] : this.#failures(givenUp);
    throw callFailure(error, this.#progress.unanswered, this.#outcome(givenUp, failures));
  }

  /** Whether this was the last try for customers who were sent alone as well, and the store answers for others. */
  async #answersOthers(): Promise<boolean> {
    const { unansweredBefore } = this.#ref;
    if (unansweredBefore === undefined || this.#progress.unanswered < TRIES || !this.#chunk) return false;
    const { updated = [], rejected = [] } = this.#progress.state ?? {};
    const settled = updated[0] ?? rejected[0]?.id;
    if (settled === undefined && this.#toSend().length > 1) return false;
    const other = settled === undefined ? { body: NOBODY } : { body: this.#chunk.body, only: [settled] };
    try {
      const { calls } = await this.#parts.store.updateCustomers({ ...this.#calling(), ...other });
      this.#progress.calls += calls;
      return true;
    } catch (error) {
      if (error instanceof StoreError) this.#progress.calls += error.attempt.calls;
      return false;
    }
  }

  #calling(): CallOptions {
    return {
      permit: untilCancelled(this.#parts.permit),
      probe: this.#ref.probe,
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
      progress.calls += error.attempt.calls;
      progress.throttled += error.attempt.throttled;
      progress.state = error.attempt.state ?? progress.state;
    }
    if (isUnanswered(error)) progress.unanswered++;
    progress.waiting = undefined;
  }

  #cancelled(): ChunkOutcome {
    const message = this.#progress.unanswered > 0 ? MAYBE_SENT : 'Not sent: the job was cancelled.';
    const fates = this.#withRest('cancelled', message);
    const outcome = this.#outcome(fates);
    if (fates.failed.length < this.#toSend().length) return outcome;
    throw new CancelledFailure('Not sent.', [outcome]);
  }

  #outcome(fates: Fates, failures = this.#failures(fates)): ChunkOutcome {
    const { calls, throttled, unanswered } = this.#progress;
    // The customers that customersToSend left out.
    const unchanged = this.#chunk && !this.#ref.only ? this.#chunk.rows.length - this.#toSend().length : 0;
    return {
      updated: fates.updated.length + unchanged,
      ...(unchanged > 0 && { unchanged }),
      failures,
      calls,
      throttled,
      attempts: this.#context.info.attempt,
      unanswered,
      concurrency: this.#parts.store.concurrency(),
      ...(this.#waitedFor && { waitedFor: this.#waitedFor }),
    };
  }

  /** Ids of the customers to send; none while the chunk could not be read. */
  #toSend(): number[] {
    return this.#chunk ? (this.#only ?? idsOf(this.#chunk)) : [];
  }

  /** Who has an outcome, and everyone else as failed. */
  #withRest(code: NotTaken['code'], message: string): Fates {
    const { updated = [], rejected = [], failed = [] } = this.#progress.state ?? {};
    const known = new Set([...updated, ...[...rejected, ...failed].map(({ id }) => id)]);
    const rest = this.#toSend().filter((id) => !known.has(id));
    return { updated, rejected, failed: [...failed, ...rest.map((id) => ({ id, code, message }))] };
  }

  #failures({ rejected, failed }: Fates): Failure[] {
    const chunk = this.#chunk;
    if (!chunk || rejected.length + failed.length === 0) return [];
    const places = new Map(idsOf(chunk).map((id, index) => [id, index]));
    const as = (outcome: Failure['outcome']) => (customer: NotTaken) => ({
      row: chunk.rows[places.get(customer.id) as number] as number,
      line: chunk.lines[places.get(customer.id) as number] ?? null,
      ...customer,
      outcome,
    });
    return [...rejected.map(as('rejected')), ...failed.map(as('failed'))].sort((a, b) => a.row - b.row);
  }
}

function idsOf(chunk: Chunk): number[] {
  return (JSON.parse(chunk.body) as { id: number }[]).map(({ id }) => id);
}
