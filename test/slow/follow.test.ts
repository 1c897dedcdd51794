import { rename } from 'node:fs/promises';
import { Client, Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';
import {
  BadInput,
  customerUpdate,
  type CustomerUpdate,
  type Failure,
  FilesGone,
  JobEnded,
  jobId,
  NoAnswer,
  NoSuchJob,
  NotAJob,
  ServerFailed,
  startCustomerUpdate,
  TooLate,
} from '../../src/client.ts';
import { customers } from '../support/customers.ts';
import { startProxy } from '../support/proxy.ts';
import { reset } from '../support/reset.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({
  emulator: ['--customers', '3000', '--latency', '20'],
  // A run is some 60 chunks long.
  server: { dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 250 } },
  durable: true,
});
let jobStore: string;
beforeAll(async () => {
  jobStore = `file:${system.folder}/data`;
});

const started = (name: string, rows: Iterable<unknown>, client = system.client) =>
  startCustomerUpdate(client, { storeHash: 'abc', source: { customers: rows } }, name, { jobStore });

/** Another client of the same server, with a connection that can be cut. */
async function cuttable() {
  const proxy = await startProxy(system.server.address);
  const connection = await Connection.connect({
    address: proxy.address,
    // The library gives up soon, and leaves the rest to us.
    interceptors: [makeGrpcRetryInterceptor(defaultGrpcRetryOptions({ maxAttempts: 2 }))],
    channelArgs: { 'grpc.keepalive_time_ms': 1_000, 'grpc.keepalive_timeout_ms': 1_000 },
  });
  const close = async () => {
    await connection.close();
    proxy.close();
  };
  return { proxy, client: new Client({ connection }), close };
}

async function listed(failures: AsyncIterable<Failure>): Promise<Failure[]> {
  const list: Failure[] = [];
  for await (const failure of failures) list.push(failure);
  return list;
}

const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

test('result keeps waiting while the job continues as new, the connection is cut, and the server is down', async () => {
  const { proxy, client, close } = await cuttable();
  await system.control('faults', { fault: 'latency', ms: 1_000 });
  const job = await started('long', new Set(customers(1_500)), client);
  const result = job.result();
  const handle = system.client.workflow.getHandle(job.id);
  const { runId } = await handle.describe();
  await until(async () => (await job.progress()).chunks.done > 0);
  for (const trouble of [() => proxy.cut(), () => proxy.refuse()]) {
    trouble();
    const unreachable = await thrownBy(job.progress());
    expect(unreachable).toBeInstanceOf(ServerFailed);
    expect(unreachable).toMatchObject({ name: 'ServerFailed', temporary: true });
  }
  expect((await customerUpdate(system.client, job.id).progress()).state).toBe('running');
  proxy.mend();
  await system.control('reset', {});
  expect((await result).customers).toMatchObject({ total: 1_500, updated: 1_500 });
  expect((await handle.describe()).runId).not.toBe(runId);
  await close();
});

test('result waits for the run that a reset starts, but not for another job with the same id', async () => {
  await system.control('faults', { fault: 'latency', ms: 1_000 });
  const job = await started('reset', new Set(customers(60)));
  const result = job.result();
  const handle = system.client.workflow.getHandle(job.id);
  await until(async () => (await job.progress()).chunks.done > 0);
  await reset(system, handle);
  await system.control('faults', { clear: true });
  expect((await result).customers).toMatchObject({ total: 60, updated: 60 });

  await system.control('faults', { fault: 'latency', ms: 1_000 });
  const ending = await started('terminated', customers(60));
  const ended = thrownBy(ending.result());
  await system.client.workflow.getHandle(ending.id).terminate();
  await started('terminated', customers(10));
  expect(await ended).toMatchObject({ name: 'JobEnded', how: 'terminated' });
});

test('a caller can stop waiting for a result, and the job carries on', async () => {
  await system.control('faults', { fault: 'latency', ms: 1_000 });
  const job = await started('stopped', new Set(customers(600)));
  await until(async () => (await job.progress()).state === 'running');
  const stop = new AbortController();
  const waiting = job.result(stop.signal);
  stop.abort(new Error('we stop'));
  await expect(waiting).rejects.toThrow('we stop');
  await expect(job.result(stop.signal)).rejects.toThrow('we stop');
  await expect(system.connection.withDeadline(Date.now() + 500, () => job.result())).rejects.toThrow(ServerFailed);
  expect((await job.progress()).state).toBe('running');
  await job.cancel();
  const ended = await thrownBy(job.result());
  expect(ended).toBeInstanceOf(JobEnded);
  expect(ended).toMatchObject({ name: 'JobEnded', how: 'cancelled' });
});

