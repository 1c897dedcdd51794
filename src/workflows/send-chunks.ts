import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  log,
  workflowInfo,
} from '@temporalio/workflow';
import { CHUNKS_PER_PAGE } from '../contract/activities.ts';
import { defectOf, isSpent, isStopped, saveFailuresOf, storeActivities, thrownBy } from './activities.ts';
import type { Job } from './job.ts';
import { countSettled, logHold } from './metrics.ts';
import { open, whileOpen } from './open-store.ts';
import { show } from './show.ts';
import { type End, type InFlight, type Outcome, type Sent, type Witness, witnessOf } from './steps.ts';

/** How long continue-as-new waits for the chunks in flight before it stops them. The next run sends those again. */
const DRAIN_MS = 5_000;

/** How old the current details may become while chunks are in flight. */
const DETAILS_MS = 2_000;

/**
 * Does the job's work: sends chunks, looks up pages, asks for names. Ends as "done" when all of it is settled, as "renew"
 * when the server suggests continue-as-new; then nothing is in flight. Throws CancelledFailure if the job is cancelled, and
 * what defectOf knows, once nothing is in flight.
 */
export async function sendChunks(job: Job): Promise<'done' | 'renew'> {
  return new Sending(job).run();
}

/** What a job has in flight. It only obeys: what to do next is the job's decision. */
class Sending {
  readonly #job: Job;
  readonly #inFlight = new Map<Promise<void>, Witness>();
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
      if (defectOf(error) !== undefined) this.#calls.cancel();
      else {
        if (!isStopped(error, this.#root)) throw error;
        job.cancelling = true;
        const inFlight = this.#inFlight.size;
        log.info('job cancelled: waits for the chunks in flight', { store: job.ref.storeHash, inFlight });
      }
      await CancellationScope.nonCancellable(() => condition(() => this.#inFlight.size === 0));
      throw error;
    }
  }

  async #loop(): Promise<'done' | 'renew'> {
    const job = this.#job;
    for (;;) {
      // A cancel ends neither the opening of the store nor the saving of failures.
      if (this.#root.consideredCancelled) throw new CancelledFailure('The job was cancelled.');
      if (workflowInfo().continueAsNewSuggested) {
        await this.#drain();
        return 'renew';
      }
      job.woken = false;
      const step = this.#change(() => job.next(Date.now(), this.#counts()));
      if (step.do === 'save') await saveFailuresOf(job);
      if (step.do === 'open') await open(job, step.why);
      if (step.do === 'send') this.#launch(step.sent);
      if (step.do === 'wait') await this.#wait(step.ms);
      if (step.do === 'end') return 'done';
      if (step.do === 'fail')
        throw ApplicationFailure.create({ type: 'Defect', message: step.why, nonRetryable: true });
    }
  }

  async #wait(ms: number | undefined): Promise<void> {
    const job = this.#job;
    this.#showDetails();
    if (ms === undefined) await condition(() => job.woken);
    else await condition(() => job.woken, ms, { summary: `asks the store again: ${job.hold?.kind}` });
  }

  #counts(): InFlight {
    const inFlight = { read: 0, write: 0 };
    for (const witness of this.#inFlight.values()) inFlight[witness]++;
    return inFlight;
  }

  #launch(sent: Sent): void {
    const job = this.#job;
    const sending = this.#send(sent).finally(() => {
      this.#inFlight.delete(sending);
      job.woken = true;
    });
    this.#inFlight.set(sending, witnessOf(sent.item));
  }

  async #send(sent: Sent): Promise<void> {
    const end = await this.#calls
      .run(() => this.#give(sent))
      .then((outcome) => this.#endOf(outcome))
      .catch(endOfFailure);
    this.#change(() => this.#job.ended(sent, end, Date.now()));
  }

  /** Gives an item to its activity. */
  #give({ item, probe }: Sent): Promise<Outcome> {
    const { ref: job, ledger, work, options, names } = this.#job;
    const { updateChunk, lookUpPage, readNames } = storeActivities(this.#job);
    const ref = { job, ...(probe && { probe }) };
    if ('chunk' in item) {
      const { first, last } = ledger.rowsOf(item.chunk);
      const summary = `chunk ${item.chunk} · rows ${first}–${last}${item.only ? ` · ${item.only.length} again` : ''}`;
      const asked = ledger.askedFor(item.chunk);
      const unansweredBefore = work.toSend.unansweredBefore(item.chunk);
      const before = {
        ...(asked.length > 0 && { asked }),
        ...(unansweredBefore !== undefined && { unansweredBefore }),
        ...(work.toSend.isMaybeSent(item.chunk) && { maybeSent: true as const }),
        ...(this.#job.tensOfValues && { tensOfValues: true as const }),
      };
      return updateChunk.executeWithOptions({ summary }, [{ ...ref, ...item, ...before }]);
    }
    if ('page' in item) {
      const { page } = item;
      const { first, last } = ledger.rowsOfPage(page);
      const places = item.asked ?? ledger.placesOf(page);
      const asked = [...ledger.askedFor(page * CHUNKS_PER_PAGE + places[0]), places];
      const summary = `look up page ${page} · rows ${first}–${last}${asked.length > 1 ? ' · again' : ''}`;
      const { match = 'id', skipUnchanged = false, dryRun = false } = options;
      return lookUpPage.executeWithOptions({ summary }, [{ ...ref, page, asked, match, skipUnchanged, dryRun }]);
    }
    const { kinds = [] } = names ?? {};
    const summary = `names of the store: ${kinds.join(', ')}`;
    return readNames.executeWithOptions({ summary }, [{ ...ref, kinds }]);
  }

  #endOf(outcome: Outcome): End {
    if (!isSpent(outcome)) return { how: 'stopped' };
    // Our own draining stopped it halfway.
    const drained = this.#calls.consideredCancelled && !this.#root.consideredCancelled;
    const stopped = drained && 'failures' in outcome && outcome.failures.some(({ code }) => code === 'cancelled');
    return { how: stopped ? 'stopped' : 'settled', outcome };
  }

  /** Changes the job, and logs and counts what that changed. */
  #change<T>(change: () => T): T {
    const { ref, hold, ledger } = this.#job;
    const { counts } = ledger;
    const result = change();
    countSettled(ref.storeHash, counts, ledger.counts);
    if (this.#job.hold !== hold) logHold(ref.storeHash, hold, this.#job.hold);
    return result;
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

function endOfFailure(error: unknown): End {
  const failure = thrownBy(error);
  if (!failure) throw error;
  const { type, message, outcome } = failure;
  const isDefect = type === 'Defect';
  if ((isDefect || type === 'Unavailable') && outcome) return { how: 'unanswered', outcome, message, isDefect };
  // Anything else: it was told to stop, its worker died after that, or a person ended it.
  return type === 'Refused' ? { how: 'refused', outcome, message } : { how: 'stopped', outcome };
}
