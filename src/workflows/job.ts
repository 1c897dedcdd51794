/** One job: what it knows, how what it hears changes that, and what it does next. Pure: times are given, in ms since 1970. */
import { type ChunkOutcome, type ChunkRef, type JobRef, readsPresent } from '../contract/activities.ts';
import {
  type JobInput,
  type JobOptions,
  type JobResult,
  type JobState,
  MAX_REJECTED_PERCENT,
} from '../contract/job.ts';
import { type CarriedQueue, ChunkQueue, type Item } from './chunk-queue.ts';
import { hold, type Hold, type HoldKind, OUTAGE_AFTER, type RejectionsFrom, tooManyRejected } from './hold.ts';
import { type CarriedLedger, Ledger } from './ledger.ts';
import { Rate } from './rate.ts';

/** Where a job is in its life, apart from what makes it wait. */
export type Phase = Exclude<JobState, 'paused' | 'held' | 'cancelling'>;

/** Nothing was heard from the store's queue for a while, although a process serves it, or because none does. */
export type Starved = 'slow' | 'unserved';

/** A job as it travels through continue-as-new. */
export interface CarriedJob {
  ledger: CarriedLedger;
  queue: CarriedQueue;
  paused: string | null;
  hold: Hold | null;
  resumed: boolean;
  rejectionsFrom: RejectionsFrom;
  emailsSentAgain: boolean;
  concurrency: number;
  /** Absent in runs of 0.1.0. */
  searchAttributes?: boolean;
  attributesShown?: string;
}

/** A chunk, or customers of it, given to an activity; `probe`: it asks whether the store takes calls again. */
export interface Sent {
  item: Item;
  probe: ChunkRef['probe'];
  /** Chunks that were settled then. */
  doneBefore: number;
}

/** Sends chunks, as many as `window` allows, or one that asks as `probe`; after opening the store, where `open` says why. */
export interface Step {
  open?: string;
  probe?: 'check' | 'resume';
}

/**
 * Chunks scheduled at once. Above the 3 slots of the store, so that the next chunk is there when a slot falls free and
 * not a workflow task later; more gains nothing.
 */
const LOOK_AHEAD = 8;

const noRows = () => ({
  ...{ total: 0, invalid: 0, valid: 0, chunks: 0, chunksToSend: 0, lastSentSize: 0, lastSize: 0, gaps: '' },
  ...{ failures: [], olderIn: null },
});

export class Job {
  readonly ref: JobRef;
  readonly input: JobInput;
  phase: Phase = 'preparing';
  /** Its source was read; before that there are no rows. */
  isPrepared = false;
  ledger = Ledger.of(noRows());
  queue = ChunkQueue.of(0);
  /** Why a person paused the job; null while it isn't paused. */
  paused: string | null = null;
  hold: Hold | null = null;
  /** A person has resumed the job and it has not acted on that yet. */
  resumed = false;
  cancelling = false;
  /** When the store's queue last gave an answer, or was given something after it had nothing. */
  heardAt = 0;
  starved: Starved | null = null;
  rejectionsFrom: RejectionsFrom = { tried: 0, rejected: 0, waived: false };
  emailsSentAgain = false;
  /** Calls in flight that the store's pace allowed when a chunk was settled last; 0 before. */
  concurrency = 0;
  readonly rate = new Rate();
  /** What a chunk waited for that was settled then, for more than a few seconds. */
  slowed: { by: 'quota' | 'throttle'; at: number } | null = null;
  /** The namespace has them. */
  searchAttributes = false;
  /** State and tenth that the search attributes tell. */
  attributesShown = '';
  files: Pick<JobResult, 'report' | 'retry' | 'backup' | 'notInBackup'> = { report: null, retry: null };
  /** From the end of a dry run's check on. */
  wouldSend: JobResult['wouldSend'];
  /** Something has changed that the loop must look at. */
  woken = false;
  #unansweredInRow = 0;
  #open = false;

  constructor(ref: JobRef, input: JobInput) {
    this.ref = ref;
    this.input = input;
  }

  /** As they were given, before anybody has checked the input, which may be anything. */
  get options(): JobOptions {
    return (this.input as JobInput | undefined)?.options ?? {};
  }

  /** It asks what the store has of its customers before it sends them. */
  get readsPresent(): boolean {
    return readsPresent(this.options);
  }

