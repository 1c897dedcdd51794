import proto from '@temporalio/proto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createJobActivities } from '../../src/activities/job-activities.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import { prepare } from '../../src/jobs/prepare.ts';
import { NO_LOOK_UPS } from '../../src/contract/look-ups.ts';
import { type ChunkCode, encodeChunk, encodeRuns } from '../../src/contract/outcomes.ts';
import { inline, newStorage } from '../jobs/support.ts';
import { textOf } from '../storage/conformance.ts';
import { customers } from '../support/customers.ts';
import type { PreparingParts } from '../../src/activities/job-source.ts';

const { PENDING_ACTIVITY_STATE_STARTED: STARTED, PENDING_ACTIVITY_STATE_SCHEDULED: SCHEDULED } =
  proto.temporal.api.enums.v1.PendingActivityState;

const job = { storeHash: 'abc', key: 'run-1' };
const keys = jobKeys(job);
const UNPROCESSED: ChunkCode = { state: 'unprocessed', rejected: 0, failed: 0, attempts: 0 };

test.each([
  ['read', keys.page(1)],
  ['deleted', keys.working[0]],
])(
  'closing a job stops with its worker while pages are being %s, and the next attempt continues',
  async (what, where) => {
    const storage = await newStorage();
    const source = { customers: customers(3_000) };
    const records = inline(source.customers);
    const { failures, olderIn, ...plan } = await prepare({ storage, keys, records, limit: null });
    const outcomes = encodeRuns(Array.from({ length: plan.chunks }, () => encodeChunk(UNPROCESSED)));
    const input = { storeHash: 'abc', source: { customers: [] } };
    const ending = { job, input, plan, outcomes, lookUps: NO_LOOK_UPS, failures, olderIn, maybeSent: [] };
    // The server does not say how the run began.
    const client = { options: {}, workflowService: { getWorkflowExecutionHistory: async () => ({}) } };
    const { closeJob } = createJobActivities({ client, storage, sourceRoots: [] } as unknown as PreparingParts);

    const worker = new MockActivityEnvironment();
    const read = storage.read.bind(storage);
    const remove = storage.deleteBelow.bind(storage);
    const begins = (doing: string, key: string) => {
      if (doing === what && key === where) worker.cancel('WORKER_SHUTDOWN');
    };
    storage.read = (key, check) => {
      begins('read', key);
      return read(key, check);
    };
    storage.deleteBelow = (folder, signal) => {
      begins('deleted', folder);
      return remove(folder, signal);
    };
    await expect(worker.run(closeJob, ending)).rejects.toMatchObject({ message: 'WORKER_SHUTDOWN' });
    expect(await storage.exists(keys.page(0))).toBe(true);

    await new MockActivityEnvironment().run(closeJob, ending);
    expect((await textOf(storage, keys.report)).trim().split('\n')).toHaveLength(1 + 3_000);
    expect(await storage.exists(keys.page(0))).toBe(false);
  },
);

describe('a store whose serveStore takes no more signals', () => {
  const tooMany = new Error('exceeded workflow execution limit for signal events');

  /** Opens a store, which a process serves or none does. */
  function opened(isServed: boolean): Promise<{ served: boolean }> {
    const raw = { pendingActivities: [{ state: isServed ? STARTED : SCHEDULED }] };
    const handle = { workflowId: 'customer-updates-store/abc', describe: async () => ({ raw }) };
    const workflow = { getHandle: () => handle, signalWithStart: () => Promise.reject(tooMany) };
    const activities = createJobActivities({ client: { workflow } } as unknown as PreparingParts);
    return new MockActivityEnvironment().run(() => activities.openStore({ storeHash: 'abc' }));
  }

  test('is open while it is served: a job begins without its signal', async () => {
    expect(await opened(true)).toEqual({ served: true });
  });

  test('is opened again, by another attempt, if nobody serves it', async () => {
    await expect(opened(false)).rejects.toBe(tooMany);
  });
});
