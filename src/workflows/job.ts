/** A job: what it knows, how events change that, and what it does next. Pure: times are given, in ms since 1970. */
import { CHUNKS_PER_PAGE, type JobRef, looksUp, type NameKind } from '../contract/activities.ts';
import {
  FAILURES_IN_STATE,
  type JobInput,
  type JobOptions,
  type JobResult,
  type JobState,
  MAX_REJECTED_PERCENT,
} from '../contract/job.ts';
import { areMissing, type CarriedJob } from './arguments.ts';
import { type Hold, NONE_REJECTED, tooManyRejected } from './hold.ts';
import { NO_ROUNDS, nextRound } from './email-rounds.ts';
import { enter, giveUp } from './enter.ts';
import { NOTHING_FOUND } from './found.ts';
import { Holding } from './holding.ts';
import { Ledger } from './ledger.ts';
import { Rate } from './rate.ts';
import type { End, InFlight, Outcome, Phase, Sent, Starved, Step, Unanswered, Witness } from './steps.ts';
import { witnessOf } from './steps.ts';
import { Work } from './work.ts';

type Files = Pick<JobResult, 'report' | 'retry' | 'fix' | 'changes' | 'backup' | 'notInBackup'>;

export class Job {
  readonly #ref: JobRef;
  readonly input: JobInput;
  phase: Phase = 'preparing';
  /** Its source was read; before that there are no rows. */
  isPrepared = false;
  /** Without these names of the store's the source can't be read; null as far as is known. */
  names: CarriedJob['names'] = null;
  /** Why its source is not there, while it waits to look again. */
  missing: { message: string; until: number } | null = null;
  /** Where prepareJob has written. */
  where: Pick<JobRef, 'set' | 'jobStore'> = {};
  ledger = Ledger.empty();
  work = new Work();
  /** Why a person paused the job; null while it isn't paused. */
  paused: string | null = null;
  #holding = new Holding();
  /** A person has resumed the job, which has not acted on that yet. */
  resumed = false;
  cancelling = false;
  /** When the store's queue last gave an answer, or was given something after it had nothing. */
  heardAt = 0;
  starved: Starved | null = null;
  rejectionsFrom = NONE_REJECTED;
  emailRounds = NO_ROUNDS;
  /** Calls in flight that the store's pace allowed when a chunk last ended; 0 before. */
  concurrency = 0;
  readonly rate = new Rate();
  /** What the latest item that waited for more than a few seconds waited for. */
  slowed: { by: 'quota' | 'throttle'; at: number } | null = null;
  /** Whether the namespace has them. */
  searchAttributes = false;
  /** What a person should know of how the source was read and sent. */
  notes: string[] = [];
  /** The store takes no more than ten attribute values a call. */
  tensOfValues = false;
  /** State and tenth that the search attributes show. */
  attributesShown = '';
  files: Files = { report: null, retry: null, fix: null, changes: null };
  /** What a dry run has found so far. */
  found = NOTHING_FOUND;
  /** From the end of a dry run's check on. */
  wouldSend: JobResult['wouldSend'];
  /** Something has changed, so that the next step may be another one. */
  woken = false;
  /** What the job can't do without, and can't get, as the worker itself is at fault. */
  #defect: string | undefined;
  #open = false;
  /** The store was opened for this probe, which is sent next. */
  #probe: Sent['probe'];

  constructor(ref: JobRef, input: JobInput) {
    this.#ref = ref;
    this.input = input;
  }