  get state(): JobState {
    if (this.phase !== 'running') return this.phase;
    if (this.cancelling) return 'cancelling';
    if (this.paused !== null) return 'paused';
    return this.hold ? 'held' : 'running';
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

  /**
   * What comes next while `inFlight` chunks are under way; undefined: nothing until something changes. `heeds` is asked
   * where jobs that began before 0.3.0 went another way.
   */
  next(now: number, inFlight: number, heeds: () => boolean): Step | undefined {
    if (this.queue.empty && inFlight === 0 && !this.emailsSentAgain) this.#sendEmailsAgain();
    if (this.paused !== null) this.#open = false;
    if (this.paused !== null || this.queue.empty) return undefined;
    if (this.hold?.kind === 'rejections' && this.resumed) this.#waiveRejections(heeds);
    if (this.hold) {
      const due = this.resumed || (this.hold.until !== null && this.hold.until <= now);
      if (!due || inFlight > 0) return undefined;
      const probe = this.resumed ? 'resume' : 'check';
      this.resumed = false;
      return { open: 'asks the store again', probe };
    }
    if (this.#open) return {};
    this.#open = true;
    return { open: 'the job needs the store' };
  }

  /** Chunks that may be under way at once. The first one goes alone: a wrong token or a wrong mapping costs one call. */
  get window(): number {
    return this.ledger.done > 0 ? LOOK_AHEAD : 1;
  }

  /** How long to wait for a change, in ms; undefined: until there is one. */
  waitMs(now: number, inFlight: number): number | undefined {
    const until = this.hold?.until;
    return this.paused === null && inFlight === 0 && until ? Math.max(1, until - now) : undefined;
  }

  /** Enters the outcome of a chunk, unless it does not tell of everyone in it: a page that can't be read tells of nobody. */
  settle(sent: Sent, outcome: ChunkOutcome, now: number): void {
    if (!this.#enter(sent.item, outcome)) {
      return this.unanswered(sent, outcome, 'The chunk has lost customers in the job store.', now);
    }
    this.#unansweredInRow = 0;
    this.starved = null;
    this.concurrency = outcome.concurrency;
    if (outcome.waitedFor) this.slowed = { by: outcome.waitedFor, at: now };
    this.rate.settled(now, outcome.calls);
    // A refusal ends only with the chunk that asks: others may have been sent before it began.
    if (sent.probe || this.hold?.kind === 'outage') this.#goOn();
    const message = tooManyRejected(
      this.ledger,
      this.rejectionsFrom,
      this.options.maxRejectedPercent ?? MAX_REJECTED_PERCENT,
    );
    if (message && !this.hold) this.#holdFor('rejections', message, now);
  }

  /** The store did not answer for a chunk, in all tries of an activity. */
  unanswered({ item, probe, doneBefore }: Sent, outcome: ChunkOutcome, message: string, now: number): void {
    this.#unansweredInRow++;
    const { attempts, unanswered: tries = attempts } = outcome;
    const unsettled = { tries, attempts, doneBefore, done: this.ledger.done };
    const again = this.queue.unanswered(item, unsettled, false);
    if (!again && !this.#enter(item, outcome)) this.queue.unanswered(item, unsettled, true);
    if (probe || (this.#unansweredInRow >= OUTAGE_AFTER && !this.hold)) this.#holdFor('outage', message, now);
  }

  /** The store takes no calls of this job at present. */
  refused({ probe }: Sent, message: string, now: number): void {
    if (probe || this.hold?.kind !== 'refused') this.#holdFor('refused', message, now);
  }

  carry(): CarriedJob {
    const { queue, ledger, paused, hold, resumed, rejectionsFrom, emailsSentAgain, concurrency } = this;
    const { searchAttributes, attributesShown } = this;
    const carried = { paused, hold, resumed, rejectionsFrom, emailsSentAgain, concurrency };
    return { ledger: ledger.carry(), queue: queue.carry(), ...carried, searchAttributes, attributesShown };
  }

  /** Goes on where the run before this one stopped. */
  restore({ ledger, queue, ...rest }: CarriedJob): void {
    Object.assign(this, rest);
    this.prepared(new Ledger(ledger), new ChunkQueue(queue));
  }

  #enter(item: Item, outcome: ChunkOutcome): boolean {
    const { ledger, queue } = this;
    const told = outcome.updated + outcome.failures.length;
    if (told !== (item.only?.length ?? ledger.sizeOf(item.chunk))) return false;
    const attempts = queue.attemptsBefore(item.chunk) + outcome.attempts;
    if (item.only) ledger.amend(item.chunk, item.only, outcome);
    else ledger.settle(item.chunk, outcome, attempts);
    queue.settled(item.chunk);
    return true;
  }

  /** Begins to hold, or goes on holding after a try that failed. */
  #holdFor(kind: HoldKind, message: string, now: number): void {
    this.hold = hold(this.hold, kind, message, now);
  }

  #goOn(): void {
    this.hold = null;
    this.resumed = false;
  }

  #waiveRejections(heeds: () => boolean): void {
    const { tried, rejected } = this.ledger;
    this.rejectionsFrom = { tried, rejected, waived: true };
    // Held for long, its queue is not served any more.
    if (heeds()) this.#open = false;
    this.#goOn();
  }

  /** E-mail addresses that moved between two customers have no order among 3 slots: those rejected are sent once more. */
  #sendEmailsAgain(): void {
    this.emailsSentAgain = true;
    this.queue.add([...this.ledger.emailsTaken()].map(([chunk, only]) => ({ chunk, only })));
  }
}