test('a job that is closing or has ended accepts no pause, resume or cancel', async () => {
  const job = await started('over', [{ id: 1, notes: 'x' }].values());
  await job.result();
  for (const order of [() => job.pause(), () => job.resume(), () => job.cancel()]) {
    const error = await thrownBy(order());
    expect(error).toBeInstanceOf(TooLate);
    expect(error).toMatchObject({ name: 'TooLate', message: expect.stringMatching(/has already ended \(completed\)/) });
  }
  await system.control('faults', { fault: 'latency', ms: 5_000 });
  const closing = await started('closing', new Set(customers(300)));
  await until(async () => ((await system.stats())['inFlight'] ?? 0) > 0);
  await closing.cancel();
  await until(async () => (await closing.progress()).state === 'cancelling');
  await expect(closing.pause()).rejects.toMatchObject({
    name: 'TooLate',
    message: expect.stringMatching(/cancelling/),
  });
  await closing.result().catch(() => undefined);
});

test('failures in files are included, each once, while a job runs and afterwards; or the error says why not', async () => {
  const rows = [
    ...customers(100),
    ...Array.from({ length: 2_400 }, (_, index) => ({ id: 101 + index, first_name: '' })),
  ];
  const nobody = Array.from({ length: 30 }, (_, index) => ({ id: 900_000 + index, notes: 'nobody' }));
  await system.control('faults', { fault: 'latency', ms: 2_000 });
  const job = await started('failing', [...rows, ...nobody].values());
  await until(async () => (await job.progress()).state === 'running');
  await job.pause();
  const invalid = rows.slice(100).map((_, index) => 101 + index);
  expect(
    (await listed(job.allFailures()))
      .map(({ row }) => row)
      .toSorted((a, b) => a - b)
      .slice(0, 2_400),
  ).toEqual(invalid);
  await system.control('reset', {});
  await job.resume();
  const { customers: counts } = await job.result();
  expect(counts).toMatchObject({ invalid: 2_400, rejected: 30 });
  const all = await listed(job.allFailures());
  expect(all.map(({ row }) => row).toSorted((a, b) => a - b)).toEqual([
    ...invalid,
    ...nobody.map((_, index) => 2_501 + index),
  ]);
  expect(all.filter(({ outcome }) => outcome === 'rejected')).toHaveLength(30);

  const bare = customerUpdate(system.client, job.id);
  expect(await thrownBy(listed(bare.allFailures()))).toBeInstanceOf(BadInput);
  const elsewhere = customerUpdate(system.client, job.id, { jobStore: 'file:/nowhere' });
  expect(await thrownBy(listed(elsewhere.allFailures()))).toBeInstanceOf(FilesGone);
  await rename(`${system.folder}/data/jobs`, `${system.folder}/data/purged`);
  expect(await thrownBy(listed(job.allFailures()))).toBeInstanceOf(FilesGone);
  await rename(`${system.folder}/data/purged`, `${system.folder}/data/jobs`);
});

const methods = (job: CustomerUpdate) => [
  ...[() => job.progress(), () => job.outcomes(), () => job.failures(), () => listed(job.allFailures())],
  ...[() => job.pause(), () => job.resume(), () => job.cancel(), () => job.result()],
];

test('every method has its own error for a missing job and for another kind of workflow, which it leaves alone', async () => {
  for (const method of methods(customerUpdate(system.client, jobId('abc', 'never')))) {
    const error = await thrownBy(method());
    expect(error).toBeInstanceOf(NoSuchJob);
    expect(error).toMatchObject({ name: 'NoSuchJob' });
  }
  for (const id of ['a\u0000b', 'a\uD800b']) {
    expect(await thrownBy(customerUpdate(system.client, id).cancel())).toBeInstanceOf(NoSuchJob);
    expect(await thrownBy(customerUpdate(system.client, id).result())).toBeInstanceOf(NoSuchJob);
  }
  const other = { workflowId: 'another kind', taskQueue: 'nobody', args: [] };
  const handle = await system.client.workflow.start('serveSomething', other);
  await expect(customerUpdate(system.client, 'another kind').cancel()).rejects.toBeInstanceOf(NotAJob);
  for (const method of methods(customerUpdate(system.client, 'another kind')).slice(4))
    expect(await thrownBy(method())).toMatchObject({ name: 'NotAJob' });
  expect(await thrownBy(customerUpdate(system.client, 'another kind').progress())).toBeInstanceOf(NotAJob);
  const { raw, status } = await handle.describe();
  expect([status.name, raw.workflowExtendedInfo?.cancelRequested ?? false]).toEqual(['RUNNING', false]);
  await handle.terminate();
});

test('without a worker, questions and orders say so in time, and a cancel arrives all the same', async () => {
  await Promise.all((await system.workersUp()).map((worker) => worker.stop()));
  const job = await started('unanswered', [{ id: 1, notes: 'x' }].values());
  const [asked, told] = await Promise.all([thrownBy(job.progress()), thrownBy(job.pause())]);
  expect([asked, told]).toEqual([expect.any(NoAnswer), expect.any(NoAnswer)]);
  expect(asked).toMatchObject({
    name: 'NoAnswer',
    message: expect.stringMatching(/No worker (answered for the job|polls)/),
  });
  await job.cancel();
  await system.startWorker();
  await expect(job.result()).rejects.toMatchObject({ how: 'cancelled' });
});
