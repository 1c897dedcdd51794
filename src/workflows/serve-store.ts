import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { type LeaseEnd, OPENING_MS, type ServeStoreInput } from '../contract/activities.ts';
import { openSignal, STORE_HASH, storeWorkflowId } from '../contract/job.ts';
import { serveStoreQueue } from './activities.ts';
import { untilTooLong } from './renewal.ts';

/**
 * One store: as long as jobs need it, keeps one serveStoreQueue activity running, whose attempt is the right to serve
 * the store's queue. It knows no jobs: the serving process gives the lease back once the queue has been idle for a
 * while.
 */
export async function serveStore(input: ServeStoreInput): Promise<void> {
  const { workflowId } = workflowInfo();
  // Under another id it would be a second lease of the same store, and three more calls in flight.
  const storeHash: unknown = input?.storeHash;
  if (typeof storeHash !== 'string' || !STORE_HASH.test(storeHash) || workflowId !== storeWorkflowId(storeHash)) {
    const message =
      'Expected a workflow id such as customer-updates-store/abc123 with the input {"storeHash": "abc123"}, got the id ' +
      `${workflowId}. Jobs start this workflow.`;
    throw ApplicationFailure.create({ type: 'BadInput', message, nonRetryable: true });
  }
  let openedAt = Date.now();
  setHandler(openSignal, () => void (openedAt = Date.now()), { description: 'A job needs the store.' });
  setCurrentDetails(
    `Keeps one worker serving the queue of store ${storeHash} as long as jobs need it.\n\n` +
      'Which worker, for which jobs and at what pace: see the heartbeat details of the pending activity.',
  );
  for (;;) {
    const end = await serve(storeHash);
    // A job that opened the store while its queue was being given back must find it open.
    if (end === 'idle' && Date.now() - openedAt >= OPENING_MS) return;
    if (end === 'rotated') {
      await condition(allHandlersFinished);
      await continueAsNew<typeof serveStore>(input);
    }
  }
}

/** Has the queue served until its lease is given back; long before the run has taken too many signals, it is rotated. */
async function serve(storeHash: string): Promise<LeaseEnd> {
  const summary = `serve store ${storeHash}`;
  const end = await untilTooLong(() => serveStoreQueue.executeWithOptions({ summary }, [{ storeHash }]));
  return end === 'renew' ? 'rotated' : end;
}
