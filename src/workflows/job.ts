/** A job: what it knows, how events change that, and what it does next. Pure: times are given, in ms since 1970. */
import { type ChunkOutcome, type JobRef, readsPresent } from '../contract/activities.ts';
import {
  FAILURES_IN_STATE,
  type JobInput,
  type JobOptions,
  type JobResult,
  type JobState,
  MAX_REJECTED_PERCENT,
} from '../contract/job.ts';
import type { CarriedJob } from './arguments.ts';
import { ChunkQueue, type Item } from './chunk-queue.ts';
import { hold, type Hold, type HoldKind, OUTAGE_AFTER, type RejectionsFrom, tooManyRejected } from './hold.ts';
import { Ledger } from './ledger.ts';
import { Rate } from './rate.ts';
import type { ChunkEnd, NamesEnd, Sent, Step } from './steps.ts';

/** Where a job is in its life, apart from what makes it wait. */
export type Phase = Exclude<JobState, 'paused' | 'held' | 'cancelling'>;

/** The store's queue has given no answer for a while, although a process serves it, or because none does. */
export type Starved = 'slow' | 'unserved';

/**
 * Chunks in flight at once. More than the 3 slots of the store, so that the next chunk is there as soon as a slot is
 * free and not a workflow task later; still more gains nothing.
 */
export const LOOK_AHEAD = 8;

const noRows = () => ({
  ...{ total: 0, invalid: 0, valid: 0, chunks: 0, chunksToSend: 0, lastSentSize: 0, lastSize: 0, gaps: '' },
  ...{ failures: [], olderIn: null },
});

export class Job {
  readonly #ref: JobRef;
  readonly input: JobInput;
  phase: Phase = 'preparing';
  /** Its source was read; before that there are no rows. */
  isPrepared = false;
  /** The source names groups of the store, without which it can't be read: to be asked for, asked for, or known. */
  names: CarriedJob['names'] | 'asked' = null;
  /** Where prepareJob has written. */
  where: Pick<JobRef, 'set' | 'jobStore'> = {};
  ledger = Ledger.of(noRows());
  queue = ChunkQueue.of(0);
  /** Why a person paused the job; null while it isn't paused. */
  paused: string | null = null;
  hold: Hold | null = null;
  /** A person has resumed the job, which has not acted on that yet. */
  resumed = false;
  cancelling = false;
  /** When the store's queue last gave an answer, or was given something after it had nothing. */
  heardAt = 0;
  starved: Starved | null = null;
  rejectionsFrom: RejectionsFrom = { tried: 0, rejected: 0, waived: false };
  emailsSentAgain = false;
  /** Calls in flight that the store's pace allowed when a chunk last ended; 0 before. */
  concurrency = 0;
  readonly rate = new Rate();
  /** What the latest chunk that had to wait for more than a few seconds waited for. */
  slowed: { by: 'quota' | 'throttle'; at: number } | null = null;
  /** Whether the namespace has them. */
  searchAttributes = false;
  /** What a person should know of how the source was read. */
  notes: string[] = [];
  /** State and tenth that the search attributes show. */
  attributesShown = '';
  files: Pick<JobResult, 'report' | 'retry' | 'fix' | 'backup' | 'notInBackup'> = {
    report: null,
    retry: null,
    fix: null,
  };
  /** From the end of a dry run's check on. */
  wouldSend: JobResult['wouldSend'];
  /** Something has changed, so that the next step may be another one. */
  woken = false;
  #unansweredInRow = 0;
  #open = false;
  /** The store was opened for this probe, which is sent next. */
  #probe: Sent['probe'];

  constructor(ref: JobRef, input: JobInput) {
    this.#ref = ref;
    this.input = input;
  }

