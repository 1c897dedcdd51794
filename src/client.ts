/**
 * For other services: starts jobs and follows them. Loads neither the worker nor its activities.
 *
 * ```ts
 * const job = await startCustomerUpdate(client, { storeHash: 'abc123', source: { uri: 'file:///data/sources/spring.csv' } }, 'spring');
 * const { customers, report } = await job.result();
 * ```
 */
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure } from '@temporalio/common';
import {
  failuresQuery,
  jobId,
  JOBS_TASK_QUEUE,
  outcomesQuery,
  pauseUpdate,
  progressQuery,
  resumeUpdate,
  type Failures,
  type JobInput,
  type JobResult,
  type JobState,
  type Outcomes,
  type Progress,
} from './contract.ts';
import { jobResultSchema, parseJobInput } from './schema.ts';
import { waitingActivity } from './waiting.ts';

export { BadInput } from './schema.ts';
export type * from './contract.ts';

/** There is no job of this id. */
export class NoSuchJob extends Error {
  override name = 'NoSuchJob';
  constructor(id: string) {
    super(
      `There is no job ${id} in this namespace. Jobs that ended are kept for as long as the namespace's retention.`,
    );
  }
}

/** A job that ended without a result: failed (`type` says why), cancelled or terminated. */
export class JobEnded extends Error {
  override name = 'JobEnded';
  readonly how: 'failed' | 'cancelled' | 'terminated';
  /** A JobFailureType, where it failed. */
  readonly type: string | undefined;
  /** How far a job that failed had come, where it says so. */
  readonly result: JobResult | undefined;
  constructor(how: JobEnded['how'], message: string, type?: string, result?: JobResult) {
    super(message);
    this.how = how;
    this.type = type;
    this.result = result;
  }
}

/** A job, running or ended. Every method throws NoSuchJob where there is none. */
export interface CustomerUpdate {
  /** The workflow id. */
  readonly id: string;
  progress(): Promise<Progress>;
  /** What became of the chunks from `from` on; at most 1,000. */
  outcomes(from?: number, count?: number): Promise<Outcomes>;
  /** The rows in state that were not updated, after row `after`; at most 500. */
  failures(after?: number, limit?: number): Promise<Failures>;
  /** Sends nothing more until `resume`. Throws where the job is closing or has ended. */
  pause(reason?: string): Promise<Progress>;
  resume(): Promise<Progress>;
  /** What is in flight finishes and the report is written; then the job ends as cancelled. */
  cancel(): Promise<void>;
  /** Waits for the end. Throws JobEnded where there is no result. */
  result(): Promise<JobResult>;
}

/** How a job is started, apart from its input. */
export interface StartOptions {
  /** Who starts it, and what for: shown in the Web UI. */
  startedBy?: string | undefined;
  /** Start it anew even where one of this name has ended with a result, such as a dry run. Default false. */
  again?: boolean | undefined;
}

/**
 * Starts a job under the id `customer-updates/{storeHash}/{name}`, or attaches to it: to one that runs, or, without
 * `again`, that has ended with a result. One that failed, or was cancelled, is started anew. Throws BadInput.
 */
export async function startCustomerUpdate(
  client: Client,
  input: JobInput,
  name: string,
  { startedBy, again = false }: StartOptions = {},
): Promise<CustomerUpdate> {
  const { storeHash } = parseJobInput(input);
  const id = jobId(storeHash, name);
  const source = describeSource(input);
  await client.workflow
    .start('updateCustomers', {
      workflowId: id,
      taskQueue: JOBS_TASK_QUEUE,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: again ? 'ALLOW_DUPLICATE' : 'ALLOW_DUPLICATE_FAILED_ONLY',
      staticSummary: `store ${storeHash} · ${name}`.slice(0, 200),
      staticDetails: `Updates the customers of store ${storeHash} from ${source}.`,
      memo: { source, options: input.options ?? {}, ...(startedBy && { startedBy }) },
    })
    .catch((error: unknown) => {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    });
  return customerUpdate(client, id);
}

/** States in which a job's activities are what it waits for. */
const WORKING: readonly JobState[] = ['preparing', 'running', 'closing'];

/** The job of this id. Asks nothing yet. */
export function customerUpdate(client: Client, id: string): CustomerUpdate {
  const handle = client.workflow.getHandle(id);
  const found = <T>(answer: Promise<T>) =>
    answer.catch((error: unknown) => {
      throw error instanceof WorkflowNotFoundError ? new NoSuchJob(id) : error;
    });
  return {
    id,
    progress: () =>
      found(
        handle.query(progressQuery).then(async (progress) => ({
          ...progress,
          // A job that waits gets no turn in which to say so: its activities tell.
          waitingFor: progress.waitingFor ?? (WORKING.includes(progress.state) ? await waitingActivity(handle) : null),
        })),
      ),
    outcomes: (from = 0, count = 1_000) => found(handle.query(outcomesQuery, { from, count })),
    failures: (after = 0, limit = 500) => found(handle.query(failuresQuery, { after, limit })),
    pause: (reason = '') => found(handle.executeUpdate(pauseUpdate, { args: [{ reason }] })),
    resume: () => found(handle.executeUpdate(resumeUpdate)),
    cancel: () => found(handle.cancel().then(() => undefined)),
    result: () =>
      found(
        (handle.result() as Promise<JobResult>).catch((error: unknown) => {
          throw error instanceof WorkflowFailedError ? ended(error) : error;
        }),
      ),
  };
}

function ended({ cause, message }: WorkflowFailedError): JobEnded {
  if (cause instanceof CancelledFailure) return new JobEnded('cancelled', 'The job was cancelled.');
  if (cause instanceof TerminatedFailure) return new JobEnded('terminated', 'The job was terminated.');
  if (!(cause instanceof ApplicationFailure)) return new JobEnded('failed', cause?.message ?? message);
  const result = jobResultSchema.safeParse(cause.details?.[0]);
  return new JobEnded('failed', cause.message, cause.type ?? undefined, result.data);
}

function describeSource({ source }: JobInput): string {
  if ('customers' in source) return `${source.customers.length} customers given inline`;
  return 'uri' in source ? source.uri : `what the job ${source.retryOf} has left to send again`;
}
