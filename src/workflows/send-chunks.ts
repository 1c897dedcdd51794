import { CancellationScope, condition, log, patched, workflowInfo } from '@temporalio/workflow';
import type { ChunkOutcome, ChunkRef } from '../activity-contract.ts';
import { FAILURES_IN_STATE } from '../contract.ts';
import { isOutcome, isStopped, storeActivities, thrownBy } from './activities.ts';
import type { Item } from './chunk-queue.ts';
import { hold, OUTAGE_AFTER, tooManyRejected, type HoldKind } from './hold.ts';
import type { Job } from './job.ts';
import type { Ledger } from './ledger.ts';
import { countCustomers, countHold } from './metrics.ts';
import { open, whileOpen } from './open-store.ts';
import { saveFailuresOf } from './save-failures.ts';
import { show } from './show.ts';

/**
 * Chunks scheduled at once. Above the 3 slots of the store, so that the next chunk is there when a slot falls free and
 * not a workflow task later; more gains nothing.
 */
const LOOK_AHEAD = 8;

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
export async function sendChunks(job: Job, ledger: Ledger): Promise<'done' | 'renew'> {
  const { updateChunk, readAndUpdateChunk } = storeActivities(job.ref.storeHash);
  const { skipUnchanged = false } = job.options;
  const inFlight = new Set<Promise<void>>();
  const root = CancellationScope.current();
  const calls = new CancellationScope();
  let unansweredInRow = 0;
  let detailsAt = 0;
  let opened = false;

  async function send(sent: Sent): Promise<void> {
    const { item, probe } = sent;
    const { first, last } = ledger.rowsOf(item.chunk);
    const ref: ChunkRef = { job: job.ref, ...item, ...(probe && { probe }) };
    const summary = `chunk ${item.chunk} · rows ${first}–${last}${item.only ? ` · ${item.only.length} again` : ''}`;
    const update = () => {
      if (!job.readsPresent) return updateChunk.executeWithOptions({ summary }, [ref]);
      const reading = { ...ref, chunks: ledger.plan.chunksToSend, skipUnchanged };
      return readAndUpdateChunk.executeWithOptions({ summary }, [reading]);
    };
    try {
      settle(sent, await calls.run(update));
    } catch (error) {
      const failure = thrownBy(error);
      if (!failure) throw error;
      const { type, message, outcome } = failure;
      if (outcome) ledger.called(outcome);
      if (type === 'Unavailable' && outcome) return unanswered(sent, outcome, message);
      // Whatever else: it was told to stop, or its worker died after it was, or a person ended it.
      job.queue.putBack(item, outcome?.attempts ?? 0);
      if (type === 'Refused' && (probe || job.hold?.kind !== 'refused')) holdFor('refused', message);
    } finally {
      job.heardAt = Date.now();
    }
  }

  function settle(sent: Sent, outcome: ChunkOutcome): void {
    if (!isOutcome(outcome)) return job.queue.putBack(sent.item, 0);
    ledger.called(outcome);
    // Stopped in the middle, and by our own draining: the next run sends it.
    const drained = calls.consideredCancelled && !root.consideredCancelled;
    if (drained && outcome.failures.some(({ code }) => code === 'cancelled')) {
      return job.queue.putBack(sent.item, outcome.attempts);
    }
    if (!enter(sent.item, outcome)) return unanswered(sent, outcome, 'The chunk has lost customers in the job store.');
    unansweredInRow = 0;
    job.starved = null;
    job.concurrency = outcome.concurrency;
    if (outcome.waitedFor) job.slowed = { by: outcome.waitedFor, at: Date.now() };
    job.rate.settled(Date.now(), outcome.calls);
    // A refusal ends only with the chunk that asks: others may have been sent before it began.
    if (sent.probe || job.hold?.kind === 'outage') goOn();
    const message = tooManyRejected(ledger, job.rejectionsFrom, job.options.maxRejectedPercent ?? 20);
    if (message && !job.hold) holdFor('rejections', message);
  }

  /** Enters an outcome, unless it does not tell of everyone in the chunk: a page that can't be read tells of nobody. */
  function enter(item: Item, outcome: ChunkOutcome): boolean {
    const told = outcome.updated + outcome.failures.length;
    if (told !== (item.only?.length ?? ledger.sizeOf(item.chunk))) return false;
    const attempts = job.queue.attemptsBefore(item.chunk) + outcome.attempts;
    const before = ledger.counts;
    if (item.only) ledger.amend(item.chunk, item.only, outcome);
    else ledger.settle(item.chunk, outcome, attempts);
    job.queue.settled(item.chunk);
    const { updated, rejected, failed } = ledger.counts;
    countCustomers(job.ref.storeHash, {
      updated: updated - before.updated,
      rejected: rejected - before.rejected,
      failed: failed - before.failed,
    });
    return true;
  }

  function unanswered({ item, probe, doneBefore }: Sent, outcome: ChunkOutcome, message: string): void {
    unansweredInRow++;
    const { attempts, unanswered: tries = attempts } = outcome;
    const unsettled = { tries, attempts, doneBefore, done: ledger.done };
    const again = job.queue.unanswered(item, unsettled, false);
    if (!again && !enter(item, outcome)) job.queue.unanswered(item, unsettled, true);
    if (probe || (unansweredInRow >= OUTAGE_AFTER && !job.hold)) holdFor('outage', message);
  }

  /** Begins to hold, or goes on holding after a try that failed. */
  function holdFor(kind: HoldKind, message: string): void {
    job.hold = hold(job.hold, kind, message, Date.now());
    const { probes, until } = job.hold;
    const goesOn = until === null ? 'on resume' : new Date(until).toISOString();
    log.warn('job holds', { store: job.ref.storeHash, kind, why: message, asked: probes, until: goesOn });
    countHold(job.ref.storeHash, kind);
  }

  /** Ends the hold. */
  function goOn(): void {
    if (job.hold) log.info('job goes on after a hold', { store: job.ref.storeHash, kind: job.hold.kind });
    job.release();
  }

  function launch(item: Item, probe?: ChunkRef['probe']): void {
    if (inFlight.size === 0) job.heardAt = Date.now();
    const sending = send({ item, probe, doneBefore: ledger.done }).finally(() => {
      inFlight.delete(sending);
      job.woken = true;
    });
    inFlight.add(sending);
  }

  /** Nothing once the job is cancelled, which ends neither opening the store nor saving failures. */
  function take(): Item | undefined {
    return calls.consideredCancelled ? undefined : job.queue.take();
  }

  async function launchAll(): Promise<void> {
    if (job.paused !== null) opened = false;
    if (job.paused !== null || job.queue.empty) return;
    if (job.hold?.kind === 'rejections' && job.resumed) waiveRejections();
    if (job.hold) {
      const due = job.resumed || (job.hold.until !== null && job.hold.until <= Date.now());
      if (!due || inFlight.size > 0) return;
      const probe = job.resumed ? 'resume' : 'check';
      job.resumed = false;
      await open(job, 'asks the store again');
      if (job.paused !== null && patched(HEEDS)) return;
      const item = take();
      if (item) launch(item, probe);
      return;
    }
    if (!opened) {
      opened = true;
      await open(job, 'the job needs the store');
      if (job.paused !== null || (job.hold && patched(HEEDS))) return;
    }
    // The first chunk goes alone: a wrong token or a wrong mapping costs one call.
    const window = ledger.done > 0 ? LOOK_AHEAD : 1;
    while (inFlight.size < window) {
      const item = take();
      if (!item) return;
      launch(item);
    }
  }

  function waiveRejections(): void {
    const { tried, rejected } = ledger;
    job.rejectionsFrom = { tried, rejected, waived: true };
    // Held for long, its queue is not served any more.
    if (patched(HEEDS)) opened = false;
    goOn();
  }

  /** E-mail addresses that moved between two customers have no order among 3 slots: those rejected are sent once more. */
  function sendEmailsAgain(): void {
    job.emailsSentAgain = true;
    job.queue.add([...ledger.emailsTaken()].map(([chunk, only]) => ({ chunk, only })));
  }

  function showDetails(): void {
    if (inFlight.size > 0 && Date.now() - detailsAt < DETAILS_MS) return;
    detailsAt = Date.now();
    show(job);
  }

  async function drain(): Promise<void> {
    if (!(await condition(() => inFlight.size === 0, DRAIN_MS, { summary: 'continues as new soon' }))) calls.cancel();
    await condition(() => inFlight.size === 0);
  }

  async function loop(): Promise<'done' | 'renew'> {
    for (;;) {
      job.woken = false;
      if (workflowInfo().continueAsNewSuggested) {
        await drain();
        return 'renew';
      }
      if (ledger.surplus >= FAILURES_IN_STATE) await saveFailuresOf(job, ledger);
      if (job.queue.empty && inFlight.size === 0 && !job.emailsSentAgain) sendEmailsAgain();
      await launchAll();
      showDetails();
      if (job.queue.empty && inFlight.size === 0) return 'done';
      const until = job.hold?.until;
      const holdsFor = job.paused === null && inFlight.size === 0 && until ? until - Date.now() : undefined;
      if (holdsFor === undefined) await condition(() => job.woken);
      else
        await condition(() => job.woken, Math.max(1, holdsFor), { summary: `asks the store again: ${job.hold?.kind}` });
    }
  }

  try {
    return await whileOpen(job, () => inFlight.size > 0, loop);
  } catch (error) {
    if (!isStopped(error, root)) throw error;
    job.cancelling = true;
    log.info('job cancelled: waits for the chunks in flight', { store: job.ref.storeHash, inFlight: inFlight.size });
    await CancellationScope.nonCancellable(() => condition(() => inFlight.size === 0));
    throw error;
  }
}

/** An item that was sent. */
interface Sent {
  item: Item;
  probe: ChunkRef['probe'];
  /** Chunks that were settled then. */
  doneBefore: number;
}
