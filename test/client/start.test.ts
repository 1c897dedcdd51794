import { readdir } from 'node:fs/promises';
import { Client, Connection } from '@temporalio/client';
import {
  BadInput,
  customerUpdate,
  jobId,
  NotAJob,
  ServerFailed,
  startCustomerUpdate,
  StreamFailed,
} from '../../src/client.ts';
import { customers } from '../support/customers.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '3000', '--latency', '50'] });
let jobStore: string;
beforeAll(async () => {
  jobStore = `file:${system.folder}/data`;
});

const startedFrom = (name: string, source: AsyncIterable<unknown> | Iterable<unknown>, more = {}) =>
  startCustomerUpdate(system.client, { storeHash: 'abc', source: { customers: source } }, name, { jobStore, ...more });

/** Copies of sources in the job store. */
async function copies(): Promise<string[]> {
  const folder = `${system.folder}/data/sources/copies`;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

/** An iterable that fails the test if it is read. */
const untouched = {
  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    throw new Error('It was read.');
  },
};

async function* generated(n: number) {
  yield* customers(n);
}

test('all customers from a generator are updated, whatever else is among them, and no copy is left', async () => {
  async function* rows() {
    yield* customers(300);
    yield undefined;
    yield { id: 301, notes: 'last' };
  }
  const job = await startedFrom('generated', rows(), { startedBy: 'a test' });
  const result = await job.result();
  expect(result.customers).toMatchObject({ total: 302, updated: 301, invalid: 1 });
  expect((await job.failures()).failures).toMatchObject([{ row: 301, id: null, outcome: 'invalid' }]);
  expect(await system.customer(301)).toMatchObject({ notes: 'last' });
  expect(await copies()).toEqual([]);
  const { memo } = await system.client.workflow.getHandle(job.id).describe();
  expect(memo).toMatchObject({ source: expect.stringMatching(/\.ndjson$/), startedBy: 'a test' });
});

test('a start attaches to an ended job without reading the iterable; with again, it starts another one', async () => {
  const job = await startedFrom('generated', untouched);
  expect((await job.result()).customers.total).toBe(302);
  const anew = await startedFrom('generated', generated(5), { again: true });
  expect((await anew.result()).customers.total).toBe(5);
  expect(await copies()).toEqual([]);
});

test('a start attaches to a running job without reading the iterable, even with again; a cancelled one is started anew', async () => {
  const first = await startedFrom('running', generated(300));
  await first.pause('so that it keeps running');
  await until(async () => (await first.progress()).customers.total === 300);
  const before = await copies();
  expect(before).toHaveLength(1);
  for (const again of [false, true]) {
    const same = await startedFrom('running', untouched, { again });
    expect(await same.progress()).toMatchObject({ state: 'paused', customers: { total: 300 } });
  }
  expect(await copies()).toEqual(before);
  await first.cancel();
  await expect(first.result()).rejects.toMatchObject({ name: 'JobEnded', how: 'cancelled' });
  const anew = await startedFrom('running', generated(7));
  expect((await anew.result()).customers).toMatchObject({ total: 7, updated: 7 });
  expect(await copies()).toEqual([]);
});

test('two that start the same job at once both get the same one, and the copy of the other is deleted', async () => {
  await system.control('faults', { fault: 'latency', ms: 3_000 });
  // Each waits before its last customer until the other one has got as far.
  let arrived = 0;
  let open = () => {};
  const both = new Promise<void>((resolve) => (open = resolve));
  async function* racing(n: number) {
    yield* customers(n - 1);
    if (++arrived === 2) open();
    await both;
    yield { id: n, notes: 'last' };
  }
  const [one, other] = await Promise.all([startedFrom('raced', racing(120)), startedFrom('raced', racing(130))]);
  expect(one.id).toBe(other.id);
  expect(await copies()).toHaveLength(1);
  await system.control('reset', {});
  const [a, b] = await Promise.all([one.result(), other.result()]);
  expect(a).toEqual(b);
  expect([120, 130]).toContain(a.customers.updated);
  expect(await copies()).toEqual([]);
});

