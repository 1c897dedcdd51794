/** What operators see of a job and a worker: metrics, logs, health, search attributes, the Web UI. */
import { readFileSync } from 'node:fs';
import { mkdir, rmdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import { freePorts } from '../../dev/servers/ports.ts';
import { type Program, startProgram } from '../../dev/servers/processes.ts';
import { scheduleCustomerUpdate, startCustomerUpdate } from '../../src/client.ts';
import { jobId, progressQuery, resumeUpdate, storeWorkflowId } from '../../src/contract/job.ts';
import { SEARCH_ATTRIBUTES } from '../../src/contract/search-attributes.ts';
import { customers, writeSource } from '../support/customers.ts';
import { lastFailure } from '../support/jobs.ts';
import { startProxy } from '../support/proxy.ts';
import { type JobHandle, TOKENS, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({
  emulator: ['--customers', '1000', '--latency', '20', '--quota', '1000', '--window', '1000'],
  workers: 0,
});

describe('metrics', () => {
  const OPS = fileURLToPath(new URL('../../ops', import.meta.url));

  /** The metrics that Prometheus itself adds, by name. */
  const OF_PROMETHEUS = { up: ['job', 'instance'], ALERTS: ['alertname'] };

  /** Words of PromQL that aren't metrics. */
  const WORDS = new Set(['and', 'or', 'unless', 'on', 'by', 'le', 'offset', 'bool']);

  /** Where the worker serves its metrics. */
  let url: string;
  let job: JobHandle;
  /** The PUTs of it that reached the store. */
  let puts: number | undefined;
  /** A worker's metrics after a job of 60 customers, with one call throttled, one customer rejected and one invalid. */
  let exposed: string;
  /** Its samples: name, labels by name, value. */
  let samples: { name: string; labels: Record<string, string>; value: number }[];

  beforeAll(async () => {
    const [port] = await freePorts(1);
    url = `http://127.0.0.1:${port}/metrics`;
    // A run that fails at once. Schedules are only listed a moment after they were made, and counted when a worker starts.
    const source = { uri: 'file:///nowhere/nightly.csv' };
    const nightly = await scheduleCustomerUpdate(system.client, { storeHash: 'def', source }, 'nightly', {
      every: '1d',
    });
    await nightly.trigger();
    await until(async () => {
      for await (const { scheduleId } of system.client.schedule.list()) if (scheduleId === nightly.id) return true;
      return false;
    });
    await system.startWorker({ METRICS_ADDRESS: `127.0.0.1:${port}` });
    await system.control('faults', { fault: 'throttle', count: 1, after: 2 });
    const rows: object[] = customers(60).map((row) => ({ ...row, email: `private-${row.id}@example.com` }));
    rows[24] = { ...rows[24], id: 700_025 };
    rows[40] = { ...rows[40], first_name: '' };
    job = await system.start('measured', { storeHash: 'abc', source: { customers: rows } });
    await failToReport(job);
    // What workflows count appears a moment later.
    await until(async () => {
      exposed = await scrape();
      const isCounted = [
        /customer_updates_customers_total\{.*outcome="updated".*\} 58/,
        /customer_updates_scheduled_runs_total\{.*state="failed".*\} 1/,
        /customer_updates_schedule_started/,
      ];
      return isCounted.every((pattern) => pattern.test(exposed));
    });
    samples = readSamples(exposed);
    ({ puts } = await system.stats());
  });

  /** Lets a job end that at first could not write its report. */
  async function failToReport(handle: JobHandle): Promise<void> {
    const [, store] = handle.workflowId.split('/');
    const report = `${system.folder}/data/jobs/${store}/${handle.firstExecutionRunId}/report.csv`;
    await mkdir(report, { recursive: true });
    await until(async () => (await lastFailure(handle)).includes('it is a folder'));
    await rmdir(report);
    await handle.result();
  }

  async function scrape(): Promise<string> {
    return (await fetch(url)).text();
  }

  function readSamples(text: string): typeof samples {
    return Array.from(text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm), ([, name = '', labels = '', value]) => ({
      name,
      labels: Object.fromEntries(Array.from(labels.matchAll(/(\w+)="([^"]*)"/g), ([, key, said]) => [key, said])),
      value: Number(value),
    }));
  }

  /** The sum of the samples of a metric that have these labels. */
  function sum(name: string, wanted: Record<string, string> = {}): number {
    const matching = samples.filter(
      (one) => one.name === name && Object.entries(wanted).every(([k, v]) => one.labels[k] === v),
    );
    expect(matching).not.toEqual([]);
    return matching.reduce((total, { value }) => total + value, 0);
  }

  test('a run of a schedule is counted by how it ended, and the schedule by what it has started and skipped', () => {
    const schedule = 'customer-updates/def/nightly';
    const runs = (state: string) => sum('customer_updates_scheduled_runs_total', { schedule, state });
    expect([runs('failed'), runs('completed'), runs('cancelled')]).toEqual([1, 0, 0]);
    expect(sum('customer_updates_schedule_started', { schedule })).toBe(1);
    expect(sum('customer_updates_schedule_skipped', { schedule })).toBe(0);
  });

  test('the metrics cover customers, calls and the lease', async () => {
    const store = 'abc';
    for (const [outcome, count] of Object.entries({
      updated: 58,
      rejected: 1,
      invalid: 1,
      failed: 0,
      unprocessed: 0,
    })) {
      expect(sum('customer_updates_customers_total', { store, outcome })).toBe(count);
    }
    expect(sum('customer_updates_call_duration_seconds_count', { store })).toBe(puts);
    expect(sum('customer_updates_call_duration_seconds_count', { store, outcome: 'throttled' })).toBe(1);
    expect(sum('customer_updates_call_duration_seconds_count', { store, outcome: 'isolate' })).toBe(1);
    expect(sum('customer_updates_call_duration_seconds_bucket', { store, outcome: 'ok', le: '1' })).toBeGreaterThan(0);
    expect(sum('customer_updates_throttled_total', { store })).toBe(1);
    expect(sum('customer_updates_calls_in_flight', { store })).toBe(0);
    expect(sum('customer_updates_lease_held', { store })).toBe(1);
    expect(sum('customer_updates_quota_left', { store })).toBeLessThan(1000);
    expect(sum('customer_updates_holds_total', { store, kind: 'refused' })).toBe(0);
    expect(sum('customer_updates_starved_total', { store })).toBe(0);
  });

  /** The expressions in a rule file or a dashboard. */
  function expressions(file: string): string[] {
    const text = readFileSync(`${OPS}/${file}`, 'utf8');
    if (file.endsWith('.yml')) {
      return Array.from(text.matchAll(/^( +)expr: (>\n(?:\1 +.*\n)+|.*\n)/gm), ([, , expr = '']) =>
        expr.replace(/^>/, ''),
      );
    }
    const exprs: string[] = [];
    JSON.parse(text, (key, value: unknown) => {
      if (key === 'expr') exprs.push(value as string);
      return value;
    });
    return exprs;
  }

  /** The metrics in an expression, each with the labels it is selected by. */
  function metricsIn(expr: string): { name: string; labels: string[] }[] {
    const bare = expr.replace(/\b(?:by|on) \([^)]*\)|\[[^\]]*\]|\boffset \w+/g, ' ');
    return Array.from(
      bare.matchAll(/(?<![\w"$])([A-Za-z_]\w*)(?:\{([^}]*)\})?(?!\w| *\()/g),
      ([, name = '', labels = '']) => ({
        name,
        labels: Array.from(labels.matchAll(/(\w+) *[=!]/g), ([, label = '']) => label),
      }),
    ).filter(({ name }) => !WORDS.has(name));
  }

  test.each([
    ['alerts.yml', 11],
    ['grafana-dashboard.json', 10],
  ])('every metric and label that %s uses exists', (file, least) => {
    const exprs = expressions(file);
    expect(exprs.length).toBeGreaterThanOrEqual(least);
    const known = new Map<string, Set<string>>(
      Object.entries(OF_PROMETHEUS).map(([name, labels]) => [name, new Set(labels)]),
    );
    for (const { name, labels } of samples)
      known.set(name, new Set([...(known.get(name) ?? []), ...Object.keys(labels)]));
    for (const expr of exprs) {
      const metrics = metricsIn(expr);
      expect(metrics).not.toEqual([]);
      const missing = metrics.filter(
        ({ name, labels }) => !labels.every((label) => known.get(name)?.has(label)) || !known.has(name),
      );
      expect({ expr, missing }).toEqual({ expr, missing: [] });
    }
  });

  test('each of our metrics is used in the dashboard or an alert', () => {
    const ours = new Set(samples.map(({ name }) => name).filter((name) => /^customer_updates_(?!.*_sum$)/.test(name)));
    const asked = ['alerts.yml', 'grafana-dashboard.json'].flatMap(expressions).flatMap(metricsIn);
    expect(new Set(asked.map(({ name }) => name).filter((name) => name.startsWith('customer_updates_')))).toEqual(ours);
  });

  test('no label and no value identifies a job, a token or a customer', () => {
    const { workflowId, firstExecutionRunId } = job;
    for (const secret of [
      workflowId,
      'measured',
      firstExecutionRunId,
      ...Object.values(TOKENS),
      '@',
      'private',
      '700025',
    ]) {
      expect(exposed).not.toContain(secret);
    }
    const labels = new Set(
      samples.filter(({ name }) => name.startsWith('customer_')).flatMap((one) => Object.keys(one.labels)),
    );
    const ofWorkflows = ['namespace', 'taskQueue', 'workflowType'];
    expect([...labels].toSorted()).toEqual(
      ['endpoint', 'kind', 'le', 'outcome', 'schedule', 'state', 'store', 'why', ...ofWorkflows].toSorted(),
    );
  });

  test('a job that holds is counted, and again when it resumes in vain', async () => {
    const holds = async () =>
      /customer_updates_holds_total\{kind="refused".*store="def".*\} (\d+)/.exec(await scrape())?.[1];
    await system.control('tokens', { store: 'def', token: 'reissued' });
    const held = await system.start('held', { storeHash: 'def', source: { customers: customers(10) } });
    await until(async () => (await holds()) === '1');
    await held.executeUpdate(resumeUpdate);
    await until(async () => (await holds()) === '2');
    expect((await held.query(progressQuery)).state).toBe('held');
  });

  test("failures of the job store are counted, and failures of a job's own input are not", async () => {
    expect(sum('temporal_activity_execution_failed', { activity_type: 'closeJob' })).toBeGreaterThan(0);
    const source = { uri: `file://${system.folder}/nothing.csv` };
    const bad = await system.start('bad', { storeHash: 'abc', source });
    await expect(bad.result()).rejects.toThrow();
    // Later failures are counted later.
    const held = await system.start('unwritable', { storeHash: 'abc', source: { customers: customers(300) } });
    await failToReport(held);
    const failed = readSamples(await scrape()).filter(({ name }) => name === 'temporal_activity_execution_failed');
    expect(failed.map(({ labels }) => labels['activity_type'])).toEqual(['closeJob']);
  });
});

describe('the Web UI', () => {
  /** What the Web UI shows beside the history: current details, and the messages a workflow accepts. */
  interface Metadata {
    currentDetails: string;
    definition: { type: string; queryDefinitions: { name: string; description: string }[] };
  }

  const metadata = (workflowId: string) =>
    system.client.workflow.getHandle(workflowId).query<Metadata>('__temporal_workflow_metadata');

  test('the current details show state and counts while a job runs, and where the report is once it has ended', async () => {
    const input = { storeHash: 'abc', source: { customers: customers(400) } };
    await system.control('faults', { fault: 'latency', ms: 500 });
    const job = await startCustomerUpdate(system.client, input, 'details', { startedBy: 'the tests' });
    await until(async () => (await metadata(job.id)).currentDetails.includes('running'));
    expect((await metadata(job.id)).currentDetails).toMatch(/\| 400\s+\|/);
    expect((await metadata(storeWorkflowId('abc'))).currentDetails).toMatch(/store abc/);
    await system.control('faults', { clear: true });

    const { report } = await job.result();
    const { currentDetails, definition } = await metadata(job.id);
    expect(currentDetails).toMatch(/completed.*40 of 40 chunks/);
    expect(currentDetails).toContain(report);
    expect(definition.queryDefinitions.filter(({ name }) => name === 'progress')[0]?.description).toMatch(/Counts/);
  });

  test('each activity has a summary, and so has the job, with its source and store', async () => {
    const input = { storeHash: 'abc', source: { customers: customers(25) } };
    const job = await startCustomerUpdate(system.client, input, 'summaries', { startedBy: 'the tests' });
    await job.result();
    const handle = system.client.workflow.getHandle(job.id);
    const { events } = await handle.fetchHistory();
    const summaries = (events ?? [])
      .filter((event) => event.activityTaskScheduledEventAttributes)
      .map(({ userMetadata }) => userMetadata?.summary && defaultPayloadConverter.fromPayload(userMetadata.summary));
    expect(summaries).toEqual([
      'read and check the source',
      'the job needs the store',
      'chunk 0 · rows 1–10',
      'chunk 1 · rows 11–20',
      'chunk 2 · rows 21–25',
      'write the report',
    ]);
    const description = await handle.describe();
    expect(await description.staticSummary()).toBe('store abc · summaries');
    expect(description.memo).toMatchObject({ source: '25 customers given inline', startedBy: 'the tests' });
  });
});

describe('search attributes', () => {
  /** `npm run starter -- setup`: how it ended and what it printed. */
  async function setup(): Promise<{ code: number | null; output: string }> {
    const program = startProgram(process.execPath, ['dist/starter.js', 'setup'], { env: system.env });
    const { code } = await program.exited;
    return { code, output: program.output() };
  }

  /** Events of a job's history that set search attributes. */
  async function upserts(name: string): Promise<number> {
    const { events } = await system.client.workflow.getHandle(jobId('abc', name)).fetchHistory();
    return (events ?? []).filter((event) => event.upsertWorkflowSearchAttributesEventAttributes).length;
  }

  const input = { storeHash: 'abc', source: { customers: [...customers(499), { id: 999_999, notes: 'nobody' }] } };

  test('jobs run without search attributes, and with them once setup has registered those', async () => {
    expect((await system.run('without', input)).customers.updated).toBe(499);
    expect(await upserts('without')).toBe(0);

    const first = await setup();
    expect(first.code).toBe(0);
    for (const name of Object.keys(SEARCH_ATTRIBUTES)) expect(first.output).toContain(`${name}  registered`);
    expect((await setup()).output).toContain('CustomerUpdatesState  already registered');

    await system.run('with', input);
    const query = `CustomerUpdatesState = 'completed' AND CustomerUpdatesStore = 'abc' AND CustomerUpdatesRejected = 1 AND CustomerUpdatesProgress = 100`;
    await until(async () => (await system.client.workflow.count(query)).count === 1);
  });

  test('they cost the history at most one event per tenth of the job and per change of its state', async () => {
    await setup();
    const job = await system.start('counted', input);
    await job.result();
    // Tenths from 0 to 9, closing, completed.
    expect(await upserts('counted')).toBeLessThanOrEqual(12);
    expect(await upserts('counted')).toBeGreaterThanOrEqual(3);
  });
});

describe('history', () => {
  /** All text in a history: every decoded payload, and every other string. */
  function textOf(value: unknown): string[] {
    if (typeof value === 'string') return [value];
    if (value instanceof Uint8Array) return [Buffer.from(value).toString('utf8')];
    if (typeof value !== 'object' || value === null) return [];
    const { metadata, data } = value as temporal.api.common.v1.IPayload;
    if (metadata && data) return [JSON.stringify(defaultPayloadConverter.fromPayload(value))];
    return Object.values(value).flatMap(textOf);
  }

  test("a job's history and memo hold ids, but neither a token nor any other value of a customer", async () => {
    const rows = customers(120).map(({ id }) => ({
      id,
      email: `private-${id}@secret.example`,
      first_name: `Firstname${id}`,
      notes: `confidential ${id}`,
      authentication: { force_password_reset: false, new_password: `Passw0rd-${id}` },
    }));
    // One that the store rejects, quoting the e-mail address, an unknown one, and invalid ones.
    rows[4] = { ...rows[4], email: 'private-9@secret.example' } as (typeof rows)[0];
    rows[20] = { ...rows[20], id: 7_000_000 } as (typeof rows)[0];
    rows[30] = { ...rows[30], first_name: '' } as (typeof rows)[0];
    rows[31] = { ...rows[31], shoe: 'size-of-secret' } as never;
    rows[32] = { ...rows[32], email: 'not-an-address-but-secret' } as (typeof rows)[0];
    await system.control('faults', { fault: 'throttle', count: 1, after: 3 });
    const uri = await writeSource(system, 'private.ndjson', rows);
    const handle = await system.start('private', { storeHash: 'abc', source: { uri } });
    expect((await handle.result()).customers).toMatchObject({ total: 120, rejected: 2, invalid: 3 });

    const { raw } = await handle.describe();
    const text = [await handle.fetchHistory(), raw.workflowExecutionInfo].flatMap(textOf).join('\n');
    expect(text).toContain('7000000');
    for (const secret of ['secret', 'Firstname', 'confidential', 'Passw0rd', ...Object.values(TOKENS)]) {
      expect(text).not.toContain(secret);
    }
  });
});

describe('logs', () => {
  const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
  const REISSUED = 'another-secret-token';

  const system = useSystem({
    emulator: ['--customers', '1000', '--latency', '30', '--quota', '1000', '--window', '1000'],
    workers: 2,
  });
  /** Everything the workers printed. */
  let output: string;
  let lines: Record<string, unknown>[];
  let jobs: Record<'abc' | 'def', JobHandle>;
  let rows: object[];

  beforeAll(async () => {
    rows = customers(120).map(({ id }) => ({
      id,
      email: `hidden-${id}@secret.example`,
      first_name: `Firstname${id}`,
      last_name: `Lastname${id}`,
      company: `Company${id} Ltd`,
      phone: `+49 30 901820${id}`,
      notes: `confidential ${id}`,
      authentication: { force_password_reset: false, new_password: `Passw0rd-${id}` },
    }));
    // One that the store rejects, quoting the e-mail address, an unknown one, and invalid ones.
    rows[4] = { ...rows[4], email: 'hidden-9@secret.example' };
    rows[20] = { ...rows[20], id: 7_000_000 };
    rows[30] = { ...rows[30], first_name: '' };
    rows[32] = { ...rows[32], email: 'hidden-but-not-an-address' };
    const quoting = 'hidden-1@secret.example sent secret-token-of-abc, +49 30 9018201';
    await system.control('faults', [
      { fault: 'throttle', store: 'abc', after: 2 },
      { fault: 'status', store: 'abc', status: 502, after: 3 },
      { fault: 'status', store: 'abc', status: 409, title: quoting, after: 4 },
      { fault: 'truncate', store: 'abc', after: 5 },
      { fault: 'status', store: 'abc', status: 405, title: quoting, after: 7 },
    ]);
    await system.control('tokens', { store: 'def', token: REISSUED });
    const uri = await writeSource(system, 'private.ndjson', rows);
    jobs = {
      abc: await system.start('of-abc', { storeHash: 'abc', source: { uri } }),
      def: await system.start('of-def', { storeHash: 'def', source: { customers: rows.slice(40, 60) } }),
    };
    const options = { onInvalid: 'fail' } as const;
    const invalid = await system.start('invalid', {
      storeHash: 'abc',
      source: { customers: rows.slice(30, 40) },
      options,
    });
    await invalid.result().catch(() => undefined);
    for (const job of Object.values(jobs)) {
      await until(async () => (await job.query(progressQuery)).state === 'held');
      if (job === jobs.def) await system.control('tokens', { store: 'def', token: TOKENS['def'] });
      await job.executeUpdate(resumeUpdate);
      await job.result();
    }
    await Promise.all(system.workers.map((worker) => worker.stop()));
    output = system.workers.map((worker) => worker.output()).join('');
    lines = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  });

  /** The lines with this message; there must be some. */
  function saying(message: string): Record<string, unknown>[] {
    const found = lines.filter(({ msg }) => msg === message);
    expect(found).not.toEqual([]);
    return found;
  }

  function textsIn(value: unknown): string[] {
    if (typeof value === 'string') return value === '' ? [] : [value];
    return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
  }

  test('no line holds a token, an e-mail address, a name, a phone number or a password', () => {
    const secrets = [...rows.flatMap(textsIn), ...Object.values(TOKENS), REISSUED, 'secret.example', 'hidden-'];
    expect(secrets.length).toBeGreaterThan(700);
    expect(secrets.filter((secret) => output.includes(secret))).toEqual([]);
  });

  test.each([
    ['debug', 'chunk updated'],
    ['info', 'chunk throttled'],
    ['info', 'chunk isolated'],
    ['warn', 'chunk not answered'],
    ['warn', 'chunk refused'],
  ])('there is a line of level %s for each %s, with job, store, chunk, attempt and request id', (level, message) => {
    const found = saying(message);
    for (const line of found) {
      const store = line['store'] as 'abc';
      const times = { attempt: expect.any(Number), chunk: expect.any(Number) };
      expect(line).toMatchObject({ level, job: jobs[store].workflowId, ...times });
    }
    // A chunk that was not sent, or whose answer broke off, has no request id.
    expect(found.map(({ requestId }) => requestId)).toContainEqual(expect.stringMatching(UUID));
  });

  test("what stopped a chunk is logged in the store's words, masked", () => {
    expect(saying('chunk not answered').map(({ why }) => why)).toContainEqual('The store gave the status 502.');
    expect(saying('chunk refused').map(({ why }) => why)).toContainEqual(
      expect.stringMatching(/405: \*\*\* sent \*\*\*,/),
    );
    expect(saying('chunk isolated')).toContainEqual(expect.objectContaining({ updated: 9, rejected: 1 }));
  });

  test("a job's start and end, and each hold's, are a line each", () => {
    const [abc, def] = [jobs.abc, jobs.def].map(({ workflowId }) => workflowId);
    for (const started of [
      { job: abc, store: 'abc', total: 120, invalid: 2, chunks: 12 },
      { job: def, store: 'def', total: 20, invalid: 0, chunks: 2 },
    ]) {
      expect(saying('job started')).toContainEqual(expect.objectContaining(started));
    }
    for (const [job, store] of Object.entries({ [abc ?? '']: 'abc', [def ?? '']: 'def' })) {
      const line = expect.objectContaining({ job, store, kind: 'refused' });
      expect(saying('job holds')).toContainEqual(line);
      expect(saying('job continues after a hold')).toContainEqual(line);
    }
    expect(saying('job closed')).toContainEqual(
      expect.objectContaining({ job: abc, store: 'abc', total: 120, invalid: 2, rejected: 2, updated: 116 }),
    );
  });

  test('leases are logged when they are taken and given back', () => {
    for (const store of ['abc', 'def']) {
      expect(saying('lease taken')).toContainEqual(expect.objectContaining({ level: 'info', store }));
      expect(saying('lease given back')).toContainEqual(expect.objectContaining({ store, why: 'handedOver' }));
    }
  });

  test('routine events are logged at level debug only', () => {
    const ordinary = lines.filter(
      ({ level, msg }) => level !== 'debug' && /updated|Activity|Workflow (started|completed)/.test(String(msg)),
    );
    expect(ordinary).toEqual([]);
  });
});

describe('health', () => {
  const WORKER = fileURLToPath(new URL('../../dist/worker.js', import.meta.url));

  const system = useSystem({ emulator: ['--customers', '100', '--latency', '2000'], durable: true, workers: 0 });
  let worker: Program;
  let address: string;

  beforeAll(async () => {
    const [port] = await freePorts(1);
    address = `127.0.0.1:${port}`;
  });

  interface Answer {
    status: number;
    ok: boolean;
    reasons: string[];
  }

  async function ask(path: string, method = 'GET'): Promise<Answer> {
    const response = await fetch(`http://${address}${path}`, { method });
    return { status: response.status, ...((await response.json()) as { ok: boolean; reasons: string[] }) };
  }

  const LIVE = { status: 200, ok: true, reasons: [] };

  test('a worker that has not reached the server yet is live, and not ready: starting', async () => {
    const proxy = await startProxy(system.server.address);
    proxy.cut();
    const env = { ...system.env, TEMPORAL_ADDRESS: proxy.address, HEALTH_ADDRESS: address };
    const starting = startProgram(process.execPath, [WORKER], { env });
    try {
      await until(async () => (await ask('/live').catch(() => undefined)) !== undefined);
      expect(await ask('/ready')).toEqual({ status: 503, ok: false, reasons: ['starting'] });
      expect(await ask('/live')).toEqual(LIVE);
    } finally {
      await starting.kill();
      proxy.close();
    }
  });

  test('a worker that polls is ready', async () => {
    worker = await system.startWorker({ HEALTH_ADDRESS: address });
    expect(await ask('/ready')).toEqual({ status: 200, ok: true, reasons: [] });
    expect(await ask('/')).toEqual({ status: 404, ok: false, reasons: ['ask for /live or /ready'] });
    expect(await ask('/ready', 'POST')).toMatchObject({ status: 405, ok: false });
  });

  test('it is not ready while the server is gone, and again when it is back; it is live throughout', async () => {
    await system.server.kill();
    await until(async () => (await ask('/ready')).status === 503);
    expect(await ask('/ready')).toMatchObject({
      ok: false,
      reasons: [expect.stringMatching(/^no answer from Temporal for \d+ s$/)],
    });
    expect(await ask('/live')).toEqual(LIVE);
    await system.restartServer();
    await until(async () => (await ask('/ready')).status === 200);
  });

  test('a worker that stops is not ready while its calls end, but live until it exits', async () => {
    await system.start('slow', { storeHash: 'abc', source: { customers: customers(10) } });
    await until(async () => Number((await system.stats()).puts) > 0);
    worker.signal('SIGTERM');
    await until(async () => (await ask('/ready')).status === 503);
    expect(await ask('/ready')).toEqual({ status: 503, ok: false, reasons: ['stopping'] });
    expect(await ask('/live')).toEqual(LIVE);
    expect(await worker.exited).toMatchObject({ code: 0 });
    await expect(ask('/live')).rejects.toThrow('fetch failed');
  });
});
