/** The callers of docs/contract.md, in TypeScript and Python, from another namespace: with workers of their own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, NexusOperationFailure } from '@temporalio/common';
import { startProgram, type Program } from '../../dev/servers/processes.ts';
import { jobId, type JobInput, type JobResult } from '../../src/contract/job.ts';
import { customers, writeSource } from '../support/customers.ts';
import { untilDone } from '../support/jobs.ts';
import { fromContract, CALLERS_TASK_QUEUE, createEndpoint, type RunningCaller, startCaller } from '../support/nexus.ts';
import { type Proxy, startProxy } from '../support/proxy.ts';
import { pythonPath } from '../support/python.ts';
import { registerNamespace } from '../support/server.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const system = useSystem({ emulator: ['--customers', '12000', '--latency', '20'] });

/** Between the callers and the server. */
let proxy: Proxy;
/** What the callers have sent. */
const sent: Buffer[] = [];
let namespace: string;
let callers: Client;
let folder: string;
let python: Program;
let typeScript: RunningCaller;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'callers-'));
  namespace = `callers-of-${system.namespace.slice(-6)}`;
  await registerNamespace(system.connection, namespace);
  await createEndpoint(system);
  proxy = await startProxy(system.server.address, sent);
  const { address } = proxy;
  callers = new Client({ connection: await Connection.connect({ address }), namespace });
  typeScript = await startCaller(address, namespace);
  await writeFile(join(folder, 'caller.py'), await fromContract('python'));
  const PYTHONPATH = await pythonPath(join(ROOT, 'examples/python/requirements.txt'));
  const program = [join(ROOT, 'test/support/nexus_caller.py'), address, namespace, join(folder, 'caller.py')];
  python = startProgram('python3', program, { env: { ...system.temporalEnv, PYTHONPATH } });
  await python.waitFor(/^ready$/);
});
afterAll(async () => {
  await Promise.all([typeScript?.close(), python?.kill()]);
  await callers?.connection.close();
  proxy?.close();
  await rm(folder, { recursive: true });
});

type Caller = WorkflowHandle<(input: JobInput & { name: string }) => Promise<JobResult>>;

/** Has the caller in this language call the operation with this input. */
const call = (language: string, input: object, workflowId = `caller of ${JSON.stringify(input).slice(0, 100)}`) =>
  callers.workflow.start('updateFromCrm', {
    workflowId: `${language} ${workflowId}`,
    taskQueue: language === 'Python' ? language : CALLERS_TASK_QUEUE,
    args: [input],
  }) as Promise<Caller>;

const job = (name: string) => system.client.workflow.getHandle(jobId('abc', name));
const inline = (name: string, rows: unknown[]) => ({ name, storeHash: 'abc', source: { customers: rows } });

/** Why the operation that a workflow called did not succeed. */
async function cause(caller: Caller): Promise<unknown> {
  const error = await caller.result().catch((error: unknown) => error);
  if (!(error instanceof WorkflowFailedError)) throw new Error('The caller did not fail.', { cause: error });
  return error.cause instanceof NexusOperationFailure ? error.cause.cause : error.cause;
}

describe.each(['TypeScript', 'Python'])('a workflow in %s', (language) => {
  test('gets the result of the job', async () => {
    const caller = await call(language, inline(`${language} rows`, [...customers(20), { id: 999_999, notes: 'x' }]));
    const result = await caller.result();
    expect(result.customers).toEqual({ total: 21, updated: 20, rejected: 1, failed: 0, invalid: 0, unprocessed: 0 });
    expect(result).toEqual(await job(`${language} rows`).result());
    console.info(`${language}: ${JSON.stringify(result)}`);
  });

  test('gets the failure of a job with its type, and its result so far', async () => {
    const source = { uri: 'file:///etc/passwd.csv' };
    const failure = await cause(await call(language, { name: `${language} elsewhere`, storeHash: 'abc', source }));
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({ type: 'BadSource', details: [{ customers: { total: 0 } }] });
    console.info(`${language}: ${String(failure)}`);
  });

  test('cancels the job when it is cancelled itself', async () => {
    await system.control('faults', { fault: 'latency', ms: 1_000 });
    const caller = await call(language, inline(`${language} cancelled`, customers(300)));
    await until(async () => (await system.stats()).puts === 1);
    await untilDone(job(`${language} cancelled`), 1);
    await caller.cancel();
    expect(await cause(caller)).toBeInstanceOf(CancelledFailure);
    expect((await job(`${language} cancelled`).describe()).status.name).toBe('CANCELLED');
  });
});

