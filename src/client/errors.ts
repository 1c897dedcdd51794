/** The errors that a caller has to tell apart, besides BadInput of schema.ts and StorageFailed of the job store. */
import type { JobResult } from '../contract/job.ts';

/** The namespace has no job with this id. Thrown by every method of a job. */
export class NoSuchJob extends Error {
  override name = 'NoSuchJob';
  /** @internal */
  constructor(id: string) {
    super(
      `There is no job ${id} in this namespace. Jobs that have ended are kept for the namespace's retention period.`,
    );
  }
}

/** The namespace has no schedule of jobs with this id. */
export class NoSuchSchedule extends Error {
  override name = 'NoSuchSchedule';
  /** @internal */
  constructor(id: string) {
    super(`There is no schedule ${id} in this namespace, or it starts something else than jobs.`);
  }
}

/** The workflow with this id is not a job. Thrown by startCustomerUpdate and by every method of a job. */
export class NotAJob extends Error {
  override name = 'NotAJob';
  /** @internal */
  constructor(id: string, type: string) {
    super(`${id} is not a job, but a workflow of type ${type}.`);
  }
}

/** `pause`, `resume` or `cancel` came too late: the job is closing, being cancelled, or has ended. Nothing changed. */
export class TooLate extends Error {
  override name = 'TooLate';
}

/** The job ended without a result: it failed (`type` says why), or was cancelled or terminated. */
export class JobEnded extends Error {
  override name = 'JobEnded';
  readonly how: 'failed' | 'cancelled' | 'terminated';
  /** A JobFailureType if it failed. */
  readonly type: string | undefined;
  /** How far a failed job got, if it says so. */
  readonly result: JobResult | undefined;
  /** @internal */
  constructor(how: JobEnded['how'], message: string, type?: string, result?: JobResult) {
    super(message);
    this.how = how;
    this.type = type;
    this.result = result;
  }
}

/**
 * The server is up and knows the job, but no worker answered for it within ten seconds. The message says why, as far as
 * the server knows. The job itself is safe, and continues once a worker is there; a `pause` or `resume` may still
 * arrive.
 */
export class NoAnswer extends Error {
  override name = 'NoAnswer';
}

/**
 * The Temporal server can't be reached, or rejects the request.
 *
 * @example
 * ```ts
 * try {
 *   await job.pause('spring sale');
 * } catch (error) {
 *   const later = error instanceof NoAnswer || (error instanceof ServerFailed && error.temporary);
 *   if (!later) throw error;
 *   console.error(`Try again in a minute: ${error.message}`);
 * }
 * ```
 */
export class ServerFailed extends Error {
  override name = 'ServerFailed';
  /** Whether trying again later may help. If not, fix the connection's settings: namespace, key, TLS. */
  readonly temporary: boolean;
  /** @internal */
  constructor(message: string, temporary: boolean, options?: ErrorOptions) {
    super(message, options);
    this.temporary = temporary;
  }
}

/** The iterable of customers threw `cause`. Nothing was started, and nothing is left in the job store. */
export class StreamFailed extends Error {
  override name = 'StreamFailed';
  /** 1-based number of the customer that should have come next. */
  readonly item: number;
  /** @internal */
  constructor(item: number, cause: unknown) {
    super(`source.customers: the iterable threw instead of yielding customer ${item}. Nothing was started.`, { cause });
    this.item = item;
  }
}

/** `allFailures` needs files that are missing: they were purged, or this is not the workers' job store. */
export class FilesGone extends Error {
  override name = 'FilesGone';
  /** @internal */
  constructor(id: string, jobStore: string, options?: ErrorOptions) {
    super(
      `All but the latest failures of the job ${id} are in files, which were purged or are not in ${jobStore}.`,
      options,
    );
  }
}
