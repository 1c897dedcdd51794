/** What a caller has to tell apart, beside BadInput of schema.ts and StorageFailed of the job store. */
import type { JobResult } from '../contract/job.ts';

/**
 * There is no job of this id in the namespace. Thrown by every method of a job.
 *
 * @example
 * ```ts
 * const progress = await job.progress().catch((error: unknown) => {
 *   if (error instanceof NoSuchJob) return undefined;
 *   throw error;
 * });
 * ```
 */
export class NoSuchJob extends Error {
  override name = 'NoSuchJob';
  /** @internal */
  constructor(id: string) {
    super(
      `There is no job ${id} in this namespace. Jobs that ended are kept for as long as the namespace's retention.`,
    );
  }
}

/** A workflow of this id is there, and it is no job. Thrown by startCustomerUpdate and by every method of a job. */
export class NotAJob extends Error {
  override name = 'NotAJob';
  /** @internal */
  constructor(id: string, type: string) {
    super(`${id} is not a job: it is a workflow of type ${type}.`);
  }
}

/** `pause`, `resume` or `cancel` came when the job was closing, being cancelled, or had ended. Nothing was changed. */
export class TooLate extends Error {
  override name = 'TooLate';
}

/** `result` was asked of a job that ended without one: failed (`type` says why), cancelled or terminated. */
export class JobEnded extends Error {
  override name = 'JobEnded';
  readonly how: 'failed' | 'cancelled' | 'terminated';
  /** A JobFailureType, where it failed. */
  readonly type: string | undefined;
  /** How far a job that failed had come, where it says so. */
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
 * The server is there and knows the job, but no worker answers for it within ten seconds. The job itself is safe, and goes
 * on when a worker is there; a `pause` or `resume` that was not answered may still arrive.
 */
export class NoAnswer extends Error {
  override name = 'NoAnswer';
}

/**
 * The Temporal server can't be reached, or refuses the call.
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
  /** Whether it may help to try again later. If not, the connection's settings are to be mended: namespace, key, TLS. */
  readonly temporary: boolean;
  /** @internal */
  constructor(message: string, temporary: boolean, options?: ErrorOptions) {
    super(message, options);
    this.temporary = temporary;
  }
}

/**
 * The iterable of customers threw, and `cause` is what it threw. Nothing was started, and nothing of it is left in the job
 * store.
 *
 * @example
 * ```ts
 * async function* customers() {
 *   yield { id: 1, notes: 'hello' };
 *   throw new Error('the database went away');
 * }
 * const input = { storeHash: 'abc123', source: { customers: customers() } };
 * await startCustomerUpdate(client, input, 'hello', { jobStore: 'file:/data' }).catch((error: unknown) => {
 *   if (error instanceof StreamFailed) console.error(`Customer ${error.item} could not be read:`, error.cause);
 *   throw error;
 * });
 * ```
 */
export class StreamFailed extends Error {
  override name = 'StreamFailed';
  /** 1-based number of the customer that was to come next. */
  readonly item: number;
  /** @internal */
  constructor(item: number, cause: unknown) {
    super(`source.customers: the iterable threw where customer ${item} was to come. Nothing was started.`, { cause });
    this.item = item;
  }
}

/** `allFailures` needs files that are not in the job store: they were purged, or it is another job store than the workers'. */
export class FilesGone extends Error {
  override name = 'FilesGone';
  /** @internal */
  constructor(id: string, jobStore: string, options?: ErrorOptions) {
    super(
      `All but the latest failures of the job ${id} are in files, and its files were purged, or are not in ${jobStore}.`,
      options,
    );
  }
}