  get ref(): JobRef {
    return { ...this.#ref, ...(this.names?.known && { named: this.names.kinds }), ...this.where };
  }

  /** As given: the input may be anything until prepareJob has checked it. */
  get options(): JobOptions {
    return (this.input as JobInput | undefined)?.options ?? {};
  }

  get looksUp(): boolean {
    return looksUp(this.options, this.ledger.plan);
  }

  get hold(): Hold | null {
    return this.#holding.current;
  }

  get state(): JobState {
    if (this.phase !== 'running' && !(this.phase === 'preparing' && areMissing(this.names))) return this.phase;
    if (this.cancelling) return 'cancelling';
    if (this.paused !== null) return 'paused';
    return this.hold ? 'held' : this.phase;
  }

  /** The store's names are known. */
  named(): void {
    if (this.names) this.names.known = true;
    // Once a long source is read, nobody may be serving its queue any more.
    this.#open = false;
  }

  /** Its source was read. Nothing waits yet. */
  prepared(ledger: Ledger): void {
    this.isPrepared = true;
    // What asking for names has spent.
    ledger.called(this.ledger);
    this.ledger = ledger;
    this.phase = 'running';
  }

  /** All rows are to be sent, or, in a dry run, looked up. */
  begin(): void {
    const { chunksToSend } = this.ledger.plan;
    if (this.looksUp) this.work.toRead.addRange({ from: 0, to: Math.ceil(chunksToSend / CHUNKS_PER_PAGE) });
    else if (!this.options.dryRun) this.work.toSend.addRange({ from: 0, to: chunksToSend });
  }

  /** Its source can't be read before the store was asked for names. */
  needNames(kinds: readonly NameKind[]): void {
    this.names = { kinds: [...new Set([...(this.names?.kinds ?? []), ...kinds])], known: false };
    this.work.toRead.add([{ names: true }]);
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

  /** What to do next with these activities in flight. The step counts as done: what is to be sent is sent. */
  next(now: number, inFlight: InFlight): Step {
    const isIdle = inFlight.write + inFlight.read === 0;
    if (this.#defect !== undefined) return { do: 'fail', why: this.#defect };
    if (this.ledger.failures.surplus >= FAILURES_IN_STATE) return { do: 'save' };
    if (this.isPrepared && this.work.isEmpty && isIdle) this.#nextEmailRound();
    if (this.work.isEmpty && isIdle) return { do: 'end' };
    // A dry run reports a refused token instead of waiting for another one.
    if (this.options.dryRun && this.hold?.kind === 'refused') return { do: 'end' };
    if (this.paused !== null) {
      this.#open = false;
      this.#probe = undefined;
    }
    if (this.paused !== null || this.work.isEmpty) return { do: 'wait' };
    if (this.hold?.kind === 'rejections' && this.resumed) this.#waiveRejections();
    if (this.hold) return this.#askAgain(this.hold, now, isIdle);
    if (!this.#open) {
      this.#open = true;
      return { do: 'open', why: 'the job needs the store' };
    }
    this.work.lookUpOld(now);
    const item = this.work.next(inFlight, this.ledger.done > 0);
    return item ? this.#send(item, undefined, now, isIdle) : { do: 'wait' };
  }

  /** Enters how an activity ended that was given an item. */
  ended(sent: Sent, end: End, now: number): void {
    const { item, probe } = sent;
    const witness = witnessOf(item);
    this.heardAt = now;
    if (end.outcome) this.ledger.called(end.outcome);
    switch (end.how) {
      case 'settled':
        return this.#settled(sent, end.outcome, now);
      case 'unanswered':
        return this.#unanswered(sent, end, now);
      case 'refused':
      case 'stopped':
        this.work.putBack(item, end.outcome);
    }
    if (end.how === 'refused' && (probe || this.#holding.of(witness)?.kind !== 'refused')) {
      this.#holding.begin(witness, 'refused', end.message, now);
    }
  }

  /** Nothing may be in flight; a job that knows its names must be prepared. */
  carry(): CarriedJob {
    const { ledger, work, paused, resumed, rejectionsFrom, emailRounds, concurrency } = this;
    const { searchAttributes, notes, tensOfValues, attributesShown, names, where, found } = this;
    return {
      ...{ ledger: ledger.carry(), work: work.carry(), holds: this.#holding.carry() },
      ...{ paused, resumed, rejectionsFrom, emailRounds, concurrency, found },
      ...{ searchAttributes, notes, tensOfValues, attributesShown, names, where },
    };
  }

  /** Continues where the previous run stopped. */
  restore({ ledger, work, holds, ...rest }: CarriedJob): void {
    Object.assign(this, rest);
    this.work = new Work(work);
    this.#holding = new Holding(holds);
    if (!areMissing(this.names)) this.prepared(new Ledger(ledger));
  }

  #done(witness: Witness): number {
    return witness === 'write' ? this.ledger.done : this.work.lookedUp;
  }

  /** Opens the store and sends one item as a probe, when that is due and nothing is in flight. */
  #askAgain({ until }: Hold, now: number, isIdle: boolean): Step {
    if (!isIdle) return { do: 'wait' };
    if (this.#probe) return this.#send(this.work.probe(this.#holding.witness), this.#probe, now, isIdle);
    if (!this.resumed && (until === null || until > now)) {
      return until === null ? { do: 'wait' } : { do: 'wait', ms: until - now };
    }
    this.#probe = this.resumed ? 'resume' : 'check';
    this.resumed = false;
    return { do: 'open', why: 'asks the store again' };
  }

  #send(item: Sent['item'], probe: Sent['probe'], now: number, isIdle: boolean): Step {
    this.#probe = undefined;
    if (isIdle) this.heardAt = now;
    return { do: 'send', sent: { item, probe, doneBefore: this.#done(witnessOf(item)) } };
  }

  /** Enters an outcome, unless it leaves out customers: a page that can't be read names none of them. */
  #settled(sent: Sent, outcome: Outcome, now: number): void {
    const { item, probe } = sent;
    if ('chunk' in item && 'stale' in outcome) {
      this.work.lookUpAgain(item.chunk, item.chunk + 1);
      // Nothing was sent, so that nothing is known.
      this.#probe = probe;
      return;
    }
    const witness = witnessOf(item);
    if (!enter(this, item, outcome, now)) {
      return this.#unanswered(sent, { outcome, message: 'Customers are missing in the job store.' }, now);
    }
    this.#holding.answered(witness);
    this.starved = null;
    this.concurrency = outcome.concurrency;
    if (outcome.waitedFor) this.slowed = { by: outcome.waitedFor, at: now };
    // Only a probe ends a refusal: others may have been sent before it began.
    if (probe || this.#holding.of(witness)?.kind === 'outage') this.#endHold(witness);
    // It was looked up to be sent: that shows whether the hold may end.
    if (probe && this.hold && this.hold.kind !== 'rejections') this.#probe = probe;
    const maxPercent = this.options.maxRejectedPercent ?? MAX_REJECTED_PERCENT;
    const message = tooManyRejected(this.ledger.shares, this.rejectionsFrom, maxPercent);
    if (message && !this.hold) this.#holding.begin('write', 'rejections', message, now);
  }

  #unanswered({ item, probe, doneBefore }: Sent, { outcome, message, isDefect }: Unanswered, now: number): void {
    const witness = witnessOf(item);
    const { attempts, unanswered: tries } = outcome;
    const unsettled = { tries, attempts, doneBefore, done: this.#done(witness), ...(isDefect && { isDefect }) };
    const putBack = (mustBe: boolean) => this.work.unanswered(item, outcome, unsettled, mustBe);
    // A page that the store does not answer for has asked for each customer alone already: that is no fault of the page.
    const mayBeGivenUp = 'chunk' in item || isDefect;
    if (!putBack(!mayBeGivenUp) && !giveUp(this, item, outcome, now)) {
      putBack(true);
      if (isDefect) this.#defect = message;
    }
    const isOutage = this.#holding.unanswered(witness);
    if (probe || isOutage) this.#holding.begin(witness, 'outage', message, now);
  }

  #endHold(witness: Witness): void {
    this.#holding.end(witness);
    this.resumed = false;
  }

  #waiveRejections(): void {
    this.rejectionsFrom = { ...this.ledger.shares, waived: true };
    // After a long hold nobody serves its queue any more.
    this.#open = false;
    this.#endHold('write');
  }

  #nextEmailRound(): void {
    const taken = [...this.ledger.failures.emailsTaken()].map(([chunk, only]) => ({ chunk, only }));
    const rounds = nextRound(this.emailRounds, taken);
    if (!rounds) return;
    this.emailRounds = rounds;
    this.work.toSend.add(taken);
  }

  /** The job sends no more. */
  end(): void {
    this.ledger.end(this.work.toSend.itemsMaybeSent());
  }
}