  get ref(): JobRef {
    return { ...this.#ref, ...(this.names === 'known' && { named: true }), ...this.where };
  }

  /** As given: the input may be anything until prepareJob has checked it. */
  get options(): JobOptions {
    return (this.input as JobInput | undefined)?.options ?? {};
  }

  /** It asks what the store has of its customers before it sends them. */
  get readsPresent(): boolean {
    return readsPresent(this.options);
  }

  get state(): JobState {
    const asksNames = this.names === 'needed' || this.names === 'asked';
    if (this.phase !== 'running' && !(this.phase === 'preparing' && asksNames)) return this.phase;
    if (this.cancelling) return 'cancelling';
    if (this.paused !== null) return 'paused';
    return this.hold ? 'held' : this.phase;
  }

  prepared(ledger: Ledger, queue: ChunkQueue): void {
    this.isPrepared = true;
    this.ledger = ledger;
    this.queue = queue;
    this.phase = 'running';
  }

  pause(reason: string): void {
    this.paused = reason;
    this.woken = true;
  }

  resume(): void {
    this.paused = null;
    this.resumed = this.hold !== null;
    this.woken = true;
  }

  /** Nothing waits to be given to an activity. */
  get #isEmpty(): boolean {
    return this.names !== 'needed' && this.queue.empty;
  }

