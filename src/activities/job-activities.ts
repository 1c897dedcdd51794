import { Context } from '@temporalio/activity';
import type { JobActivities } from '../contract/activities.ts';
import { JOBS_TASK_QUEUE, openSignal, STORES_TASK_QUEUE, storeWorkflowId } from '../contract/job.ts';
import { closeJob } from '../jobs/close.ts';
import { saveFailures } from '../jobs/failure-files.ts';
import type { FixableJob } from '../jobs/fix.ts';
import { readNames } from '../jobs/names-file.ts';
import { jobKeys } from '../jobs/keys.ts';
import { BadInput, parseJobInput } from '../contract/schema.ts';
import { BadSource } from '../jobs/sources/record.ts';
import { isRunning, startedEvent } from '../temporal/internals.ts';
import { stoppable, type Storage } from '../storage/storage.ts';
import { withHeartbeats } from './context.ts';
import { jobFailure, requireFiles } from './failures.ts';
import { prepareJob } from './prepare-job.ts';
import { NothingToRetry, type PreparingParts, recordsOf } from './job-source.ts';
import { Turns } from '../jobs/turns.ts';

/** Attempts of closeJob in which it waits for a source that can't be read. */
const TRIES = 3;

/** Jobs that a process prepares or closes at once. More would wait for the same processor, and take more memory. */
const JOBS_AT_ONCE = 3;

/** The activities on the jobs' queue. */
export function createJobActivities(parts: PreparingParts): JobActivities {
  const { client, storage, jobStore } = parts;
  const turns = new Turns(JOBS_AT_ONCE);
  const inTurn = <T>(run: () => Promise<T>) =>
    withHeartbeats(() => turns.run(run, Context.current().cancellationSignal));
  const close: JobActivities['closeJob'] = ({ input, ...job }) =>
    inTurn(async () => {
      requireFiles(jobStore, job.job);
      try {
        const { source, options } = parseJobInput(input);
        const { info, cancellationSignal } = Context.current();
        const { runId = '', workflowId: id = '' } = info.workflowExecution ?? {};
        const started = await startedEvent(client, id, runId);
        // The run that a reset makes begins with the events of the run that was reset.
        const wasReset = started != null && started.originalExecutionRunId !== runId;
        // No job cancels it, but a stopping process does: it must end soon, and the next attempt continues.
        const untilStopped = (place: Storage) => stoppable(place, cancellationSignal);
        const sourceRoots = parts.sourceRoots.map(untilStopped);
        const reader = { storeHash: job.job.storeHash, id, key: job.job.key };
        const readAgain: FixableJob['readAgain'] = async (digest) => {
          const names = await readNames(storage, job.job);
          const place = { client, storage: untilStopped(storage), sourceRoots };
          return recordsOf(place, reader, source, { ...options, ...names, digest }).catch((error: unknown) => {
            // The job of which this one is a retry was purged, or its workflow deleted.
            const isGone = error instanceof BadInput || error instanceof NothingToRetry;
            throw isGone ? new BadSource(error.message, { cause: error }) : error;
          });
        };
        const isLastTry = info.attempt >= TRIES;
        const ended = { ...job, id, source, options, wasReset, readAgain, isLastTry };
        return await closeJob(untilStopped(storage), runId, ended);
      } catch (error) {
        throw jobFailure(error, Context.current().info.attempt);
      }
    });
  return {
    prepareJob: (input) => inTurn(() => prepareJob(parts, input)),

    async openStore({ storeHash, unlessServed = false }) {
      const serveStore = client.workflow.getHandle(storeWorkflowId(storeHash));
      // A run that has ended says no, as one that there never was does.
      const isServed = () =>
        serveStore
          .describe()
          .then(({ raw }) => isRunning(raw.pendingActivities?.[0]))
          .catch(() => false);
      if (unlessServed && (await isServed())) return { served: true };
      const signalled = client.workflow.signalWithStart('serveStore', {
        workflowId: serveStore.workflowId,
        taskQueue: JOBS_TASK_QUEUE,
        args: [{ storeHash }],
        signal: openSignal,
        staticSummary: `store ${storeHash}`,
        staticDetails: `Keeps one worker serving the queue of store ${storeHash} as long as jobs need it (${STORES_TASK_QUEUE}).`,
      });
      return signalled.then(
        async () => ({ served: await isServed() }),
        // A run may have taken as many signals as it may. A job needs none to begin while the store is served.
        async (error: unknown) => {
          if (await isServed()) return { served: true };
          throw error;
        },
      );
    },

    saveFailures: ({ job, name, failures, olderIn }) =>
      withHeartbeats(async () => {
        requireFiles(jobStore, job);
        try {
          return await saveFailures(storage, jobKeys(job).failures(name), failures, olderIn);
        } catch (error) {
          throw jobFailure(error, Context.current().info.attempt);
        }
      }),

    closeJob: close,
  };
}
