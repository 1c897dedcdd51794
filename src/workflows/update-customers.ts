import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  isCancellation,
  log,
  TemporalFailure,
  workflowInfo,
} from '@temporalio/workflow';
import { ValueError } from '@temporalio/common';
import { BEGAN_WITH_0, type ClosedJob, FORMAT, MISSING_SOURCE } from '../contract/activities.ts';
import type { JobFailureType, JobResult } from '../contract/job.ts';
import { areMissing, type Arguments, NOT_JSON, pack, received, tooMuch, unpack } from './arguments.ts';
import { closeJob, defectOf, isStopped, prepareJob, saveFailuresOf, thrownBy } from './activities.ts';
import { checkStore, wouldSend } from './dry-run.ts';
import { Job } from './job.ts';
import { Ledger } from './ledger.ts';
import { answerMessages } from './messages.ts';
import { countCustomers, countFromZero, countScheduledRun } from './metrics.ts';
import { resultOf } from './progress.ts';
import { scheduleId, waitForSource } from './schedule.ts';
import { sendChunks } from './send-chunks.ts';
import { show } from './show.ts';

/**
 * One job: reads the source, sends its chunks through the store's queue, keeps every chunk's outcome, writes the
 * report.
 *
 * Fails with an ApplicationFailure of a JobFailureType whose details are one JobResult. A cancelled job waits for the
 * chunks in flight and writes the report before it ends as cancelled.
 */
export async function updateCustomers(...args: Arguments): Promise<JobResult> {
  const { input, carried, instead } = received(args);
  const job = new Job({ storeHash: input?.storeHash, key: workflowInfo().firstExecutionRunId }, input);
  if (carried) job.restore(unpack(carried));
  const schedule = scheduleId();
  answerMessages(job);
  show(job);
  if (schedule) countScheduledRun(schedule);
  try {
    return await run(job, instead);
  } catch (thrown) {
    const defect = defectOf(thrown);
    const error = defect === undefined ? thrown : failWith(job, 'Defect', `${defect} ${DEFECT_CURE}`);
    if (error instanceof TemporalFailure) job.phase = isCancellation(error) ? 'cancelled' : 'failed';
    throw error;
  } finally {
    show(job);
    if (schedule) countScheduledRun(schedule, job.phase);
  }
}

async function run(job: Job, instead: string | undefined): Promise<JobResult> {
  let cancelled: unknown;
  try {
    for (let look = 1; !job.isPrepared; look++) {
      if (areMissing(job.names)) await work(job);
      else await prepare(job, instead, look);
    }
    countFromZero(job.ref.storeHash);
    if (job.options.dryRun) await runDryRun(job);
    else await work(job);
  } catch (error) {
    if (defectOf(error) !== undefined && job.isPrepared) await close(job);
    if (!isStopped(error, CancellationScope.current())) throw error;
    cancelled = isCancellation(error) ? error : new CancelledFailure('The job was cancelled.');
  }
  await close(job);
  if (cancelled) throw cancelled;
  throwIfCancelled();
  job.phase = 'completed';
  return resultOf(job);
}

/** Reads the source, for the time that `look` says; the job may be no further then. */
async function prepare(job: Job, instead: string | undefined, look: number): Promise<void> {
  const why = tooMuch(job.input);
  if (why !== undefined) throw failWith(job, 'BadInput', why);
  const schedule = scheduleId();
  const prepared = await prepareJob
    .executeWithOptions({ summary: 'read and check the source' }, [
      { format: FORMAT, job: job.ref, input: job.input, ...(instead && { instead }), ...(schedule && { schedule }) },
    ])
    .catch(async (error: unknown) => {
      // Otherwise the workflow's task would fail again and again.
      if (error instanceof ValueError) throw failWith(job, 'BadInput', NOT_JSON);
      const failure = thrownBy(error);
      const isMissing = failure?.type === MISSING_SOURCE;
      if (isMissing && (await waitForSource(job, failure.message, look))) return null;
      const type = isMissing ? 'BadSource' : failure?.type;
      if (!failure || !isJobFailure(type)) throw error;
      // Deletes the starter's copy of a source that can't be read.
      if (type === 'BadSource') await close(job, true);
      throw failWith(job, type, failure.message);
    });
  // It is looked for again, as at first.
  if (!prepared) return;
  // Not a failure of the workflow, which would end it, but of its task, which is retried.
  if (prepared.format !== FORMAT) throw new Error(BEGAN_WITH_0);
  job.searchAttributes = prepared.searchAttributes;
  if ('needs' in prepared) {
    job.needNames(prepared.needs);
    job.where = { jobStore: prepared.jobStore };
    return;
  }
  const { format: _, searchAttributes: __, notes, set, jobStore, ...rows } = prepared;
  const { total, invalid, chunksToSend } = rows;
  job.where = { set, jobStore };
  job.prepared(Ledger.of(rows));
  job.notes = notes;
  log.info('job started', { store: job.ref.storeHash, total, invalid, chunks: chunksToSend });
  countCustomers(job.ref.storeHash, { invalid });
  if (invalid > 0 && job.options.onInvalid === 'fail') {
    await close(job);
    const first = job.ledger.failuresPage({ limit: 5 }).failures.map(({ row, message }) => `row ${row}: ${message}`);
    const message =
      `Expected only valid rows (onInvalid "fail"), got ${invalid} invalid of ${total}: ` +
      `${first.join(' ')} No call was made. Fix the source, see ${job.files.report}, or let invalid rows be skipped.`;
    throw failWith(job, 'InvalidRows', message);
  }
  job.begin();
}

