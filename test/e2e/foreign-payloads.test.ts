/** Whatever payloads a job is sent, by a client of any language or by hand: with the whole system. */
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, defaultPayloadConverter, type Payload } from '@temporalio/common';
import { JOBS_TASK_QUEUE, openSignal, storeWorkflowId } from '../../src/contract/job.ts';
import { customers } from '../support/customers.ts';
import { startWithPayloads } from '../support/payloads.ts';
import { runStarter } from '../support/starter.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '1000', '--latency', '50'] });

/** A payload with this encoding, or without any. */
function payload(encoding: string | undefined, data: string | Uint8Array): Payload {
  const metadata = encoding === undefined ? {} : { encoding: Buffer.from(encoding) };
  return { metadata, data: Buffer.from(data) };
}
const json = (value: unknown) => payload('json/plain', JSON.stringify(value));
const ROTTEN = payload('json/plain', '{"customers": Zoë');
const INPUT = { storeHash: 'abc', source: { customers: customers(20) } };

const start = (name: string, payloads: Payload[], memo?: Record<string, Payload>) =>
  startWithPayloads(system, name, payloads, memo);

/** Rejects where a workflow task of it has failed, which would be tried again for ever. */
async function expectNoFailedTask(job: WorkflowHandle): Promise<void> {
  const { events } = await job.fetchHistory();
  const failures = events?.flatMap(({ workflowTaskFailedEventAttributes: failed }) => failed?.failure?.message ?? []);
  expect(failures).toEqual([]);
}

/** How a job failed; throws where it did not within seconds, or where a task of it failed on the way. */
async function failureOf(job: WorkflowHandle): Promise<ApplicationFailure> {
  await until(async () => (await job.describe()).status.name !== 'RUNNING', 5_000).catch(() => undefined);
  await expectNoFailedTask(job);
  const error = await job.result().catch((caught: unknown) => caught);
  if (error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure) return error.cause;
  throw new Error('Expected the job to fail.', { cause: error });
}

const REST = /^Expected .*, got .*\./;

test.each<[string, Payload[], RegExp]>([
  ['no argument', [], /got nothing/],
  ['null', [json(null)], /got null/],
  ['a text', [json('abc')], /got text of 3 characters/],
  ['JSON in a text', [json(JSON.stringify(INPUT))], /got JSON in a text/],
  ['a number', [json(7)], /got a number/],
  ['a list', [json([INPUT])], /got a list of 1/],
  ['two arguments', [json(INPUT), json(INPUT)], /got 2 arguments/],
  ['a store hash and an object', [json('abc'), json(INPUT)], /got 2 arguments/],
  ['bytes', [payload('binary/plain', JSON.stringify(INPUT))], /got bytes/],
  ['2 MB of bytes', [payload('binary/plain', Buffer.alloc(2_000_000))], /got bytes/],
  ['JSON that does not parse', [ROTTEN], /got JSON that does not parse/],
  ['JSON without text', [payload('json/plain', '')], /got JSON that does not parse/],
  [
    'protobuf as JSON',
    [payload('json/protobuf', '{"storeHash": "abc"}')],
    /got a payload of the encoding json\/protobuf/,
  ],
  ['protobuf', [payload('binary/protobuf', '\n\u0003abc')], /encoding binary\/protobuf/],
  [
    'an encoding of its own',
    [payload('x/\u001b[2J\u202E'.padEnd(5_000, 'y'), 'x')],
    /got a payload of an unknown encoding/,
  ],
  ['no encoding', [payload(undefined, JSON.stringify(INPUT))], /got a payload of no encoding/],
  ['nothing, said by a payload', [payload('binary/null', '')], /got nothing/],
])('a job that is given %s fails at once, in words', async (name, payloads, message) => {
  const failure = await failureOf(await start(name, payloads));
  expect([failure.type, failure.message]).toEqual(['BadInput', expect.stringMatching(message)]);
  expect(failure.message).toMatch(REST);
  expect(failure.message).not.toMatch(/Zoë|\p{Cc}|\p{Cf}/u);
  expect(failure.details).toEqual([expect.objectContaining({ calls: 0 })]);
});

test('a memo that nobody can read is nothing to a job', async () => {
  const job = await start('memo', [json(INPUT)], { source: ROTTEN });
  await until(async () => (await job.describe()).status.name !== 'RUNNING', 10_000).catch(() => undefined);
  await expectNoFailedTask(job);
  expect(await job.result()).toMatchObject({ customers: { updated: 20 } });
});

