import { readFileSync } from 'node:fs';
import { mkdir, rmdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../dev/servers/ports.ts';
import { customers } from '../support/customers.ts';
import { progressQuery, resumeUpdate } from '../../src/contract/job.ts';
import { lastFailure } from '../support/jobs.ts';
import { TOKENS, useSystem, type JobHandle } from '../support/system.ts';
import { until } from '../support/until.ts';

const OPS = fileURLToPath(new URL('../../ops', import.meta.url));

/** The metrics that Prometheus itself makes, by name. */
const OF_PROMETHEUS = { up: ['job', 'instance'], ALERTS: ['alertname'] };

/** Words of PromQL that are no metrics. */
const WORDS = new Set(['and', 'or', 'unless', 'on', 'by', 'le', 'offset', 'bool']);

const system = useSystem({
  emulator: ['--customers', '1000', '--latency', '20', '--quota', '1000', '--window', '1000'],
  workers: 0,
});
/** Where the worker serves its metrics. */
let url: string;
let job: JobHandle;
/** PUTs that the store got of it. */
let puts: number | undefined;
/** What a worker exposed after a job of 60 customers: one throttled, one rejected, one invalid. */
let exposed: string;
/** The samples in it: name, labels by name, value. */
let samples: { name: string; labels: Record<string, string>; value: number }[];

beforeAll(async () => {
  const [port] = await freePorts(1);
  url = `http://127.0.0.1:${port}/metrics`;
  await system.startWorker({ METRICS_ADDRESS: `127.0.0.1:${port}` });
  await system.control('faults', { fault: 'throttle', count: 1, after: 2 });
  const rows: object[] = customers(60).map((row) => ({ ...row, email: `private-${row.id}@example.com` }));
  rows[24] = { ...rows[24], id: 700_025 };
  rows[40] = { ...rows[40], first_name: '' };
  job = await system.start('measured', { storeHash: 'abc', source: { customers: rows } });
  await failToReport(job);
  // What workflows count comes a moment later.
  await until(async () => {
    exposed = await scrape();
    return /customer_updates_customers_total\{.*outcome="updated".*\} 58/.test(exposed);
  });
  samples = readSamples(exposed);
  ({ puts } = await system.stats());
});

/** Lets a job end that could not write its report at first. */
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

test('the metrics say what became of the customers, of the calls and of the lease', async () => {
  const store = 'abc';
  for (const [outcome, count] of Object.entries({ updated: 58, rejected: 1, invalid: 1, failed: 0, unprocessed: 0 })) {
    expect(sum('customer_updates_customers_total', { store, outcome })).toBe(count);
  }
  expect(sum('customer_updates_call_duration_seconds_count', { store })).toBe(puts);
  expect(sum('customer_updates_call_duration_seconds_count', { store, outcome: 'throttled' })).toBe(1);
  expect(sum('customer_updates_call_duration_seconds_count', { store, outcome: 'isolate' })).toBe(1);
  expect(sum('customer_updates_call_duration_seconds_bucket', { store, outcome: 'ok', le: '1' })).toBeGreaterThan(0);
  expect(sum('customer_updates_throttled_total', { store })).toBe(1);
  expect(sum('customer_updates_calls_in_flight', { store })).toBe(0);
  expect(sum('customer_updates_lease_held', { store })).toBe(1);
  expect(sum('customer_updates_given_jobs')).toBe(1);
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

/** The metrics in an expression, each with the labels that it is asked by. */
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
  ['alerts.yml', 9],
  ['grafana-dashboard.json', 10],
])('each metric and label that %s asks for is there', (file, least) => {
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

test('each of our metrics is in the dashboard or an alert', () => {
  const ours = new Set(samples.map(({ name }) => name).filter((name) => /^customer_updates_(?!.*_sum$)/.test(name)));
  const asked = ['alerts.yml', 'grafana-dashboard.json'].flatMap(expressions).flatMap(metricsIn);
  expect(new Set(asked.map(({ name }) => name).filter((name) => name.startsWith('customer_updates_')))).toEqual(ours);
});

test('no label and no value tells of a job, a token or a customer', () => {
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
  expect([...labels].toSorted()).toEqual(['kind', 'le', 'outcome', 'store', 'why', ...ofWorkflows].toSorted());
});

test('a job that holds is counted, and once more when it has asked in vain', async () => {
  const holds = async () => /customer_updates_holds_total\{kind="refused".*\} (\d+)/.exec(await scrape())?.[1];
  await system.control('tokens', { store: 'abc', token: 'reissued' });
  const held = await system.start('held', { storeHash: 'abc', source: { customers: customers(10) } });
  await until(async () => (await holds()) === '1');
  await held.executeUpdate(resumeUpdate);
  await until(async () => (await holds()) === '2');
  expect((await held.query(progressQuery)).state).toBe('held');
});

test('what fails for the job store is counted, and what fails for its own input is not', async () => {
  expect(sum('temporal_activity_execution_failed', { activity_type: 'closeJob' })).toBeGreaterThan(0);
  const source = { uri: `file://${system.folder}/nothing.csv` };
  const bad = await system.start('bad', { storeHash: 'abc', source });
  await expect(bad.result()).rejects.toThrow();
  // What fails after it is counted after it.
  const held = await system.start('unwritable', { storeHash: 'def', source: { customers: customers(300) } });
  await failToReport(held);
  const failed = readSamples(await scrape()).filter(({ name }) => name === 'temporal_activity_execution_failed');
  expect(failed.map(({ labels }) => labels['activity_type'])).toEqual(['closeJob']);
});
