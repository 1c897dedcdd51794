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
import { readFailures } from '../jobs/failure-files.ts';
import { NotFound } from '../storage/storage.ts';
import { FilesGone } from './errors.ts';
import { type JobStoreOption, openJobStore } from './job-store.ts';
import { resultOf } from './result.ts';
import { askJob, tellJob } from './server.ts';
import { waitingActivity } from './waiting.ts';

/**
 * A job, running or ended. Every method except `result` returns or throws within about ten seconds. Every method throws
 * NoSuchJob, NotAJob and ServerFailed; all but `cancel` and `result` need a worker to answer, and also throw NoAnswer.
 */
export interface CustomerUpdate {
  /** The workflow id. */
  readonly id: string;
  /** How far the job is, and what it is waiting for. */
  progress(): Promise<Progress>;
  /** What became of the chunks, starting with chunk `from` (0-based); at most 1,000. */
  outcomes(from?: number, count?: number): Promise<Outcomes>;
  /**
   * Rows after row `after` that were not updated; at most 500. Only the latest 1,000 are in the job's state:
   * `allFailures` has the rest as well.
   */
  failures(after?: number, limit?: number): Promise<Failures>;
  /**
   * Every row that was not updated, including those in files of the job store, in no particular order. While the job
   * runs, those up to now. If some are in files, iterating throws BadInput without a `jobStore`, FilesGone if the files
   * are missing, and StorageFailed if the job store fails.
   *
   * @example
   * ```ts
   * for await (const { row, id, code, message } of job.allFailures()) console.log(row, id, code, message);
   * ```
   */
  allFailures(): AsyncGenerator<Failure, void, undefined>;
  /** Sends nothing more until `resume`, apart from what is already scheduled. Throws TooLate. */
  pause(reason?: string): Promise<Progress>;
  /** Continues after a pause or a hold, and asks the store again at once. Throws TooLate. */
  resume(): Promise<Progress>;
  /**
   * Lets what is in flight finish and the report be written; then the job ends as cancelled. Returns without waiting
   * for that, and without a worker. Throws TooLate.
   */
  cancel(): Promise<void>;
  /**
   * Waits for the job to end, for hours if need be, and through any outage of the server. Throws JobEnded if it ends
   * without a result. Once the signal is aborted it throws the signal's reason, and the job carries on.
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

/** States in which a job waits for its activities. */
const WORKING: readonly JobState[] = ['preparing', 'running', 'closing'];

/** The job with this id. Makes no request yet. Only `allFailures` needs `jobStore`. */
export function customerUpdate(client: Client, id: string, { jobStore }: JobStoreOption = {}): CustomerUpdate {
  const handle = client.workflow.getHandle(id);
  const failures = (after = 0, limit = 500) => askJob(client, id, () => handle.query(failuresQuery, { after, limit }));
  return {
    id,
    progress: () =>
      askJob(client, id, async () => {
        const progress = await handle.query(progressQuery);
        const { waitingFor, state } = progress;
        const knowsBetter = waitingFor !== null && waitingFor.kind !== 'lease';
        if (knowsBetter || !WORKING.includes(state)) return progress;
        // While it waits for them its workflow does not run: only the activities know what for, and why the store is
        // silent.
        return { ...progress, waitingFor: (await waitingActivity(handle)) ?? waitingFor };
      }),
    outcomes: (from = 0, count = 1_000) => askJob(client, id, () => handle.query(outcomesQuery, { from, count })),
    failures,
    allFailures: () => allFailures({ id, failures }, jobStore),
    pause: (reason = '') => tellJob(client, id, () => handle.executeUpdate(pauseUpdate, { args: [{ reason }] })),
    resume: () => tellJob(client, id, () => handle.executeUpdate(resumeUpdate)),
    cancel: () => tellJob(client, id, () => handle.cancel().then(() => undefined)),
    result: (signal) => resultOf(client, id, signal),
  };
}

type FailuresOf = Pick<CustomerUpdate, 'id' | 'failures'>;

/** First those in files, newest file first and each by row; then those in state. */
async function* allFailures(job: FailuresOf, jobStore: string | undefined): AsyncGenerator<Failure, void, undefined> {
  const { olderIn, failures } = await inState(job);
  if (olderIn !== null) {
    const storage = await openJobStore(jobStore, `which has all but the latest failures of the job ${job.id}`);
    try {
      yield* readFailures(storage, olderIn);
    } catch (error) {
      throw error instanceof NotFound ? new FilesGone(job.id, storage.root, { cause: error }) : error;
    }
  }
  yield* failures;
}

/** The failures in state at one moment: it starts over if the older ones have moved to a file meanwhile. */
async function inState(job: FailuresOf): Promise<{ olderIn: string | null; failures: Failure[] }> {
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