test('the starter shows and lists what it can read', async () => {
  const job = await start('unread', [json(INPUT)], { source: ROTTEN });
  await job.result();
  // A job, and another workflow, of the same id: of several under one the last one counts.
  const { workflowId } = await start('another', [json(INPUT)]);
  await system.client.workflow.getHandle(workflowId).result();
  await system.client.workflow.start('another', { workflowId, taskQueue: 'nobody' });

  const shown = await runStarter(system, ['show', job.workflowId]);
  expect(shown).toMatchObject({ code: 0, output: expect.stringMatching(/updated +20/) });
  const listed = await runStarter(system, ['list']);
  expect(listed).toMatchObject({ code: 0, output: expect.stringMatching(/^abc +unread +completed/m) });
  expect(listed.output).not.toMatch(/another/);
});

describe('a job that runs', () => {
  let job: WorkflowHandle;

  const slow = () => system.control('faults', { fault: 'latency', ms: 300 });
  beforeEach(slow);
  beforeAll(async () => {
    await slow();
    job = await start('running', [json({ storeHash: 'abc', source: { customers: customers(900) } })]);
    await until(async () => (await ask('progress', [])).state === 'running');
  });
  afterAll(() => job.terminate());

  async function ask(queryType: string, payloads: Payload[]): Promise<Record<string, unknown>> {
    const { workflowService, options } = system.client;
    const execution = { workflowId: job.workflowId };
    const query = { queryType, queryArgs: { payloads } };
    const { queryResult } = await workflowService.queryWorkflow({ namespace: options.namespace, execution, query });
    return defaultPayloadConverter.fromPayload(queryResult?.payloads?.[0] as Payload);
  }

  test.each([
    ['a rotten argument', ROTTEN],
    ['bytes', payload('binary/plain', 'x')],
    ['a text', json('1')],
    ['a number', json(1)],
    ['a list', json([1])],
    ['numbers in texts', json({ from: '1', after: '1' })],
    ['a misspelt field', json({ From: 1, After: 1 })],
  ])('says to a question with %s what it expects, and goes on', async (_, argument) => {
    for (const [query, expected] of [
      ['outcomes', /Expected nothing, or an object such as {"from":0,"count":1000}, got /],
      ['failures', /Expected nothing, or an object such as {"after":0,"limit":500}, got /],
    ] as const) {
      await expect(ask(query, [argument])).rejects.toThrow(expected);
    }
    expect(await ask('progress', [argument])).toMatchObject({ state: 'running' });
  });

  test('answers questions whose argument is null, nothing, or an object with nothing in it', async () => {
    for (const payloads of [[], [json(null)], [payload('binary/null', '')], [json({})]]) {
      expect(await ask('outcomes', payloads)).toMatchObject({ total: 90 });
      expect(await ask('failures', payloads)).toMatchObject({ total: 0 });
    }
  });

  test('takes a pause whose reason nobody can read, a signal that it does not know, and goes on', async () => {
    const { workflowService, options } = system.client;
    const execution = { namespace: options.namespace, workflowExecution: { workflowId: job.workflowId } };
    await workflowService.signalWorkflowExecution({ ...execution, signalName: 'open', input: { payloads: [ROTTEN] } });
    for (const name of ['pause', 'resume']) {
      const { outcome } = await workflowService.updateWorkflowExecution({
        ...execution,
        waitPolicy: { lifecycleStage: 3 },
        request: { meta: { updateId: `rotten-${name}` }, input: { name, args: { payloads: [ROTTEN] } } },
      });
      expect(outcome?.failure).toBeFalsy();
      expect((await ask('progress', []))['state']).toBe(name === 'pause' ? 'paused' : 'running');
    }
    await expectNoFailedTask(job);
  });

  test("a signal that nobody can read does not stop the store's serveStore", async () => {
    const { workflowService, options } = system.client;
    const store = system.client.workflow.getHandle(storeWorkflowId('abc'));
    await workflowService.signalWorkflowExecution({
      namespace: options.namespace,
      workflowExecution: { workflowId: store.workflowId },
      signalName: openSignal.name,
      input: { payloads: [ROTTEN, payload('x/y', '')] },
    });
    await until(async () => {
      const { events } = await store.fetchHistory();
      const signalled = events?.findIndex((event) => event.workflowExecutionSignaledEventAttributes?.input) ?? -1;
      const after = signalled < 0 ? [] : (events?.slice(signalled) ?? []);
      if (after.some((event) => event.workflowTaskFailedEventAttributes)) throw new Error('its task failed');
      return after.some((event) => event.workflowTaskCompletedEventAttributes);
    });
    expect((await store.describe()).status.name).toBe('RUNNING');
  });
});

test('a serveStore that is started with a payload that nobody can read fails', async () => {
  const { workflowService, options } = system.client;
  const workflowId = storeWorkflowId('xyz');
  await workflowService.startWorkflowExecution({
    namespace: options.namespace,
    workflowId,
    workflowType: { name: 'serveStore' },
    taskQueue: { name: JOBS_TASK_QUEUE },
    input: { payloads: [ROTTEN] },
    requestId: workflowId,
  });
  expect(await failureOf(system.client.workflow.getHandle(workflowId))).toMatchObject({ type: 'BadInput' });
});
