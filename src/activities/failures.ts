/** Turns errors of the other rooms into what Temporal knows: the one place that makes ApplicationFailures. */
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { Draining, LeaseLost, Refused, StoreError, Throttled, Unavailable } from '../bigcommerce/errors.ts';
import {
  type ChunkFailureType,
  type ChunkRef,
  type JobRef,
  type JobStore,
  MISSING_SOURCE,
  type PageRef,
  type Spent,
  type StoreRef,
} from '../contract/activities.ts';
import type { JobFailureType } from '../contract/job.ts';
import { BadInput } from '../contract/schema.ts';
import { BadPage } from '../jobs/pages.ts';
import { checkJobStore, type OtherJobStore } from '../jobs/which-store.ts';
import { BadSource, MissingSource } from '../jobs/sources/record.ts';
import { asDefect, Defect } from './defect.ts';
import { NothingToRetry } from './job-source.ts';
import { printable } from '../contract/describe.ts';
import { StorageFailed } from '../storage/storage.ts';
import { log } from '@temporalio/activity';
import type { UpdateOutcome } from '../bigcommerce/store.ts';

/**
 * Pauses after tries without an answer, in ms; BigCommerce asks for exponential backoff after a 5xx. After the last try
 * the activity gives up and the workflow puts the chunk back: otherwise it would never learn of an outage.
 */
const BACKOFF_MS = [1_000, 2_000, 4_000];

/** Tries without an answer after which an activity gives up. */
export const TRIES = BACKOFF_MS.length + 1;

/** Longer reasons why a job failed are cut: paths and lists of names have bounds of their own, this one is for all. */
const MAX_MESSAGE = 6_000;

/**
 * Attempts after which a defect ends the job: by then, four minutes later, other workers have tried, and a bad version may
 * have been taken back.
 */
const DEFECT_ATTEMPTS = 10;

/** A failure that ends the job, for errors that no further attempt would fix; other errors as they are. */
export function jobFailure(thrown: unknown, attempt: number): unknown {
  const error = asDefect(thrown);
  if (error instanceof Defect) {
    const type: JobFailureType = 'Defect';
    return ApplicationFailure.create({ type, message: error.message, nonRetryable: attempt >= DEFECT_ATTEMPTS });
  }
  const types: [new (message?: string) => Error, JobFailureType | typeof MISSING_SOURCE][] = [
    [BadInput, 'BadInput'],
    [MissingSource, MISSING_SOURCE],
    [BadSource, 'BadSource'],
    [NothingToRetry, 'NothingToRetry'],
  ];
  const type = types.find(([kind]) => error instanceof kind)?.[1];
  if (!type || !(error instanceof Error)) return error;
  const message = printable(error.message, MAX_MESSAGE);
  // BENIGN keeps it out of error logs: it is for the caller to fix, not for the worker's operator.
  return ApplicationFailure.create({ type, message, nonRetryable: true, category: ApplicationFailureCategory.BENIGN });
}

/** How soon an attempt goes to another worker, in ms. One that has the job's files may be the tenth to be asked. */
const OTHER_WORKER_MS = 2_000;

/** Throws what sends the attempt to another worker, if the job's files are not in this one's job store. */
export function requireFiles(here: JobStore, job: JobRef): void {
  try {
    checkJobStore(here, job);
  } catch (error) {
    const { name: type, message } = error as OtherJobStore;
    throw ApplicationFailure.create({ type, message, nextRetryDelay: OTHER_WORKER_MS });
  }
}

const UNANSWERED = [Unavailable, BadPage, StorageFailed, Defect] as const;

/** Whether a try got no answer: from the store, or from the job store or the worker, without which nothing can be sent. */
export const isUnanswered = (error: unknown): error is InstanceType<(typeof UNANSWERED)[number]> =>
  UNANSWERED.some((kind) => error instanceof kind);

/**
 * What a failed attempt to call the store for a job means to Temporal. `outcome` is what the workflow enters if it gives
 * up.
 */
export function callFailure(
  error: unknown,
  unanswered: number,
  outcome: Spent,
  random: () => number = Math.random,
): unknown {
  const failure = (type: ChunkFailureType, message: string, nextRetryDelay?: number) =>
    ApplicationFailure.create({
      type,
      message,
      details: [outcome],
      // Nobody has to look into a job that waits for its store.
      category: ApplicationFailureCategory.BENIGN,
      ...(nextRetryDelay === undefined ? { nonRetryable: true } : { nextRetryDelay }),
    });
  if (error instanceof Throttled) return failure('Throttled', error.message, error.delayMs);
  if (error instanceof Refused) return failure('Refused', error.message);
  if (error instanceof Draining || error instanceof LeaseLost) return failure('HandedOver', error.message, 100);
  if (isUnanswered(error)) {
    const type = error instanceof Defect ? 'Defect' : 'Unavailable';
    const backoff = BACKOFF_MS[unanswered - 1];
    if (backoff === undefined) return failure(type, error.message);
    const asked = error instanceof Unavailable ? (error.delayMs ?? 0) : 0;
    return failure(type, error.message, Math.max(asked, backoff * (0.5 + random())));
  }
  return error;
}

/** What a failed check of a dry run means to Temporal: a refusal is final, anything else is retried. */
export function checkFailure(error: unknown, attempt: number): unknown {
  if (!(error instanceof StoreError)) return jobFailure(error, attempt);
  const type: ChunkFailureType = error instanceof Refused ? 'Refused' : 'Unavailable';
  const category = ApplicationFailureCategory.BENIGN;
  const delay = error instanceof Throttled ? { nextRetryDelay: error.delayMs } : {};
  return ApplicationFailure.create({
    type,
    message: error.message,
    category,
    nonRetryable: type === 'Refused',
    ...delay,
  });
}

const WARNINGS = [
  [Unavailable, 'not answered'],
  [Refused, 'refused'],
  [LeaseLost, 'stopped: the lease was lost'],
  [BadPage, 'not readable in the job store'],
  [StorageFailed, 'stopped: the job store is failing'],
] as const;

/** Logs a chunk whose customers all have an outcome. */
export function logSettled({ job, chunk }: ChunkRef, settled: UpdateOutcome): void {
  const { calls, requestId } = settled;
  const [updated, rejected, failed] = [settled.updated.length, settled.rejected.length, settled.failed.length];
  const fields = { store: job.storeHash, chunk, updated, rejected, failed, calls, requestId };
  if (rejected + failed === 0) log.debug('chunk updated', fields);
  else log.info('chunk isolated', fields);
}

/** Logs an attempt that did not settle what it was given. The SDK logs errors that are not ours. */
export function logUnsettled(ref: StoreRef | ChunkRef | PageRef, error: unknown): void {
  const spent =
    error instanceof StoreError ? { calls: error.attempt.tally.calls, requestId: error.attempt.requestId } : {};
  const [name, item] =
    'chunk' in ref ? ['chunk', { chunk: ref.chunk }] : 'page' in ref ? ['look-up', { page: ref.page }] : ['names', {}];
  const fields = { store: ref.job.storeHash, ...item, ...spent };
  if (error instanceof Throttled)
    return log.info(`${name} throttled`, { ...fields, waitMs: Math.round(error.delayMs) });
  if (error instanceof Draining) return log.debug(`${name} stopped: this process or the job is stopping`, fields);
  const [, what] = WARNINGS.find(([kind]) => error instanceof kind) ?? [];
  if (what) log.warn(`${name} ${what}`, { ...fields, why: (error as Error).message });
}
