/** How the client talks to the Temporal server: within a time, and with errors that say what is wrong. */
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
import { isPossibleId } from '../contract/job.ts';
import { detailsOf, grpcFailure, isRefused } from '../temporal/grpc.ts';
import { NoAnswer, NoSuchJob, NotAJob, ServerFailed, TooLate } from './errors.ts';

/** Longest that a job may take to answer: a worker that does not know it any more reads its history first. */
export const ANSWER_MS = 10_000;

/** Longest that the server itself may take. */
const SERVER_MS = 5_000;

/** What is thrown where the time is up. */
export class TimeIsUp extends Error {
  override name = 'TimeIsUp';
}

/**
 * Does something with the server; rejects with TimeIsUp after `ms`, with its reason on `signal`, and as ever on a deadline
 * of the caller's.
 */
export async function within<T>(client: Client, ms: number, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  signal?.throwIfAborted();
  const limit = new AbortController();
  // The library adds one a request, and a server that is about to stop answers long polls at once.
  setMaxListeners(0, limit.signal);
  const timer = setTimeout(() => limit.abort(new TimeIsUp()), ms);
  const stop = () => limit.abort(signal?.reason);
  signal?.addEventListener('abort', stop);
  // The library does not see a signal between two tries.
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

/** The job of this id, or one run of it, as the server knows it, if there is one. Throws NotAJob, and what the library throws. */
export async function describeJob(
  client: Client,
  id: string,
  run?: string,
): Promise<WorkflowExecutionDescription | undefined> {
  if (!isPossibleId(id)) return undefined;
  try {
    const found = await client.workflow.getHandle(id, run).describe();
    if (found.type === 'updateCustomers') return found;
    throw new NotAJob(id, found.type);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** describeJob, in a while of its own. Throws NotAJob and ServerFailed. */
export async function findJob(client: Client, id: string): Promise<WorkflowExecutionDescription | undefined> {
  try {
    // A deadline of the caller's may have passed, which is why we ask.
    return await client.withDeadline(Date.now() + SERVER_MS, () => describeJob(client, id));
  } catch (error) {
    throw serverFailure(error) ?? error;
  }
}

/** findJob where there has to be one. Throws NoSuchJob as well. */
export async function foundJob(client: Client, id: string): Promise<WorkflowExecutionDescription> {
  const found = await findJob(client, id);
  if (found) return found;
  throw new NoSuchJob(id);
}

/** Asks a job something. Throws NoSuchJob, NotAJob, NoAnswer, ServerFailed. */
export async function asked<T>(client: Client, id: string, question: () => Promise<T>): Promise<T> {
  try {
    return await within(client, ANSWER_MS, question);
  } catch (error) {
    if (!UNANSWERED.some((Unanswered) => error instanceof Unanswered)) throw serverFailure(error) ?? error;
    const refused = serverFailure(error);
    if (refused && !refused.temporary) throw refused;
    // Only the server can tell whether it is the job, the worker or itself.
    await foundJob(client, id);
    throw new NoAnswer(
      `No worker answers for the job ${id}${reasonOf(error)}. It goes on when a worker polls its task queue, of the current version where workers have versions.`,
      { cause: error },
    );
  }
}

/** Tells a job that runs to do something. Throws TooLate where it does not take that any more, and as `asked` does. */
export async function told<T>(client: Client, id: string, order: () => Promise<T>): Promise<T> {
  await running(client, id);
  try {
    return await asked(client, id, order);
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) throw new TooLate(error.cause?.message ?? error.message);
    // It may have ended in between.
    if (error instanceof NoAnswer) await running(client, id);
    throw error;
  }
}

async function running(client: Client, id: string): Promise<void> {
  const { status } = await foundJob(client, id);
  if (status.name !== 'RUNNING') throw new TooLate(`The job ${id} has ended already (${status.name.toLowerCase()}).`);
}

/** Errors of a question that was not answered, whatever the reason. */
const UNANSWERED = [
  ...[TimeIsUp, ServiceError, WorkflowUpdateRPCTimeoutOrCancelledError],
  ...[WorkflowNotFoundError, QueryNotRegisteredError],
];

/** The error in our words, where it is the server's; undefined for any other. */
export function serverFailure(error: unknown): ServerFailed | undefined {
  if (error instanceof NamespaceNotFoundError) {
    return new ServerFailed(`The Temporal server has no namespace ${error.namespace}.`, false, { cause: error });
  }
  if (!(error instanceof ServiceError)) return undefined;
  // What is no answer of gRPC's is a connection that was closed, or a mistake.
  const temporary = grpcFailure(error) !== undefined && !isRefused(error);
  const how = temporary ? "can't be reached" : "can't be asked";
  return new ServerFailed(`The Temporal server ${how}${reasonOf(error)}.`, temporary, { cause: error });
}

function reasonOf(error: unknown): string {
  if (error instanceof TimeIsUp) return ` within ${ANSWER_MS / 1000} s`;
  const details = detailsOf(error as Error);
  return details === '' ? '' : `: ${details}`;
}
