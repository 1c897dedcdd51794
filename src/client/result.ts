import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, isGrpcDeadlineError, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure, WorkflowNotFoundError } from '@temporalio/common';
import type { JobResult } from '../contract/job.ts';
import { jobResultSchema } from '../contract/schema.ts';
import { JobEnded, NoSuchJob, ServerFailed } from './errors.ts';
import { findJob, foundJob, serverFailure, TimeIsUp, within } from './server.ts';
import { firstRunOf } from '../temporal/internals.ts';

/** Each request waits for 20 s at the server. One that stays longer may wait on a connection that is dead. */
const ROUND_MS = 60_000;

/** Between two tries at a server that is gone; the library has tried for some 20 s already. */
const PAUSE_MS = 1_000;

/** Waits for a job's end, however often it continues as new and however long the server is away. */
export async function resultOf(client: Client, id: string, signal: AbortSignal | undefined): Promise<JobResult> {
  const handle = client.workflow.getHandle(id);
  signal?.throwIfAborted();
  // Any other workflow returns something else.
  const began = firstRunOf(await foundJob(client, id));
  for (;;) {
    try {
      return (await within(client, ROUND_MS, () => handle.result(), signal)) as JobResult;
    } catch (error) {
      if (error instanceof WorkflowFailedError) {
        // A reset terminates the run that it begins anew.
        if (error.cause instanceof TerminatedFailure && (await goesOn(client, id, began))) continue;
        throw ended(error);
      }
      if (error instanceof WorkflowNotFoundError) throw new NoSuchJob(id);
      if (error instanceof TimeIsUp) continue;
      const failure = serverFailure(error);
      if (!failure?.temporary) throw failure ?? error;
      // A deadline of the caller's own ends any other call as well.
      if (isGrpcDeadlineError((error as Error).cause) && (await isOver(client, id))) throw failure;
      await sleep(PAUSE_MS, undefined, { signal });
    }
  }
}

/** Whether a job of which a run was terminated has another one, which was not; or nobody says at present. */
async function goesOn(client: Client, id: string, began: string): Promise<boolean> {
  try {
    const job = await findJob(client, id);
    return job !== undefined && job.status.name !== 'TERMINATED' && firstRunOf(job) === began;
  } catch (error) {
    if (error instanceof ServerFailed && error.temporary) return true;
    throw error;
  }
}

const isOver = (client: Client, id: string): Promise<boolean> =>
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
  const result = jobResultSchema.safeParse(cause.details?.[0]);
  return new JobEnded('failed', cause.message, cause.type ?? undefined, result.data);
}
