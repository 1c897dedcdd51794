import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { IDLE_MS, type ServeStoreInput } from '../contract/activities.ts';
import { openSignal, STORE_HASH, storeWorkflowId } from '../contract/job.ts';
import { serveStoreQueue } from './activities.ts';

/**
 * One store: while jobs need it, keeps one serveStoreQueue activity running, whose attempt is the right to serve the
 * store's queue. It knows no jobs: the process that serves gives the lease back when the queue was idle for a minute.
 */
export async function serveStore(input: ServeStoreInput): Promise<void> {
  const { workflowId } = workflowInfo();
  // Another id would be another lease of the same store, and three more calls in flight.
  const storeHash: unknown = input?.storeHash;
  if (typeof storeHash !== 'string' || !STORE_HASH.test(storeHash) || workflowId !== storeWorkflowId(storeHash)) {
    const message = `Expected a workflow id such as customer-updates-store/abc123 and the input {"storeHash": "abc123"}, got the id ${workflowId}. Jobs start this workflow.`;
    throw ApplicationFailure.create({ type: 'BadInput', message, nonRetryable: true });
  }
  let openedAt = Date.now();
  setHandler(openSignal, () => void (openedAt = Date.now()), { description: 'A job needs the store.' });
  setCurrentDetails(
    `Keeps one worker serving the queue of store ${storeHash}, for as long as jobs need it.\n\n` +
      'Which worker, for which jobs and at what pace: see the heartbeat details of the pending activity.',
  );
  for (;;) {
    const summary = `serve store ${input.storeHash}`;
    const end = await serveStoreQueue.executeWithOptions({ summary }, [input]);
    // A job that opened the store while the queue was being given back must find it open.
    if (end === 'idle' && Date.now() - openedAt >= IDLE_MS) return;
    if (end === 'rotated') {
      await condition(allHandlersFinished);
      await continueAsNew<typeof serveStore>(input);
    }
  }
}
