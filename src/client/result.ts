import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, isGrpcDeadlineError, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure, WorkflowNotFoundError } from '@temporalio/common';
import type { JobResult } from '../contract/job.ts';
import { JobEnded, NoSuchJob, ServerFailed } from './errors.ts';
import { findJob, getJob, serverFailure, TimeIsUp, within } from './server.ts';
import { firstRunOf } from '../temporal/internals.ts';

/** Each request waits at the server for 20 s. One that takes much longer may be waiting on a dead connection. */
const ROUND_MS = 60_000;

/** Between two attempts to reach a server that is down; the library has already tried for some 20 s. */
const PAUSE_MS = 1_000;

/** Waits for a job to end, however often it continues as new and however long the server is down. */
export async function resultOf(client: Client, id: string, signal: AbortSignal | undefined): Promise<JobResult> {
  const handle = client.workflow.getHandle(id);
  signal?.throwIfAborted();
  // Checks that it is a job: any other workflow returns something else.
  const began = firstRunOf(await getJob(client, id));
  for (;;) {
    try {
      return (await within(client, ROUND_MS, () => handle.result(), signal)) as JobResult;
    } catch (error) {
      if (error instanceof WorkflowFailedError) {
        // A reset terminates the current run and starts another one.
        if (error.cause instanceof TerminatedFailure && (await continues(client, id, began))) continue;
        throw ended(error);
      }
      if (error instanceof WorkflowNotFoundError) throw new NoSuchJob(id);
      if (error instanceof TimeIsUp) continue;
      const failure = serverFailure(error);
      if (!failure?.temporary) throw failure ?? error;
      // If a deadline of the caller's own has passed, any other call fails in the same way.
      if (isGrpcDeadlineError((error as Error).cause) && (await deadlinePassed(client, id))) throw failure;
      await sleep(PAUSE_MS, undefined, { signal });
    }
  }
}

/** Whether a job has another run after one that was terminated; also true if the server can't say at present. */
async function continues(client: Client, id: string, began: string): Promise<boolean> {
  try {
    const job = await findJob(client, id);
    return job !== undefined && job.status.name !== 'TERMINATED' && firstRunOf(job) === began;
  } catch (error) {
    if (error instanceof ServerFailed && error.temporary) return true;
    throw error;
  }
}

const deadlinePassed = (client: Client, id: string): Promise<boolean> =>
  client.workflow
    .getHandle(id)
    .describe()
    .then(
      () => false,
      (error: unknown) => isGrpcDeadlineError((error as Error).cause),
    );

function ended({ cause, message }: WorkflowFailedError): JobEnded {
  if (cause instanceof CancelledFailure) return new JobEnded('cancelled', 'The job was cancelled.');
  if (cause instanceof TerminatedFailure) return new JobEnded('terminated', 'The job was terminated.');
  if (!(cause instanceof ApplicationFailure)) return new JobEnded('failed', cause?.message ?? message);
  // Not every failure is a job's own.
  const details: unknown = cause.details?.[0];
  return new JobEnded('failed', cause.message, cause.type ?? undefined, isResult(details) ? details : undefined);
}

const isResult = (details: unknown): details is JobResult =>
  typeof details === 'object' && details !== null && 'customers' in details && 'chunks' in details;
