import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  isCancellation,
  log,
  setHandler,
  TemporalFailure,
  workflowInfo,
} from '@temporalio/workflow';
import { ValueError } from '@temporalio/common';
import {
  failuresQuery,
  MAX_PAGE,
  outcomesQuery,
  pauseUpdate,
  progressQuery,
  resumeUpdate,
  type JobFailureType,
  type JobResult,
} from '../contract.ts';
import { type Arguments, NOT_JSON, pageOf, received, tooMuch } from './arguments.ts';
import { closeJob, closeReadingJob, isStopped, prepareJob, thrownBy } from './activities.ts';
import { pack, unpack } from './carried.ts';
import { ChunkQueue } from './chunk-queue.ts';
import { dryRun } from './dry-run.ts';
import { Job } from './job.ts';
import { Ledger } from './ledger.ts';
import { countCustomers, countFromZero } from './metrics.ts';
import { saveFailuresOf } from './save-failures.ts';
import { sendChunks } from './send-chunks.ts';
import { show } from './show.ts';

/**
 * One job: reads the source, sends its chunks through the store's queue, keeps every chunk's outcome, writes the report.
 *
 * Fails with an ApplicationFailure of a JobFailureType, whose details are one JobResult. A cancelled job lets what is in
 * flight finish and writes the report before it ends as cancelled.
 */
export async function updateCustomers(...args: Arguments): Promise<JobResult> {
  const { input, carried, instead } = received(args);
  const job = new Job({ storeHash: input?.storeHash, key: workflowInfo().firstExecutionRunId }, input);
  if (carried) job.restore(unpack(carried));
  answerMessages(job);
  show(job);
  try {
    return await run(job, instead);
  } catch (error) {
    if (error instanceof TemporalFailure) job.phase = isCancellation(error) ? 'cancelled' : 'failed';
    throw error;
  } finally {
    show(job);
  }
}

async function run(job: Job, instead: string | undefined): Promise<JobResult> {
  let cancelled: unknown;
  try {
    const ledger = job.ledger ?? (await prepare(job, instead));
    countFromZero(job.ref.storeHash);
    if (job.options.dryRun) await tryOut(job, ledger);
    else if ((await sendChunks(job, ledger)) === 'renew') await renew(job, ledger);
  } catch (error) {
    if (!isStopped(error, CancellationScope.current())) throw error;
    cancelled = isCancellation(error) ? error : new CancelledFailure('The job was cancelled.');
  }
  await close(job);
  if (cancelled) throw cancelled;
  throwIfCancelled();
  job.phase = 'completed';
  return job.result();
}

/** Characters of a reason that are kept. */
const MAX_REASON = 500;

function answerMessages(job: Job): void {
  setHandler(progressQuery, () => job.progress(Date.now()), {
    description: 'Counts, state, what the job waits for, pace and expected end. No argument.',
  });
  setHandler(outcomesQuery, (page) => ledgerOf(job).outcomes(pageOf(page, { from: 0, count: MAX_PAGE.outcomes })), {
    description: 'What became of each chunk. Argument, may be left out: {"from": 0, "count": 1000}',
  });
  setHandler(
    failuresQuery,
    (page) => ledgerOf(job).failuresPage(pageOf(page, { after: 0, limit: MAX_PAGE.failures })),
    {
      description: 'The rows that were not updated, and why. Argument, may be left out: {"after": 0, "limit": 500}',
    },
  );
  const validator = (_argument?: object) => {
    if (job.options.dryRun) throw new Error('The job is a dry run, which sends nothing. To end it, cancel it.');
    if (job.phase === 'preparing' || (job.phase === 'running' && !job.cancelling)) return;
    throw new Error(`The job can be paused and resumed while it runs; it is ${job.state}.`);
  };
  const pause = (argument?: { reason?: string }) => {
    // Whatever it is, it becomes part of every answer.
    const reason: unknown = argument?.reason;
    job.pause(typeof reason === 'string' ? reason.slice(0, MAX_REASON) : '');
    return job.progress(Date.now());
  };
  const resume = () => {
    job.resume();
    return job.progress(Date.now());
  };
  setHandler(pauseUpdate, pause, {
    validator,
    description: 'Sends nothing more until the job is resumed. Argument, may be left out: {"reason": "why"}',
  });
  setHandler(resumeUpdate, resume, {
    validator,
    description: 'Goes on after a pause or a hold, and asks the store again at once. No argument.',
  });
}

