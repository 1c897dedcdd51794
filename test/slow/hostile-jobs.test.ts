/** Anyone who may start workflows, in any language or by hand, can hurt neither the worker nor another store. */
import { access, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, defaultPayloadConverter, type Payload } from '@temporalio/common';
import {
  jobId,
  type JobInput,
  type JobResult,
  JOBS_TASK_QUEUE,
  openSignal,
  pauseUpdate,
  storeWorkflowId,
} from '../../src/contract/job.ts';
import { sourceCopyKey } from '../../src/jobs/keys.ts';
import { customers } from '../support/customers.ts';
import { untilDone } from '../support/jobs.ts';
import { startWithPayloads } from '../support/payloads.ts';
import { reset } from '../support/reset.ts';
import { runStarter } from '../support/starter.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '1000', '--latency', '50'], workers: 0 });
beforeAll(async () => {
  // The widest roots that anyone might set.
  await system.startWorker({ SOURCE_ROOTS: `file:${system.folder}` });
});

describe('hostile input', () => {
  const CONTENT = customers(30)
    .map((row) => `${JSON.stringify(row)}\n`)
    .join('');

  async function put(key: string, content = CONTENT): Promise<string> {
    const path = `${system.folder}/data/${key}`;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    return `file://${path}`;
  }

  const isThere = (uri: string) =>
    access(new URL(uri)).then(
      () => true,
      () => false,
    );

  /** How a job fails; throws if it doesn't. */
  async function failureOf(workflowId: string, input: unknown): Promise<ApplicationFailure> {
    const error = await system.client.workflow
      .execute('updateCustomers', { workflowId, taskQueue: JOBS_TASK_QUEUE, args: [input] })
      .catch((caught: unknown) => caught);
    if (error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure) return error.cause;
    throw new Error('Expected the job to fail.', { cause: error });
  }

  async function expectRefused(workflowId: string, input: unknown, type: string, message: RegExp): Promise<void> {
    const failure = await failureOf(workflowId, input);
    expect([failure.type, failure.message]).toEqual([type, expect.stringMatching(message)]);
    expect(failure.message.length).toBeLessThanOrEqual(2_001);
    expect(failure.message).not.toMatch(/\p{Cc}|\p{Cf}/u);
    expect((await system.stats()).puts).toBe(0);
  }

  describe("another job's files", () => {
    test.each([
      ['a copy for a job of another store', 'customer-updates/abc/thief', sourceCopyKey('def', 'spring', 'a.ndjson')],
      ['a copy for another job of the store', 'customer-updates/abc/thief', sourceCopyKey('abc', 'spring', 'b.ndjson')],
      ['a copy, by a job with an id of its own', 'spring', sourceCopyKey('abc', 'spring', 'c.ndjson')],
      ['what a job of another store has left', 'customer-updates/abc/thief', 'jobs/def/some-run/retry.ndjson'],
      ['what a job of the store has left', 'customer-updates/abc/thief', 'jobs/abc/some-run/retry.ndjson'],
    ])('%s is neither read nor deleted', async (_, id, key) => {
      const uri = await put(key);
      await expectRefused(id, { storeHash: 'abc', source: { uri } }, 'BadSource', /belongs to another job/);
      expect(await isThere(uri)).toBe(true);
    });

    test('not by a link in a source root either', async () => {
      const theirs = await put(sourceCopyKey('def', 'linked', 'a.ndjson'));
      await symlink(new URL(theirs), `${system.folder}/link.ndjson`);
      const source = { uri: `file://${system.folder}/link.ndjson` };
      await expectRefused('customer-updates/abc/link', { storeHash: 'abc', source }, 'BadSource', /to another job/);
      expect(await isThere(theirs)).toBe(true);
    });

    test("a job's own copy is read, deleted at its end, and read again if the job is reset before that", async () => {
      const rows = customers(600).map((row) => `${JSON.stringify(row)}\n`);
      const uri = await put(sourceCopyKey('abc', 'own', 'a.ndjson'), rows.join(''));
      // So slow that it can't end before it is reset.
      await system.control('faults', { fault: 'latency', ms: 500 });
      const job = await system.start('own', { storeHash: 'abc', source: { uri } });
      await untilDone(job, 1);
      await reset(system, job);
      await system.control('faults', { clear: true });
      const latest = system.client.workflow.getHandle<(input: JobInput) => Promise<JobResult>>(job.workflowId);
      expect((await latest.result()).customers).toMatchObject({ total: 600, updated: 600 });
      expect(await isThere(uri)).toBe(false);
    });
  });

  describe('retryOf', () => {
    /** Ends a workflow as a foreign worker would, on a queue that none of ours polls; it never answers a query. */
    async function foreignJob(workflowId: string): Promise<void> {
      const { workflowService, options } = system.client;
      const { namespace } = options;
      const taskQueue = `foreign-${workflowId}`;
      const input: JobInput = { storeHash: 'def', source: { customers: [] } };
      await system.client.workflow.start('updateCustomers', { workflowId, taskQueue, args: [input] });
      const { taskToken } = await system.connection.withDeadline(Date.now() + 60_000, () =>
        workflowService.pollWorkflowTaskQueue({ namespace, taskQueue: { name: taskQueue } }),
      );
      const result = { payloads: [defaultPayloadConverter.toPayload({ retry: 'file:///etc/passwd' })] };
      const commands = [{ commandType: 4, completeWorkflowExecutionCommandAttributes: { result } }];
      await workflowService.respondWorkflowTaskCompleted({ namespace, taskToken, commands });
      await until(
        async () => (await system.client.workflow.getHandle(workflowId).describe()).status.name === 'COMPLETED',
      );
    }

    test('of a foreign worker asks that worker nothing', async () => {
      await foreignJob('customer-updates/abc/foreign');
      const source = { retryOf: 'customer-updates/abc/foreign' };
      const startedAt = Date.now();
      await expectRefused('customer-updates/abc/r1', { storeHash: 'abc', source }, 'BadSource', /has no files of/);
      expect(Date.now() - startedAt).toBeLessThan(10_000);
    });

    test("of another store's job is refused", async () => {
      const input: JobInput = { storeHash: 'def', source: { customers: customers(20) }, options: { limit: 1 } };
      const { retry } = await system.run('theirs', input);
      expect(retry).not.toBeNull();
      await system.control('reset', {});
      const source = { retryOf: 'customer-updates/def/theirs' };
      await expectRefused(
        'customer-updates/abc/r2',
        { storeHash: 'abc', source },
        'BadSource',
        /a job of another store/,
      );
    });

    test.each<[string, string, string, RegExp]>([
      ['itself', 'customer-updates/abc/r3', 'BadInput', /has not ended/],
      ['no job', `${'x'.repeat(900)}\u001b[2J\u202E`, 'BadInput', /there is no job x{100}…/],
      ['an id that is too long', 'x'.repeat(1_001), 'BadInput', /at most 1000 characters/],
      ['an id with NUL and line ends', 'a\u0000\r\nb', 'BadInput', /there is no job a\uFFFD\uFFFD\uFFFDb/],
      ['half a surrogate pair', 'a\uD800b', 'BadInput', /there is no job a/],
      ['a path', '../../etc/passwd', 'BadInput', /there is no job/],
      ['a serveStore', 'customer-updates-store/def', 'BadInput', /is not a job/],
    ])('of %s is refused', async (_, retryOf, type, message) => {
      await expectRefused('customer-updates/abc/r3', { storeHash: 'abc', source: { retryOf } }, type, message);
    });
  });

  describe('the starter', () => {
    const EVIL = '\u001b]0;title\u0007\u001b[2J\r\nJob:    forged\u202Egnp.exe\u009B2J';
    const ACTS = /[^\P{C}\n\t]/u;

    test.each<[string, Record<string, unknown>]>([
      ['with control characters', { source: EVIL, options: {}, startedBy: EVIL }],
      ['of other types', { source: 5, options: 'x', startedBy: { padEnd: 1 } }],
    ])(
      'lists and shows jobs whose id, reason and memo are %s, without a line or a sequence of theirs',
      async (name, memo) => {
        await system.control('faults', { fault: 'latency', ms: 500 });
        const workflowId = jobId('abc', `${name} ${EVIL}`);
        const input: JobInput = { storeHash: 'abc', source: { customers: customers(900) } };
        const started = { workflowId, taskQueue: JOBS_TASK_QUEUE, args: [input] as const, memo };
        const job = await system.client.workflow.start('updateCustomers', started);
        await untilDone(job, 1);
        await job.executeUpdate(pauseUpdate, { args: [{ reason: EVIL }] });
        for (const args of [['list'], ['list', '--json'], ['show', workflowId], ['show', workflowId, '--json']]) {
          const { code, output } = await runStarter(system, args);
          expect([args[0], code]).toEqual([args[0], 0]);
          expect(output).not.toMatch(ACTS);
          expect(output).not.toMatch(/^Job: {4}forged/m);
          expect(output).toMatch(/paused/);
        }
        await job.terminate();
      },
      // The list waits for the foreign job's worker, which doesn't exist.
      90_000,
    );
  });

  describe('input', () => {
    const id = jobId('abc', 'input');
    const deep = `${'['.repeat(400_000)}${']'.repeat(400_000)}`;

    test.each<[string, unknown, string, RegExp]>([
      ['a store hash that is a path', { storeHash: '../def', source: { customers: [] } }, 'BadInput', /storeHash/],
      [
        'a store hash that is encoded',
        { storeHash: '%2e%2e%2fdef', source: { customers: [] } },
        'BadInput',
        /storeHash/,
      ],
      ['a store hash with a line end', { storeHash: 'abc\n', source: { customers: [] } }, 'BadInput', /storeHash/],
      [
        'a store hash of 33 characters',
        { storeHash: 'a'.repeat(33), source: { customers: [] } },
        'BadInput',
        /storeHash/,
      ],
      ['a store hash that is a list', { storeHash: ['abc'], source: { customers: [] } }, 'BadInput', /storeHash/],
      [
        'a source elsewhere',
        { storeHash: 'abc', source: { uri: 'file:///etc/passwd.csv' } },
        'BadSource',
        /SOURCE_ROOTS/,
      ],
      [
        'another scheme',
        { storeHash: 'abc', source: { uri: 'http://169.254.169.254/a.csv' } },
        'BadSource',
        /SOURCE_ROOTS/,
      ],
      ['another bucket', { storeHash: 'abc', source: { uri: 's3://other/a.csv' } }, 'BadSource', /SOURCE_ROOTS/],
      ['a host', { storeHash: 'abc', source: { uri: 'file://evil/etc/a.csv' } }, 'BadSource', /SOURCE_ROOTS/],
      [
        'a URI of control characters',
        { storeHash: 'abc', source: { uri: '\u001b[2J\u202E' } },
        'BadSource',
        /got \uFFFD/,
      ],
      [
        'a URI of 6,000 characters',
        { storeHash: 'abc', source: { uri: 'x'.repeat(6_000) } },
        'BadInput',
        /at most 5000/,
      ],
      [
        '1.9 MB of headings',
        { storeHash: 'abc', source: { customers: [] }, options: { ignoreColumns: Array(380_000).fill('ab') } },
        'BadInput',
        /at most 700000 characters of JSON/,
      ],
      [
        '100,000 unknown options',
        {
          storeHash: 'abc',
          source: { customers: [] },
          options: Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`o${n}`, 1])),
        },
        'BadInput',
        /at most 700000 characters of JSON/,
      ],
    ])('%s is refused', async (_, input, type, message) => {
      await expectRefused(id, input, type, message);
    });

    test.each<[string, string, RegExp]>([
      ['nested 400,000 deep', `{"storeHash":"abc","source":{"customers":[${deep}]}}`, /nested too deeply/],
      [
        'that is as large as Temporal takes',
        `{"storeHash":"abc","source":{"customers":["${'x'.repeat(2_097_040)}"]}}`,
        /at most 700000 characters of JSON, got 20970/,
      ],
    ])('%s ends in a failure, and nothing goes round', async (name, json, message) => {
      const payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(json) };
      const handle = await startWithPayloads(system, name, [payload]);
      const error = await handle.result().catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(WorkflowFailedError);
      expect((error as WorkflowFailedError).cause?.message).toMatch(message);
    });
  });
});