  /** What to do next while `inFlight` activities are in flight. The step counts as done: a chunk to send is sent. */
  next(now: number, inFlight: number): Step {
    if (this.ledger.surplus >= FAILURES_IN_STATE) return { do: 'save' };
    if (this.isPrepared && this.#isEmpty && inFlight === 0 && !this.emailsSentAgain) this.#sendEmailsAgain();
    if (this.#isEmpty && inFlight === 0) return { do: 'end' };
    // A dry run reports a refused token instead of waiting for another one.
    if (this.options.dryRun && this.hold?.kind === 'refused') return { do: 'end' };
    if (this.paused !== null) {
      this.#open = false;
      this.#probe = undefined;
    }
    if (this.paused !== null || this.#isEmpty) return { do: 'wait' };
    if (this.hold?.kind === 'rejections' && this.resumed) this.#waiveRejections();
    if (this.hold) return this.#askAgain(this.hold, now, inFlight);
    if (!this.#open) {
      this.#open = true;
      return { do: 'open', why: 'the job needs the store' };
    }
    // The first chunk goes alone: a wrong token or a wrong mapping costs one call.
    const window = this.ledger.done > 0 ? LOOK_AHEAD : 1;
    return inFlight < window ? this.#send(undefined, now, inFlight) : { do: 'wait' };
  }

  /** Enters how an activity ended that was given a chunk. */
  ended(sent: Sent, end: ChunkEnd, now: number): void {
    this.heardAt = now;
    if (end.outcome) this.ledger.called(end.outcome);
    switch (end.how) {
      case 'settled':
        return this.#settled(sent, end.outcome, now);
      case 'unanswered':
        return this.#unanswered(sent, end.outcome, end.message, now);
      case 'refused':
      case 'stopped':
        this.queue.putBack(sent.item, end.outcome?.attempts ?? 0);
    }
    if (end.how === 'refused' && (sent.probe || this.hold?.kind !== 'refused')) {
      this.#holdFor('refused', end.message, now);
    }
  }

  /** Enters how the question for names ended. No row can be sent before it was answered, so it is never given up. */
  namesEnded(probe: Sent['probe'], end: NamesEnd, now: number): void {
    this.heardAt = now;
    this.names = end.how === 'settled' ? 'known' : 'needed';
    if (end.how === 'refused') this.#holdFor('refused', end.message, now);
    if (end.how === 'unanswered') {
      this.#unansweredInRow++;
      if (probe || this.#unansweredInRow >= OUTAGE_AFTER) this.#holdFor('outage', end.message, now);
    }
    if (end.how !== 'settled') return;
    this.#unansweredInRow = 0;
    this.starved = null;
    this.#endHold();
    // Once a long source is read, nobody may be serving its queue any more.
    this.#open = false;
  }

  /** Nothing may be in flight; a job that knows its names must be prepared. */
  carry(): CarriedJob {
    const { queue, ledger, paused, hold, resumed, rejectionsFrom, emailsSentAgain, concurrency } = this;
    const { searchAttributes, notes, attributesShown, where } = this;
    const names = this.names === 'asked' ? 'needed' : this.names;
    const carried = { paused, hold, resumed, rejectionsFrom, emailsSentAgain, concurrency };
    return {
      ledger: ledger.carry(),
      queue: queue.carry(),
      ...carried,
      searchAttributes,
      notes,
      attributesShown,
      names,
      where,
    };
  }

  /** Continues where the previous run stopped. */
  restore({ ledger, queue, ...rest }: CarriedJob): void {
    Object.assign(this, rest);
    if (this.names !== 'needed') this.prepared(new Ledger(ledger), new ChunkQueue(queue));
  }

  /** Opens the store and sends one chunk as a probe, when that is due and nothing is in flight. */
  #askAgain({ until }: Hold, now: number, inFlight: number): Step {
    if (inFlight > 0) return { do: 'wait' };
    if (this.#probe) return this.#send(this.#probe, now, inFlight);
    if (!this.resumed && (until === null || until > now)) {
      return until === null ? { do: 'wait' } : { do: 'wait', ms: until - now };
    }
    this.#probe = this.resumed ? 'resume' : 'check';
    this.resumed = false;
    return { do: 'open', why: 'asks the store again' };
  }

  #send(probe: Sent['probe'], now: number, inFlight: number): Step {
    this.#probe = undefined;
    if (inFlight === 0) this.heardAt = now;
    if (this.names === 'needed') {
      this.names = 'asked';
      return { do: 'readNames', probe };
    }
    return { do: 'send', sent: { item: this.queue.take() as Item, probe, doneBefore: this.ledger.done } };
  }

  /** Enters an outcome, unless it leaves out customers of the chunk: a page that can't be read names none of them. */
  #settled(sent: Sent, outcome: ChunkOutcome, now: number): void {
    if (!this.#record(sent.item, outcome)) {
      return this.#unanswered(sent, outcome, 'The chunk has lost customers in the job store.', now);
    }
    this.#unansweredInRow = 0;
    this.starved = null;
    this.concurrency = outcome.concurrency;
    if (outcome.waitedFor) this.slowed = { by: outcome.waitedFor, at: now };
    this.rate.add(now, outcome.calls);
    // Only a probe ends a refusal: other chunks may have been sent before it began.
    if (sent.probe || this.hold?.kind === 'outage') this.#endHold();
    const maxPercent = this.options.maxRejectedPercent ?? MAX_REJECTED_PERCENT;
    const message = tooManyRejected(this.ledger, this.rejectionsFrom, maxPercent);
    if (message && !this.hold) this.#holdFor('rejections', message, now);
  }

  #unanswered({ item, probe, doneBefore }: Sent, outcome: ChunkOutcome, message: string, now: number): void {
    this.#unansweredInRow++;
    const { attempts, unanswered: tries } = outcome;
    const unsettled = { tries, attempts, doneBefore, done: this.ledger.done };
    const again = this.queue.unanswered(item, unsettled, false);
    if (!again && !this.#record(item, outcome)) this.queue.unanswered(item, unsettled, true);
    if (probe || (this.#unansweredInRow >= OUTAGE_AFTER && !this.hold)) this.#holdFor('outage', message, now);
  }

  /** Enters what became of an item's customers; false if the outcome leaves some of them out. */
  #record(item: Item, outcome: ChunkOutcome): boolean {
    const { ledger, queue } = this;
    const named = outcome.updated + outcome.failures.length;
    if (named !== (item.only?.length ?? ledger.sizeOf(item.chunk))) return false;
    const attempts = queue.attemptsBefore(item.chunk) + outcome.attempts;
    if (item.only) ledger.amend(item.chunk, item.only, outcome);
    else ledger.record(item.chunk, outcome, attempts);
    queue.forget(item.chunk);
    return true;
  }

  /** Begins to hold, or continues to after a failed probe. */
  #holdFor(kind: HoldKind, message: string, now: number): void {
    this.hold = hold(this.hold, kind, message, now);
  }

  #endHold(): void {
    this.hold = null;
    this.resumed = false;
  }

  #waiveRejections(): void {
    const { tried, rejected } = this.ledger;
    this.rejectionsFrom = { tried, rejected, waived: true };
    // After a long hold nobody serves its queue any more.
    this.#open = false;
    this.#endHold();
  }

  /** E-mail addresses may move between customers, in no order among 3 slots: the rejected are sent again. */
  #sendEmailsAgain(): void {
    this.emailsSentAgain = true;
    this.queue.add([...this.ledger.emailsTaken()].map(([chunk, only]) => ({ chunk, only })));
  }
}
