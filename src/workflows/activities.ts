/** The activities as the workflows call them: where each runs, and how it is retried. */
import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  proxyActivities,
} from '@temporalio/workflow';
import {
  failuresFile,
  type JobActivities,
  type LeaseActivities,
  type Spent,
  type StoreActivities,
} from '../contract/activities.ts';
import { FAILURES_IN_STATE, JOBS_TASK_QUEUE, STORES_TASK_QUEUE, storeTaskQueue } from '../contract/job.ts';
import type { Job } from './job.ts';
import type { Outcome } from './steps.ts';

// Attempts are unlimited everywhere: a full disk or a server restart must not end a job. Hopeless failures are thrown
// as not retryable. A cancelled workflow waits for each activity to end, so that it knows what came of it.
const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1 minute' } as const;
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;

/** Reading and writing the files of a job of two million customers takes minutes; heartbeats show that it is alive. */
const jobActivities = proxyActivities<JobActivities>({
  taskQueue: JOBS_TASK_QUEUE,
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '30 seconds',
  cancellationType,
  retry,
});
export const { prepareJob, closeJob } = jobActivities;

export const { openStore } = proxyActivities<JobActivities>({
  taskQueue: JOBS_TASK_QUEUE,
  startToCloseTimeout: '10 seconds',
  cancellationType,
  retry,
});

/**
 * If the holder of a lease dies, that is noticed after the heartbeat timeout, and the queue goes to another process.
 * The lease is renewed every two seconds; with fewer than three renewals a timeout, a single late one would cost the
 * lease.
 */
export const { serveStoreQueue } = proxyActivities<LeaseActivities>({
  taskQueue: STORES_TASK_QUEUE,
  startToCloseTimeout: '2 hours',
  heartbeatTimeout: '6 seconds',
  cancellationType,
  retry: { initialInterval: '500ms', backoffCoefficient: 1 },
});

/**
 * The activities of a job's store. A task that was lost between the server and a stopping process is retried after the
 * heartbeat timeout. Waiting for the quota and isolating count as running, hence the long start-to-close timeout.
 */
export const storeActivities = ({ ref, options: { priority } }: Job) =>
  proxyActivities<StoreActivities>({
    taskQueue: storeTaskQueue(ref.storeHash),
    ...(priority !== undefined && { priority: { priorityKey: priority } }),
    startToCloseTimeout: '15 minutes',
    heartbeatTimeout: '15 seconds',
    cancellationType,
    retry,
  });

/**
 * Moves the failures that are too many for the state to a file. At most 1,000 a file: as an activity's input they must
 * stay far below 2 MiB.
 */
export async function saveFailuresOf({ ref: job, ledger }: Job): Promise<void> {
  if (ledger.failures.surplus === 0) return;
  await CancellationScope.nonCancellable(() =>
    ledger.failures.saveOldest(FAILURES_IN_STATE, (failures, file) => {
      const name = failuresFile(file);
      const summary = `${failures.length} failures · file ${name}`;
      return jobActivities.saveFailures.executeWithOptions({ summary }, [
        { job, name, failures, olderIn: ledger.failures.olderIn },
      ]);
    }),
  );
}

/** What an activity that failed or was cancelled reported. */
interface Thrown {
  type: string;
  message: string;
  /** What came of it nevertheless, if the activity says so. */
  outcome: Outcome | undefined;
}

/** What an activity's failure reports; undefined if `error` is not one. */
export function thrownBy(error: unknown): Thrown | undefined {
  if (!(error instanceof ActivityFailure)) return undefined;
  const { cause } = error;
  const type = (cause instanceof ApplicationFailure && cause.type) || '';
  const hasDetails = cause instanceof ApplicationFailure || cause instanceof CancelledFailure;
  const [details] = (hasDetails && cause.details) || [];
  return { type, message: cause?.message ?? error.message, outcome: isSpent(details) ? details : undefined };
}

/** Why a job can't go on, if the worker itself is at fault. */
export function defectOf(error: unknown): string | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure && cause.type === 'Defect' ? cause.message : undefined;
}

/** Whether an activity has said what it has spent: a person may complete one with anything. */
export function isSpent(value: unknown): value is Outcome {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Spent>).attempts === 'number';
}

/** Whether `error` ended a cancelled scope. A cancelled activity whose worker died does not end as cancelled. */
export function isStopped(error: unknown, scope: CancellationScope): boolean {
  return isCancellation(error) || (error instanceof ActivityFailure && scope.consideredCancelled);
}
