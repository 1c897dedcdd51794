import {
  CancellationScope,
  condition,
  isCancellation,
  log,
  setCurrentDetails,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { FAILURES_IN_STATE, type ChunkOutcome, type ChunkRef } from '../contract.ts';
import { openStore, storeActivities, thrownBy } from './activities.ts';
import type { Item } from './chunk-queue.ts';
import { details } from './details.ts';
import { hold, OUTAGE_AFTER, tooManyRejected } from './hold.ts';
import type { Job } from './job.ts';
import type { Ledger } from './ledger.ts';
import { saveFailuresOf } from './save-failures.ts';

/**
 * Chunks scheduled at once. Above the 3 slots of the store, so that the next chunk is there when a slot falls free and
 * not a workflow task later; more gains nothing.
 */
const LOOK_AHEAD = 8;

/** A chunk that waits for long must not hold up continue-as-new: it is put back after this. */
const DRAIN_MS = 5_000;

/** No chunk settled for this long: the store's queue may have lost its worker, so it is opened again. */
const STARVED_MS = 30_000;

/** How old the current details may become while chunks are settled. */
const DETAILS_MS = 2_000;

/**
 * Sends what is in the job's queue. Ends as "done" when all is settled, as "renew" when the server suggests to continue
 * as new; nothing is in flight then. Throws CancelledFailure when the job is cancelled, after what was in flight ended.
 */
export async function sendChunks(job: Job, ledger: Ledger): Promise<'done' | 'renew'> {
  const { updateChunk } = storeActivities(job.ref.storeHash);
  const inFlight = new Set<Promise<void>>();
  const calls = new CancellationScope();
  let unansweredInRow = 0;
  let detailsAt = 0;
  let opened = false;

  async function send(item: Item, probe: ChunkRef['probe']): Promise<void> {
    const { first, last } = ledger.rowsOf(item.chunk);
    const ref: ChunkRef = { job: job.ref, ...item, ...(probe && { probe }) };
    const summary = `chunk ${item.chunk} · rows ${first}–${last}${item.only ? ` · ${item.only.length} again` : ''}`;
    try {
      settle(item, probe, await calls.run(() => updateChunk.executeWithOptions({ summary }, [ref])));
    } catch (error) {
      const failure = thrownBy(error);
      const outcome = failure?.outcome;
      if (outcome) ledger.called(outcome);
      if (isCancellation(error)) {
        job.queue.putBack(item, outcome?.attempts ?? 0);
      } else if (failure?.type === 'Refused') {
        job.queue.putBack(item, outcome?.attempts ?? 0);
        if (probe || job.hold?.kind !== 'refused') job.hold = hold(job.hold, 'refused', failure.message, Date.now());
      } else if (outcome) {
        unanswered(item, probe, outcome, failure?.message ?? 'No answer.');
      } else {
        throw error;
      }
    }
  }

  function settle(item: Item, probe: ChunkRef['probe'], outcome: ChunkOutcome): void {
    ledger.called(outcome);
    if (!enter(item, outcome))
      return unanswered(item, probe, outcome, 'The chunk has lost customers in the job store.');
    unansweredInRow = 0;
    job.starved = false;
    job.concurrency = outcome.concurrency;
    job.rate.settled(Date.now(), outcome.calls);
    // A refusal ends only with the chunk that asks: others may have been sent before it began.
    if (probe || job.hold?.kind === 'outage') job.release();
    const message = tooManyRejected(ledger.counts, job.rejectionsFrom, job.options.maxRejectedPercent ?? 20);
    if (message && !job.hold) job.hold = hold(null, 'rejections', message, Date.now());
  }

  /** Enters an outcome, unless it does not tell of everyone in the chunk: a page that can't be read tells of nobody. */
  function enter(item: Item, outcome: ChunkOutcome): boolean {
    const told = outcome.updated + outcome.failures.length;
    if (told !== (item.only?.length ?? ledger.sizeOf(item.chunk))) return false;
    const attempts = job.queue.attemptsBefore(item.chunk) + outcome.attempts;
    if (item.only) ledger.amend(item.chunk, item.only, outcome);
    else ledger.settle(item.chunk, outcome, attempts);
    job.queue.settled(item.chunk);
    return true;
  }

  function unanswered(item: Item, probe: ChunkRef['probe'], outcome: ChunkOutcome, message: string): void {
    unansweredInRow++;
    const again = job.queue.unanswered(item, outcome.attempts, ledger.done);
    if (!again && !enter(item, outcome)) job.queue.putBack(item, outcome.attempts);
    if (probe) job.hold = hold(job.hold, 'outage', message, Date.now());
    else if (unansweredInRow >= OUTAGE_AFTER && !job.hold) job.hold = hold(null, 'outage', message, Date.now());
  }

  function launch(item: Item, probe?: ChunkRef['probe']): void {
    const sending = send(item, probe).finally(() => {
      inFlight.delete(sending);
      job.woken = true;
    });
    inFlight.add(sending);
  }

  async function launchAll(): Promise<void> {
    if (job.paused !== null) opened = false;
    if (job.paused !== null || job.queue.empty) return;
    if (job.hold?.kind === 'rejections' && job.resumed) waiveRejections();
    if (job.hold) {
      const due = job.resumed || (job.hold.until !== null && job.hold.until <= Date.now());
      const item = due && inFlight.size === 0 ? job.queue.take() : undefined;
      if (!item) return;
      const probe = job.resumed ? 'resume' : 'check';
      job.resumed = false;
      await open(job, 'asks the store again');
      launch(item, probe);
      return;
    }
    if (!opened) {
      opened = true;
      await open(job, 'the job needs the store');
      if (job.paused !== null) return;
    }
    // The first chunk goes alone: a wrong token or a wrong mapping costs one call.
    const window = ledger.done > 0 ? LOOK_AHEAD : 1;
    while (inFlight.size < window) {
      const item = job.queue.take();
      if (!item) return;
      launch(item);
    }
  }

  function waiveRejections(): void {
    const { updated, rejected, failed } = ledger.counts;
    job.rejectionsFrom = { tried: updated + rejected + failed, rejected, waived: true };
    job.release();
  }

  /** E-mail addresses that moved between two customers have no order among 3 slots: those rejected are sent once more. */
  function sendEmailsAgain(): void {
    job.emailsSentAgain = true;
    job.queue.add([...ledger.emailsTaken()].map(([chunk, only]) => ({ chunk, only })));
  }

  function showDetails(): void {
    if (inFlight.size > 0 && Date.now() - detailsAt < DETAILS_MS) return;
    detailsAt = Date.now();
    setCurrentDetails(details(job.progress(detailsAt)));
  }

  async function reopenWhenStarved(): Promise<void> {
    for (;;) {
      await condition(() => inFlight.size > 0);
      const { calls: before } = ledger;
      await sleep(STARVED_MS, { summary: 'is the store served?' });
      if (inFlight.size === 0 || ledger.calls > before) continue;
      job.starved = true;
      await open(job, 'no chunk settled for 30 s');
    }
  }

  async function drain(): Promise<void> {
    if (!(await condition(() => inFlight.size === 0, DRAIN_MS))) calls.cancel();
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

  const watch = new CancellationScope();
  const watching = watch.run(reopenWhenStarved).catch((error: unknown) => {
    if (!isCancellation(error)) throw error;
  });
  try {
    return await loop();
  } catch (error) {
    if (!isCancellation(error)) throw error;
    job.cancelling = true;
    log.info('Cancelled: waiting for the chunks in flight', { inFlight: inFlight.size });
    await CancellationScope.nonCancellable(() => condition(() => inFlight.size === 0));
    throw error;
  } finally {
    watch.cancel();
    await CancellationScope.nonCancellable(() => watching);
  }
}

/** Says that the job needs its store's queue served. */
export async function open(job: Job, why: string): Promise<void> {
  await openStore.executeWithOptions({ summary: why }, [{ storeHash: job.ref.storeHash }]);
}