/** Does the job's work. Only a dry run ends with a hold, since it reports a refusal. */
async function work(job: Job): Promise<void> {
  if ((await sendChunks(job)) === 'renew') await renew(job);
  if (job.options.dryRun && job.hold?.kind === 'refused') await failRefused(job, job.hold.message);
}

async function runDryRun(job: Job): Promise<void> {
  const checked = await checkStore(job);
  if (checked === 'renew') return renew(job);
  if ('refused' in checked) return failRefused(job, checked.refused);
  await work(job);
  job.wouldSend = { ...wouldSend(job), ...checked };
}

async function failRefused(job: Job, message: string): Promise<never> {
  await close(job);
  throw failWith(job, 'BadInput', message);
}

/** Continues as new; nothing may be in flight. Drops an inline source once its customers are in the job store. */
async function renew(job: Job): Promise<never> {
  await saveFailuresOf(job);
  await condition(allHandlersFinished);
  // A cancel that came while the run was draining would be lost.
  throwIfCancelled();
  const { source, ...rest } = job.input;
  const input = { ...rest, source: 'customers' in source && job.isPrepared ? { customers: [] } : source };
  return continueAsNew<typeof updateCustomers>(input, pack(job.carry()));
}

/**
 * Writes the report, unless the source could not be read. Chunks that are still pending become unprocessed. A cancel does not
 * interrupt it.
 */
async function close(job: Job, unread = false): Promise<void> {
  await CancellationScope.nonCancellable(async () => {
    job.phase = 'closing';
    show(job);
    job.end();
    await saveFailuresOf(job);
    const { plan, outcomes, lookUps, failures, olderIn } = job.ledger.carry();
    const maybeSent = job.work.toSend.allMaybeSent();
    const ended = {
      ...{ job: job.ref, input: job.input, plan, outcomes, lookUps, failures, olderIn, maybeSent },
      ...(unread && { unread }),
    };
    const closed = await closeJob
      .executeWithOptions({ summary: 'write the report' }, [ended])
      .catch((error: unknown) => {
        // Cancelled before prepareJob had rejected its input: there is nothing to report, and nowhere to.
        if (thrownBy(error)?.type === 'BadInput') return job.files as ClosedJob;
        throw error;
      });
    const { notes = [], customers, ...files } = closed;
    job.files = files;
    if (customers) job.ledger.correct(customers);
    job.notes = [...job.notes, ...notes];
    if (job.isPrepared) logEnd(job.ref.storeHash, resultOf(job));
    await condition(allHandlersFinished);
  });
}

function logEnd(store: string, { customers, chunks, calls, throttled, report }: JobResult): void {
  log.info('job closed', { store, ...customers, chunks: chunks.done, calls, throttled, report });
  countCustomers(store, { unprocessed: customers.unprocessed });
}

function throwIfCancelled(): void {
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('The job was cancelled.');
}

const DEFECT_CURE =
  "The job's files are kept: once a worker without this fault runs, start the job again, or retry it if it has a retry file.";

function isJobFailure(type: string | undefined): type is JobFailureType {
  return ['BadInput', 'BadSource', 'InvalidRows', 'NothingToRetry'].includes(type ?? '');
}

function failWith(job: Job, type: JobFailureType, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true, details: [resultOf(job)] });
}
