/** How the client talks to the Temporal server: within a time limit, and with errors that say what is wrong. */
import { setMaxListeners } from 'node:events';
import {
  type Client,
  QueryNotRegisteredError,
  ServiceError,
  type WorkflowExecutionDescription,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { NamespaceNotFoundError, WorkflowNotFoundError } from '@temporalio/common';
import { isPossibleId, JOBS_TASK_QUEUE } from '../contract/job.ts';
import { detailsOf, grpcFailure, isRefused } from '../temporal/grpc.ts';
import { inWords, receivesJobs, jobsRouting, makeCurrent } from '../temporal/routing.ts';
import { NoAnswer, NoSuchJob, NotAJob, ServerFailed, TooLate } from './errors.ts';

/** Longest that a job may take to answer: a worker that does not have it in memory reads its history first. */
export const ANSWER_MS = 10_000;

/** Longest that the server itself may take. */
const SERVER_MS = 5_000;

export class TimeIsUp extends Error {
  override name = 'TimeIsUp';
}

/**
 * Does something with the server. Rejects with TimeIsUp after `ms`, with the reason of `signal` once that is aborted,
 * and as usual when a deadline of the caller's own passes.
 */
export async function within<T>(client: Client, ms: number, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  signal?.throwIfAborted();
  const limit = new AbortController();
  // The library adds one per request, and a server that is about to stop answers long polls at once.
  setMaxListeners(0, limit.signal);
  const timer = setTimeout(() => limit.abort(new TimeIsUp()), ms);
  const stop = () => limit.abort(signal?.reason);
  signal?.addEventListener('abort', stop);
  // The library ignores the signal between two attempts.
  const aborted = new Promise<never>((_, reject) =>
    limit.signal.addEventListener('abort', () => reject(limit.signal.reason as Error)),
  );
  try {
    return await Promise.race([client.withAbortSignal(limit.signal, work), aborted]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

/** Asks the server something that needs no worker, for at most 5 s. Throws ServerFailed, and what `question` throws. */
export async function askServer<T>(client: Client, question: () => Promise<T>): Promise<T> {
  try {
    // Replaces a deadline of the caller's: it may have passed, and be the reason why we ask.
    return await client.withDeadline(Date.now() + SERVER_MS, question);
  } catch (error) {
    throw serverFailure(error) ?? error;
  }
}

/** The job with this id, or one run of it; undefined if there is none. Throws NotAJob, ServerFailed. */
export async function findJob(
  client: Client,
  id: string,
  run?: string,
): Promise<WorkflowExecutionDescription | undefined> {
  if (!isPossibleId(id)) return undefined;
  try {
    const job = await askServer(client, () => client.workflow.getHandle(id, run).describe());
    if (job.type === 'updateCustomers') return job;
    throw new NotAJob(id, job.type);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** The job with this id. Throws NoSuchJob, NotAJob, ServerFailed. */
export async function getJob(client: Client, id: string): Promise<WorkflowExecutionDescription> {
  const job = await findJob(client, id);
  if (job) return job;
  throw new NoSuchJob(id);
}

/** Asks a job something. Throws NoSuchJob, NotAJob, NoAnswer, ServerFailed. */
export async function askJob<T>(client: Client, id: string, question: () => Promise<T>): Promise<T> {
  try {
    return await within(client, ANSWER_MS, question);
  } catch (error) {
    const failure = serverFailure(error);
    if (!UNANSWERED.some((Unanswered) => error instanceof Unanswered)) throw failure ?? error;
    if (failure && !failure.temporary) throw failure;
    // Only the server knows whether the job, its worker or the server itself is missing.
    await getJob(client, id);
    const why =
      (await whyNobodyAnswers(client)) ??
      `No worker answered for the job ${id}${reasonOf(error)}, although one polled for work in the last minute. ` +
        "If this lasts, the worker's log says why.";
    throw new NoAnswer(why, { cause: error });
  }
}

/** Tells a running job to do something. Throws TooLate if the job no longer accepts it, and what askJob throws. */
export async function tellJob<T>(client: Client, id: string, order: () => Promise<T>): Promise<T> {
  await checkRunning(client, id);
  try {
    return await askJob(client, id, order);
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) throw new TooLate(error.cause?.message ?? error.message);
    // It may have ended in between.
    if (error instanceof NoAnswer) await checkRunning(client, id);
    throw error;
  }
}

async function checkRunning(client: Client, id: string): Promise<void> {
  const { status } = await getJob(client, id);
  if (status.name !== 'RUNNING') throw new TooLate(`The job ${id} has already ended (${status.name.toLowerCase()}).`);
}

/** Why no worker can answer for jobs, and what to do; undefined if one can, or if the server does not say. */
export async function whyNobodyAnswers(client: Client): Promise<string | undefined> {
  const queue = await askServer(client, () => jobsRouting(client)).catch(() => undefined);
  if (queue === undefined) return undefined;
  const [latest] = queue.pollers;
  if (latest === undefined) {
    return `No worker polls the task queue ${JOBS_TASK_QUEUE}. Start one with npm run worker; the job is safe until then.`;
  }
  if (queue.pollers.some((version) => receivesJobs(queue, version))) return undefined;
  return (
    `Jobs are routed to workers ${queue.routedTo.map(inWords).join(' or ')}, and none of those is running. Start one, or route ` +
    `jobs to the workers ${inWords(latest)}, which are running: ${makeCurrent(queue, latest)}`
  );
}

/** Errors of a question that got no answer, for whatever reason. */
const UNANSWERED = [
  ...[TimeIsUp, ServiceError, WorkflowUpdateRPCTimeoutOrCancelledError],
  ...[WorkflowNotFoundError, QueryNotRegisteredError],
];

/** The error in our words if it is the server's; undefined for any other. */
export function serverFailure(error: unknown): ServerFailed | undefined {
  if (error instanceof NamespaceNotFoundError) {
    return new ServerFailed(`The Temporal server has no namespace ${error.namespace}.`, false, { cause: error });
  }
  const failure = grpcFailure(error);
  if (failure === undefined && !(error instanceof ServiceError)) return undefined;
  // Without a gRPC status the connection was closed by us, or the request could not be made.
  const temporary = failure !== undefined && !isRefused(error);
  const how = temporary ? "can't be reached" : 'rejected the request';
  return new ServerFailed(`The Temporal server ${how}${reasonOf(error)}.`, temporary, { cause: error });
}

function reasonOf(error: unknown): string {
  if (error instanceof TimeIsUp) return ` within ${ANSWER_MS / 1000} s`;
  const details = detailsOf(error as Error);
  return details === '' ? '' : `: ${details}`;
}