test.each([
  ['a store that can not be', { ...inline('bad', []), storeHash: '../x' }, /storeHash: expected a store hash/],
  ['no name', { storeHash: 'abc', source: { customers: [] } }, /name: expected a name of 1 to 200 .*, got nothing/],
  ['no source', { storeHash: 'abc', name: 'bad' }, /source: expected an object/],
  ['no object', ['abc'], /Expected a job's input/],
])('an operation whose input has %s fails before anything is started', async (what, input, message) => {
  const failure = await cause(await call('TypeScript', input, what));
  expect(failure).toMatchObject({
    type: 'OperationError',
    cause: { type: 'BadInput', message: expect.stringMatching(message) },
  });
});

test('who calls with the name of a job gets its result, while it runs and afterwards', async () => {
  await system.control('faults', { fault: 'latency', ms: 300 });
  const input = inline('once', customers(60));
  const both = await Promise.all(['TypeScript', 'Python'].map((language) => call(language, input, 'at once')));
  const results = await Promise.all(both.map((caller) => caller.result()));
  results.push(await (await call('Python', input, 'afterwards')).result());
  expect(results).toEqual(Array(3).fill(await job('once').result()));
  expect(await system.stats()).toMatchObject({ customersApplied: 60 });
});

test('a job of several runs answers at its end', async () => {
  const source = { uri: await writeSource(system, 'many.ndjson', customers(12_000)) };
  const result = await (await call('TypeScript', { name: 'many', storeHash: 'abc', source })).result();
  expect(result.customers).toMatchObject({ total: 12_000, updated: 12_000 });
  const { runId } = await job('many').describe();
  expect((await job('many').fetchHistory()).events?.[0]?.workflowExecutionStartedEventAttributes).toMatchObject({
    originalExecutionRunId: runId,
    continuedExecutionRunId: expect.stringMatching(/.{36}/),
  });
});

test('caller and job name each other, and the job who has started it', async () => {
  const caller = await call('TypeScript', inline('linked', customers(1)));
  await caller.result();
  const started = (await caller.fetchHistory()).events?.find(
    ({ nexusOperationStartedEventAttributes: started }) => started,
  );
  expect(started?.links?.map(({ workflowEvent }) => workflowEvent)).toMatchObject([
    { namespace: system.namespace, workflowId: 'customer-updates/abc/linked' },
  ]);
  const [first] = (await job('linked').fetchHistory()).events ?? [];
  const [callback] = first?.workflowExecutionStartedEventAttributes?.completionCallbacks ?? [];
  expect(callback?.links?.map(({ workflowEvent }) => workflowEvent)).toMatchObject([
    { namespace, workflowId: caller.workflowId },
  ]);
  expect((await job('linked').describe()).memo).toMatchObject({
    source: '1 customers given inline',
    startedBy: `Nexus: ${namespace}/${caller.workflowId}`,
  });
});

test('no caller has sent anything to the namespace of the jobs', () => {
  // The results that they pass on name files in a folder of that name.
  const text = Buffer.concat(sent).toString('latin1').replaceAll(`/${system.namespace}/`, '');
  expect(text).toContain(namespace);
  expect(text).not.toContain(system.namespace);
});
