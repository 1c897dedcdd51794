import { type JobRef, readsPresent } from '../activity-contract.ts';
import type { CustomerCounts, JobInput, JobOptions, JobResult, JobState, Progress, WaitingFor } from '../contract.ts';
import { ChunkQueue, type CarriedQueue } from './chunk-queue.ts';
import type { Hold, RejectionsFrom } from './hold.ts';
import { Ledger, type CarriedLedger } from './ledger.ts';
import { Rate } from './rate.ts';

/** Where a job is in its life, apart from what makes it wait. */
export type Phase = Exclude<JobState, 'paused' | 'held' | 'cancelling'>;

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

/** What chunks waited for counts for this long: a window of the usual quota, twice. */
const SLOWED_MS = 60_000;

/** Nothing was heard from the store's queue for a while, although a process serves it, or because none does. */
export type Starved = 'slow' | 'unserved';

const STARVED: Record<Starved, string> = {
  slow: 'No chunk was settled for a while: the store is slow, or its worker died and another one takes over.',
  unserved:
    'No worker serves the store at present: each serves as many others as its MAX_STORES allows, or stops. The job goes ' +
    'on when one has a place; start another worker, or raise MAX_STORES, to have one now.',
};

const NONE: CustomerCounts = { total: 0, updated: 0, rejected: 0, failed: 0, invalid: 0, unprocessed: 0 };

/** The state of one job: what the messages read and change, and the loop that sends acts on. */
export class Job {
  readonly ref: JobRef;
  readonly input: JobInput;
  phase: Phase = 'preparing';
  /** From the end of prepareJob on. */
  ledger: Ledger | undefined;
  queue = ChunkQueue.of(0);
  /** Why a person paused the job; null while it isn't paused. */
  paused: string | null = null;
  hold: Hold | null = null;
  /** A person has resumed the job and it has not acted on that yet. */
  resumed = false;
  cancelling = false;
  /** When the store's queue last gave an answer, or was given something after it had nothing; ms since 1970. */
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

  result(): JobResult {
    const { ledger } = this;
    return {
      customers: ledger?.counts ?? NONE,
      chunks: { total: ledger?.plan.chunks ?? 0, done: ledger?.done ?? 0 },
      ...(this.options.skipUnchanged && { unchanged: ledger?.unchanged ?? 0 }),
      calls: ledger?.calls ?? 0,
      throttled: ledger?.throttled ?? 0,
      ...this.files,
      ...(this.wouldSend && { wouldSend: this.wouldSend }),
    };
  }

  progress(now: number): Progress {
    const rate = this.state === 'running' ? this.rate.at(now) : undefined;
    const left = this.ledger ? this.ledger.plan.chunksToSend - this.ledger.done : 0;
    return {
      ...this.result(),
      state: this.state,
      waitingFor: this.#waitingFor(),
      pace: rate ? { callsPerSecond: round(rate.callsPerSecond), concurrency: this.concurrency } : null,
      eta: rate?.chunksPerSecond ? iso(now + (left / rate.chunksPerSecond) * 1000) : null,
    };
  }

  /** What chunks waited for lately. */
  slowedByAt(now: number): 'quota' | 'throttle' | null {
    return this.slowed && now - this.slowed.at < SLOWED_MS ? this.slowed.by : null;
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

  /** Ends the hold. */
  release(): void {
    this.hold = null;
    this.resumed = false;
  }

  carry(ledger: Ledger): CarriedJob {
    const { queue, paused, hold, resumed, rejectionsFrom, emailsSentAgain, concurrency } = this;
    const { searchAttributes, attributesShown } = this;
    const carried = { paused, hold, resumed, rejectionsFrom, emailsSentAgain, concurrency };
    return { ledger: ledger.carry(), queue: queue.carry(), ...carried, searchAttributes, attributesShown };
  }

  /** Goes on where the run before this one stopped. */
  restore({ ledger, queue, ...rest }: CarriedJob): void {
    Object.assign(this, rest);
    this.ledger = new Ledger(ledger);
    this.queue = new ChunkQueue(queue);
    this.phase = 'running';
  }

  #waitingFor(): WaitingFor | null {
    if (this.state === 'paused') {
      const reason = this.paused ? ` (${this.paused})` : '';
      return { kind: 'pause', message: `Paused by a person${reason}. Resume the job to go on.`, until: null };
    }
    if (this.state === 'held' && this.hold) {
      const { kind, message, until } = this.hold;
      return { kind, message, until: until === null ? null : iso(until) };
    }
    if (this.state === 'running' && this.starved) return { kind: 'lease', message: STARVED[this.starved], until: null };
    return null;
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