async function prepare(job: Job, instead: string | undefined): Promise<Ledger> {
  const why = tooMuch(job.input);
  if (why !== undefined) throw failWith(job, 'BadInput', why);
  const prepared = await prepareJob
    .executeWithOptions({ summary: 'read and check the source' }, [
      { job: job.ref, input: job.input, ...(instead && { instead }), ...(job.readsPresent && { mayRead: true }) },
    ])
    .catch(async (error: unknown) => {
      // Its task would fail again and again.
      if (error instanceof ValueError) throw failWith(job, 'BadInput', NOT_JSON);
      const failure = thrownBy(error);
      if (!failure || !isJobFailure(failure.type)) throw error;
      // The starter's copy of a source that can't be read is of no more use.
      if (failure.type === 'BadSource') await close(job);
      throw failWith(job, failure.type, failure.message);
    });
  const { searchAttributes = false, ...found } = prepared;
  const ledger = Ledger.of(found);
  job.ledger = ledger;
  job.phase = 'running';
  job.searchAttributes = searchAttributes;
  const { total, invalid, chunksToSend } = prepared;
  log.info('job started', { store: job.ref.storeHash, total, invalid, chunks: chunksToSend });
  countCustomers(job.ref.storeHash, { invalid });
  if (prepared.invalid > 0 && job.options.onInvalid === 'fail') {
    await close(job);
    const first = ledger.failuresPage({ limit: 5 }).failures.map(({ row, message }) => `row ${row}: ${message}`);
    const message =
      `Expected only valid rows (onInvalid "fail"), got ${prepared.invalid} invalid of ${prepared.total}: ` +
      `${first.join(' ')} No call was made. Correct the source, see ${job.files.report}, or let invalid rows be skipped.`;
    throw failWith(job, 'InvalidRows', message);
  }
  job.queue = ChunkQueue.of(prepared.chunksToSend);
  return ledger;
}

async function tryOut(job: Job, ledger: Ledger): Promise<void> {
  const refused = await dryRun(job, ledger);
  if (refused === undefined) return;
  await close(job);
  throw failWith(job, 'BadInput', refused);
}

/** Continues as new. Nothing may be in flight. An inline source is dropped: its customers are in the job store by now. */
async function renew(job: Job, ledger: Ledger): Promise<never> {
  await saveFailuresOf(job, ledger);
  await condition(allHandlersFinished);
  // A cancel that came while the run drained would be lost with it.
  throwIfCancelled();
  const { source, ...rest } = job.input;
  const input = { ...rest, source: 'customers' in source ? { customers: [] } : source };
  return continueAsNew<typeof updateCustomers>(input, pack(job.carry(ledger)));
}

/** Writes the report. Whatever is still pending then is unprocessed. A cancel does not interrupt it. */
async function close(job: Job): Promise<void> {
  await CancellationScope.nonCancellable(async () => {
    job.phase = 'closing';
    show(job);
    const ledger = ledgerOf(job);
    ledger.end();
    await saveFailuresOf(job, ledger);
    const { plan, outcomes, failures, olderIn } = ledger.carry();
    const maybeSent = job.queue.attempted();
    const ended = { job: job.ref, input: job.input, plan, outcomes, failures, olderIn, maybeSent };
    const activity = job.readsPresent ? closeReadingJob : closeJob;
    job.files = await activity.executeWithOptions({ summary: 'write the report' }, [ended]).catch((error: unknown) => {
      // Cancelled before its input was looked at, which was none: there is nothing to report, and nowhere to.
      if (thrownBy(error)?.type === 'BadInput') return job.files;
      throw error;
    });
    if (job.ledger) tellEnd(job.ref.storeHash, job.result());
    await condition(allHandlersFinished);
  });
}

function tellEnd(store: string, { customers, chunks, calls, throttled, report }: JobResult): void {
  log.info('job closed', { store, ...customers, chunks: chunks.done, calls, throttled, report });
  countCustomers(store, { unprocessed: customers.unprocessed });
}

function throwIfCancelled(): void {
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('The job was cancelled.');
}

function isJobFailure(type: string): type is JobFailureType {
  return ['BadInput', 'BadSource', 'InvalidRows', 'NothingToRetry'].includes(type);
}

function failWith(job: Job, type: JobFailureType, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true, details: [job.result()] });
}

/** Its ledger; that of no rows before its source was read. */
function ledgerOf({ ledger }: Job): Ledger {
  if (ledger) return ledger;
  const none = { total: 0, invalid: 0, valid: 0, chunks: 0, chunksToSend: 0, lastSentSize: 0, lastSize: 0, gaps: '' };
  return Ledger.of({ ...none, failures: [], olderIn: null });
}