test("an iterable that throws, or a customer that JSON can't hold, starts nothing and leaves nothing behind", async () => {
  async function* broken() {
    yield* customers(2_000);
    throw new Error('gone');
  }
  async function* big() {
    yield { id: 1 };
    yield { id: 2n };
  }
  await expect(startedFrom('broken', broken())).rejects.toMatchObject({ name: 'StreamFailed', item: 2_001 });
  await expect(startedFrom('broken', broken())).rejects.toBeInstanceOf(StreamFailed);
  await expect(startedFrom('broken', big())).rejects.toThrow(/customer 2 /);
  await expect(customerUpdate(system.client, jobId('abc', 'broken')).progress()).rejects.toThrow(/There is no job/);
  expect(await copies()).toEqual([]);
});

test('a wrong store, name, option, job store, id or server is reported before anything is read', async () => {
  const input = { storeHash: 'abc', source: { customers: untouched } };
  const start = (more = {}, name = 'x', options = {}) =>
    startCustomerUpdate(system.client, { ...input, ...more }, name, options);
  await expect(start({ storeHash: 'ABC' }, 'x', { jobStore })).rejects.toThrow(BadInput);
  await expect(start({ options: { limit: 0 } }, 'x', { jobStore })).rejects.toThrow(/options.limit/);
  await expect(start({}, '', { jobStore })).rejects.toThrow(/name: expected/);
  await expect(start()).rejects.toThrow(/options.jobStore: expected the URI .* got nothing/);
  await expect(start({}, 'x', { jobStore: '/data' })).rejects.toThrow(/options.jobStore: Expected file:/);

  const workflowId = jobId('abc', 'another');
  const other = await system.client.workflow.start('serveSomething', { workflowId, taskQueue: 'nobody', args: [] });
  await expect(startedFrom('another', untouched)).rejects.toBeInstanceOf(NotAJob);
  const inline = { storeHash: 'abc', source: { customers: [{ id: 1 }] } };
  await expect(startCustomerUpdate(system.client, inline, 'another')).rejects.toBeInstanceOf(NotAJob);
  await other.terminate();

  const nowhere = new Client({ connection: system.connection, namespace: 'nowhere' });
  const failed = await startCustomerUpdate(nowhere, input, 'x', { jobStore }).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(ServerFailed);
  expect(failed).toMatchObject({ temporary: false, message: expect.stringContaining('no namespace nowhere') });
  const connection = Connection.lazy({ address: '127.0.0.1:1' });
  const unreachable = await startCustomerUpdate(new Client({ connection }), input, 'x', { jobStore }).catch(
    (error: unknown) => error,
  );
  expect(unreachable).toBeInstanceOf(ServerFailed);
  expect(unreachable).toMatchObject({ temporary: true, message: expect.stringMatching(/can't be reached/) });
  await connection.close();
});

test('if the answer to a start is lost, the copy is deleted only if no job reads it', async () => {
  const losing = (arrives: boolean) => {
    const connection = Object.create(system.connection, {
      workflowService: {
        value: Object.create(system.connection.workflowService, {
          startWorkflowExecution: {
            value: async (request: never) => {
              if (arrives) await system.connection.workflowService.startWorkflowExecution(request);
              throw Object.assign(new Error('14 UNAVAILABLE: gone'), {
                code: 14,
                details: 'gone',
                metadata: { get: () => [] },
              });
            },
          },
        }),
      },
    }) as Connection;
    return new Client({ connection, namespace: system.namespace });
  };
  const start = (client: Client) =>
    startCustomerUpdate(client, { storeHash: 'abc', source: { customers: generated(110) } }, 'lost', { jobStore });

  await expect(start(losing(false))).rejects.toMatchObject({ name: 'ServerFailed', temporary: true });
  expect(await copies()).toEqual([]);
  const job = await start(losing(true));
  expect((await job.result()).customers).toMatchObject({ total: 110, updated: 110 });
});
