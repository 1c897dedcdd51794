import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import type { JobActivities } from '../contract/activities.ts';
import { JOBS_TASK_QUEUE, openSignal, STORES_TASK_QUEUE, storeWorkflowId } from '../contract/job.ts';
import { closeJob } from '../jobs/close.ts';
import { saveFailures } from '../jobs/failure-files.ts';
import { jobKeys } from '../jobs/keys.ts';
import { parseJobInput } from '../contract/schema.ts';
import { isRunning, startedEvent } from '../temporal/internals.ts';
import { stoppable } from '../storage/storage.ts';
import { withHeartbeats } from './context.ts';
import { jobFailure } from './failures.ts';
import { prepareJob } from './prepare-job.ts';
import type { PreparingParts } from './job-source.ts';
import { Turns } from './turns.ts';

/** Jobs that a process prepares or closes at once: with the largest rows, each takes some 200 MB. */
const JOBS_AT_ONCE = 3;

/** The activities on the jobs' queue. */
export function createJobActivities(parts: PreparingParts): JobActivities {
  const { client, storage } = parts;
  const turns = new Turns(JOBS_AT_ONCE);
  const inTurn = <T>(run: () => Promise<T>) =>
    withHeartbeats(() => turns.run(run, Context.current().cancellationSignal));
  const close: JobActivities['closeJob'] = ({ input, ...job }) =>
    inTurn(async () => {
      try {
        const { source, options } = parseJobInput(input);
        const { info, cancellationSignal } = Context.current();
        const { runId = '', workflowId: id = '' } = info.workflowExecution ?? {};
        const started = await startedEvent(client, id, runId);
        // The run that a reset makes begins with the events of the run that was reset.
        const wasReset = started != null && started.originalExecutionRunId !== runId;
        // No job cancels it, but a stopping process does: it must end soon, and the next attempt continues.
        return await closeJob(stoppable(storage, cancellationSignal), runId, { ...job, id, source, options, wasReset });
      } catch (error) {
        throw jobFailure(error);
      }
    });
  return {
    prepareJob: (input) => inTurn(() => prepareJob(parts, input)),

    async openStore({ storeHash, unlessServed = false }) {
      const isServed = async (handle: WorkflowHandle) =>
        isRunning((await handle.describe()).raw.pendingActivities?.[0]);
      const serveStore = client.workflow.getHandle(storeWorkflowId(storeHash));
      // A run that has ended says no, as one that there never was does.
      if (unlessServed && (await isServed(serveStore).catch(() => false))) return { served: true };
      const handle = await client.workflow.signalWithStart('serveStore', {
        workflowId: storeWorkflowId(storeHash),
        taskQueue: JOBS_TASK_QUEUE,
        args: [{ storeHash }],
        signal: openSignal,
        staticSummary: `store ${storeHash}`,
        staticDetails: `Keeps one worker serving the queue of store ${storeHash} as long as jobs need it (${STORES_TASK_QUEUE}).`,
      });
      return { served: await isServed(handle) };
    },

    saveFailures: ({ job, name, failures, olderIn }) =>
      withHeartbeats(() => saveFailures(storage, jobKeys(job).failures(name), failures, olderIn)),

    closeJob: close,
  };
}
