import { CancellationScope, condition, log, patched, workflowInfo } from '@temporalio/workflow';
import type { ChunkOutcome } from '../contract/activities.ts';
import { FAILURES_IN_STATE } from '../contract/job.ts';
import { isOutcome, isStopped, saveFailuresOf, storeActivities, thrownBy } from './activities.ts';
import type { Job, Sent } from './job.ts';
import { countSettled, tellHold } from './metrics.ts';
import { open, whileOpen } from './open-store.ts';
import { show } from './show.ts';

/** A chunk that waits for long must not hold up continue-as-new: it is put back after this. */
const DRAIN_MS = 5_000;

/** Jobs that began before 0.3.0 did not heed what had come while they opened their store, and did not open it for a waiver. */
const HEEDS = 'heeds-while-opening';

/** How old the current details may become while chunks are settled. */
const DETAILS_MS = 2_000;

/**
 * Sends what is in the job's queue. Ends as "done" when all is settled, as "renew" when the server suggests to continue
 * as new; nothing is in flight then. Throws CancelledFailure when the job is cancelled, after what was in flight ended.
 */
export async function sendChunks(job: Job): Promise<'done' | 'renew'> {
  return new Sending(job).run();
}

/** The chunks of a job that are under way. What comes next is the job's to say. */
class Sending {
  readonly #job: Job;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #root = CancellationScope.current();
  readonly #calls = new CancellationScope();
  #shownAt = 0;

  constructor(job: Job) {
    this.#job = job;
  }

  async run(): Promise<'done' | 'renew'> {
    const job = this.#job;
    try {
      return await whileOpen(
        job,
        () => this.#inFlight.size > 0,
        () => this.#loop(),
      );
    } catch (error) {
      if (!isStopped(error, this.#root)) throw error;
      job.cancelling = true;
      const inFlight = this.#inFlight.size;
      log.info('job cancelled: waits for the chunks in flight', { store: job.ref.storeHash, inFlight });
      await CancellationScope.nonCancellable(() => condition(() => this.#inFlight.size === 0));
      throw error;
    }
  }

  async #loop(): Promise<'done' | 'renew'> {
    const job = this.#job;
    for (;;) {
      job.woken = false;
      if (workflowInfo().continueAsNewSuggested) {
        await this.#drain();
        return 'renew';
      }
      if (job.ledger.surplus >= FAILURES_IN_STATE) await saveFailuresOf(job);
      await this.#sendMore();
      this.#showDetails();
      if (job.queue.empty && this.#inFlight.size === 0) return 'done';
      const waitMs = job.waitMs(Date.now(), this.#inFlight.size);
      if (waitMs === undefined) await condition(() => job.woken);
      else await condition(() => job.woken, waitMs, { summary: `asks the store again: ${job.hold?.kind}` });
    }
  }

  async #sendMore(): Promise<void> {
    const job = this.#job;
    const step = this.#change(() => job.next(Date.now(), this.#inFlight.size, () => patched(HEEDS)));
    if (!step) return;
    const { probe } = step;
    if (step.open !== undefined) {
      await open(job, step.open);
      if (probe ? job.paused !== null && patched(HEEDS) : job.paused !== null || (job.hold && patched(HEEDS))) return;
    }
    // Nothing once the job is cancelled, which ends neither opening the store nor saving failures.
    while (this.#inFlight.size < (probe ? 1 : job.window) && !this.#calls.consideredCancelled) {
      const item = job.queue.take();
      if (!item) return;
      this.#launch({ item, probe, doneBefore: job.ledger.done });
    }
  }

  #launch(sent: Sent): void {
    const job = this.#job;
    if (this.#inFlight.size === 0) job.heardAt = Date.now();
    const sending = this.#send(sent).finally(() => {
      this.#inFlight.delete(sending);
      job.woken = true;
    });
    this.#inFlight.add(sending);
  }

  async #send(sent: Sent): Promise<void> {
    const job = this.#job;
    try {
      const outcome = await this.#calls.run(() => this.#update(sent));
      if (!isOutcome(outcome)) return job.queue.putBack(sent.item, 0);
      job.ledger.called(outcome);
      // Stopped in the middle, and by our own draining: the next run sends it.
      if (this.#wasDrained(outcome)) return job.queue.putBack(sent.item, outcome.attempts);
      this.#change(() => job.settle(sent, outcome, Date.now()));
    } catch (error) {
      const failure = thrownBy(error);
      if (!failure) throw error;
      const { type, message, outcome } = failure;
      if (outcome) job.ledger.called(outcome);
      if (type === 'Unavailable' && outcome) {
        return this.#change(() => job.unanswered(sent, outcome, message, Date.now()));
      }
      // Whatever else: it was told to stop, or its worker died after it was, or a person ended it.
      job.queue.putBack(sent.item, outcome?.attempts ?? 0);
      if (type === 'Refused') this.#change(() => job.refused(sent, message, Date.now()));
    } finally {
      job.heardAt = Date.now();
    }
  }

  #update({ item, probe }: Sent): Promise<ChunkOutcome> {
    const { ref: job, ledger, options, readsPresent } = this.#job;
    const { updateChunk, readAndUpdateChunk } = storeActivities(job.storeHash);
    const { first, last } = ledger.rowsOf(item.chunk);
    const ref = { job, ...item, ...(probe && { probe }) };
    const summary = `chunk ${item.chunk} · rows ${first}–${last}${item.only ? ` · ${item.only.length} again` : ''}`;
    if (!readsPresent) return updateChunk.executeWithOptions({ summary }, [ref]);
    const reading = { ...ref, chunks: ledger.plan.chunksToSend, skipUnchanged: options.skipUnchanged ?? false };
    return readAndUpdateChunk.executeWithOptions({ summary }, [reading]);
  }

  /** Changes the job, and tells log and metrics what that came to. */
  #change<T>(change: () => T): T {
    const { ref, hold, ledger } = this.#job;
    const { counts } = ledger;
    const result = change();
    countSettled(ref.storeHash, counts, ledger.counts);
    if (this.#job.hold !== hold) tellHold(ref.storeHash, hold, this.#job.hold);
    return result;
  }

  #wasDrained({ failures }: ChunkOutcome): boolean {
    const drained = this.#calls.consideredCancelled && !this.#root.consideredCancelled;
    return drained && failures.some(({ code }) => code === 'cancelled');
  }

  async #drain(): Promise<void> {
    const isEmpty = () => this.#inFlight.size === 0;
    if (!(await condition(isEmpty, DRAIN_MS, { summary: 'continues as new soon' }))) this.#calls.cancel();
    await condition(isEmpty);
  }

  #showDetails(): void {
    if (this.#inFlight.size > 0 && Date.now() - this.#shownAt < DETAILS_MS) return;
    this.#shownAt = Date.now();
    show(this.#job);
  }
}
