import type { Client } from '@temporalio/client';
import {
  type Failure,
  type Failures,
  failuresQuery,
  type JobResult,
  type JobState,
  type Outcomes,
  outcomesQuery,
  pauseUpdate,
  type Progress,
  progressQuery,
  resumeUpdate,
} from '../contract/job.ts';
import { resultOf } from './result.ts';
import { asked, told } from './server.ts';
import { waitingActivity } from './waiting.ts';
import { readFailures } from '../jobs/failure-files.ts';
import { NotFound } from '../storage/storage.ts';
import { FilesGone } from './errors.ts';
import { openJobStore } from './job-store.ts';

/**
 * A job, running or ended. Each method but `result` answers, or throws, in ten seconds or little more. Every method throws
 * NoSuchJob, NotAJob and ServerFailed; those that a worker answers, all but `cancel` and `result`, throw NoAnswer as well.
 */
export interface CustomerUpdate {
  /** The workflow id. */
  readonly id: string;
  /**
   * How far the job is, and what it waits for.
   *
   * @example
   * ```ts
   * const { state, customers, waitingFor } = await job.progress();
   * console.log(`${state}: ${customers.updated} of ${customers.total} ${waitingFor?.message ?? ''}`);
   * ```
   */
  progress(): Promise<Progress>;
  /**
   * What became of the chunks from `from` on; at most 1,000.
   *
   * @example
   * ```ts
   * const { total, outcomes } = await job.outcomes();
   * console.log(`${outcomes.filter(({ state }) => state === 'done').length} of the first ${outcomes.length} chunks of ${total}`);
   * ```
   */
  outcomes(from?: number, count?: number): Promise<Outcomes>;
  /**
   * The rows in state that were not updated, after row `after`; at most 500. Beyond 1,000 the older ones are in files:
   * see `allFailures`.
   *
   * @example
   * ```ts
   * const { failures, total } = await job.failures(0, 20);
   * console.log(`${total} rows were not updated, such as`, failures);
   * ```
   */
  failures(after?: number, limit?: number): Promise<Failures>;
  /**
   * Every row that was not updated, those in files of the job store included; in no order. Of a job that runs, those up to
   * this moment. Iterating throws BadInput where they are in files and no `jobStore` was given, FilesGone where the files
   * are not there, StorageFailed where the job store fails.
   *
   * @example
   * ```ts
   * for await (const { row, id, code, message } of job.allFailures()) console.log(row, id, code, message);
   * ```
   */
  allFailures(): AsyncGenerator<Failure, void, undefined>;
  /**
   * Sends nothing more until `resume`; what is scheduled already still goes out. Throws TooLate.
   *
   * @example
   * ```ts
   * const { state } = await job.pause('spring sale'); // "paused"
   * ```
   */
  pause(reason?: string): Promise<Progress>;
  /**
   * Goes on after a pause or a hold, and asks the store again at once. Throws TooLate.
   *
   * @example
   * ```ts
   * const { state } = await job.progress();
   * if (state === 'held') await job.resume();
   * ```
   */
  resume(): Promise<Progress>;
  /**
   * What is in flight finishes and the report is written; then the job ends as cancelled. Needs no worker to answer. Throws
   * TooLate.
   *
   * @example
   * ```ts
   * await job.cancel().catch((error: unknown) => {
   *   if (!(error instanceof TooLate)) throw error;
   * });
   * ```
   */
  cancel(): Promise<void>;
  /**
   * Waits for the end, for hours if need be and however long the server is away in between. Throws JobEnded where there is
   * no result, and the signal's reason once that is aborted; the job itself goes on then.
   *
   * @example
   * ```ts
   * const stopping = new AbortController();
   * process.once('SIGTERM', () => stopping.abort());
   * try {
   *   const { customers, report } = await job.result(stopping.signal);
   *   console.log(`${customers.updated} updated; report: ${report}`);
   * } catch (error) {
   *   if (!(error instanceof JobEnded)) throw error;
   *   console.error(`The job ${error.how}: ${error.type} ${error.message}`);
   * }
   * ```
   */
  result(signal?: AbortSignal): Promise<JobResult>;
}

/** Where a job's files are. */
export interface JobStoreOption {
  /** The workers' job store (their JOB_STORE), `file:…` or `s3://…`; a relative folder starts from the current one. */
  jobStore?: string | undefined;
}

/** States in which a job's activities are what it waits for. */
const WORKING: readonly JobState[] = ['preparing', 'running', 'closing'];

/**
 * The job of this id. Asks nothing yet. `jobStore` is for `allFailures` only.
 *
 * @example
 * ```ts
 * const spring = customerUpdate(client, jobId('abc123', 'spring'), { jobStore: 's3://my-bucket/customer-updates' });
 * const { state } = await spring.progress();
 * ```
 */
export function customerUpdate(client: Client, id: string, { jobStore }: JobStoreOption = {}): CustomerUpdate {
  const handle = client.workflow.getHandle(id);
  const failures = (after = 0, limit = 500) => asked(client, id, () => handle.query(failuresQuery, { after, limit }));
  return {
    id,
    progress: () =>
      asked(client, id, async () => {
        const progress = await handle.query(progressQuery);
        const { waitingFor, state } = progress;
        const knowsBetter = waitingFor !== null && waitingFor.kind !== 'lease';
        if (knowsBetter || !WORKING.includes(state)) return progress;
        // A job that waits gets no turn in which to say so: its activities tell, also why nothing was heard of the store.
        return { ...progress, waitingFor: (await waitingActivity(handle)) ?? waitingFor };
      }),
    outcomes: (from = 0, count = 1_000) => asked(client, id, () => handle.query(outcomesQuery, { from, count })),
    failures,
    allFailures: () => allFailures({ id, failures }, jobStore),
    pause: (reason = '') => told(client, id, () => handle.executeUpdate(pauseUpdate, { args: [{ reason }] })),
    resume: () => told(client, id, () => handle.executeUpdate(resumeUpdate)),
    cancel: () => told(client, id, () => handle.cancel().then(() => undefined)),
    result: (signal) => resultOf(client, id, signal),
  };
}

/** What is asked of a job to know all of its failures. */
interface Asked {
  readonly id: string;
  failures(after?: number): Promise<Failures>;
}

/** Those in files, from the newest to the oldest, each by row; then those in state. */
async function* allFailures(job: Asked, jobStore: string | undefined): AsyncGenerator<Failure, void, undefined> {
  const { olderIn, failures } = await inState(job);
  if (olderIn !== null) {
    const storage = await openJobStore(jobStore, `where all but the latest failures of the job ${job.id} are`);
    try {
      yield* readFailures(storage, olderIn);
    } catch (error) {
      throw error instanceof NotFound ? new FilesGone(job.id, storage.root, { cause: error }) : error;
    }
  }
  yield* failures;
}

/** The failures in state, all of one moment: while a job runs, the older ones move to a file now and then. */
async function inState(job: Asked): Promise<{ olderIn: string | null; failures: Failure[] }> {
  for (;;) {
    const { olderIn, ...first } = await job.failures();
    const failures = [...first.failures];
    let page: Pick<Failures, 'next' | 'olderIn'> = { ...first, olderIn };
    while (page.next !== null && page.olderIn === olderIn) {
      const next: Failures = await job.failures(page.next);
      failures.push(...next.failures);
      page = next;
    }
    if (page.olderIn === olderIn) return { olderIn, failures };
  }
}