describe('foreign payloads', () => {
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

  /** Rejects if one of its workflow tasks failed, since it would be retried for ever. */
  async function expectNoFailedTask(job: WorkflowHandle): Promise<void> {
    const { events } = await job.fetchHistory();
    const failures = events?.flatMap(({ workflowTaskFailedEventAttributes: failed }) => failed?.failure?.message ?? []);
    expect(failures).toEqual([]);
  }

  /** How a job failed; throws if it didn't within seconds, or if one of its workflow tasks failed on the way. */
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
    ['a text', [json('abc')], /got text\./],
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

  test('an unreadable memo does not affect a job', async () => {
    const job = await start('memo', [json(INPUT)], { source: ROTTEN });
    await until(async () => (await job.describe()).status.name !== 'RUNNING', 10_000).catch(() => undefined);
    await expectNoFailedTask(job);
    expect(await job.result()).toMatchObject({ customers: { updated: 20 } });
  });

  test('the starter shows and lists what it can read', async () => {
    const job = await start('unread', [json(INPUT)], { source: ROTTEN });
    await job.result();
    // A job and another workflow of the same id: the latest one counts.
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
    ])('answers a query with %s by saying what it expects, and continues', async (_, argument) => {
      for (const [query, expected] of [
        ['outcomes', /Expected nothing, or an object such as {"from":0,"count":1000}, got /],
        ['failures', /Expected nothing, or an object such as {"after":0,"limit":500}, got /],
      ] as const) {
        await expect(ask(query, [argument])).rejects.toThrow(expected);
      }
      expect(await ask('progress', [argument])).toMatchObject({ state: 'running' });
    });

    test('answers queries whose argument is null, absent, or an empty object', async () => {
      for (const payloads of [[], [json(null)], [payload('binary/null', '')], [json({})]]) {
        expect(await ask('outcomes', payloads)).toMatchObject({ total: 90 });
        expect(await ask('failures', payloads)).toMatchObject({ total: 0 });
      }
    });

    test('accepts a pause with an unreadable reason and an unknown signal, and continues', async () => {
      const { workflowService, options } = system.client;
      const execution = { namespace: options.namespace, workflowExecution: { workflowId: job.workflowId } };
      await workflowService.signalWorkflowExecution({
        ...execution,
        signalName: 'open',
        input: { payloads: [ROTTEN] },
      });
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

    test("an unreadable signal does not stop the store's serveStore", async () => {
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

  test('a serveStore that is started with an unreadable payload fails', async () => {
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
});
