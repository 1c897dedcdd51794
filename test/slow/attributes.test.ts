/** Jobs that set attribute values, end to end: every value at the store is compared. */
import { readFile } from 'node:fs/promises';
import { cut } from '../../src/bigcommerce/parts.ts';
import { type Failure, jobId, type JobResult, progressQuery } from '../../src/contract/job.ts';
import { writeSource } from '../support/customers.ts';
import { expectCountsToAddUp, untilDone, historyText } from '../support/jobs.ts';
import { allFailures, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '5000', '--latency', '5'] });

const CUSTOMERS = 2_000;

/** A value that nothing else contains. */
const tier = (id: number) => `t13r-${id}`;
const isBad = (id: number) => id % 10 === 3;
const idsTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);

const rowOf = (id: number) => ({
  id,
  notes: `n${id}`,
  attributes: { 'Loyalty Tier': isBad(id) ? `${tier(id)} refused` : tier(id), points: id },
});

const handleOf = (name: string) => system.client.workflow.getHandle(jobId('abc', name));

async function start(name: string, rows: unknown[]) {
  const uri = await writeSource(system, `${name}.ndjson`, rows);
  return system.start(name, { storeHash: 'abc', source: { uri } });
}

async function run(name: string, rows: unknown[]): Promise<JobResult> {
  const job = await start(name, rows);
  const result = await job.result();
  expectCountsToAddUp(result);
  return result;
}

const faults = (...added: object[]) => system.control('faults', added);
const byCall = async () => (await system.stats())['byCall'] as unknown as Record<string, number>;

const PUT = 'PUT /v3/customers';
const PUT_VALUES = 'PUT /v3/customers/attribute-values';

/** Requests that got no answer, or one that says nothing of what was sent. */
async function disturbed(): Promise<number> {
  const { unanswered = 0, byStatus } = await system.stats();
  const answers = Object.entries(byStatus as unknown as Record<string, number>);
  return answers.reduce((sum, [status, count]) => (Number(status) >= 429 ? sum + count : sum), unanswered);
}

/** Compares every customer, of whom one in ten had a value that the store refuses, with what was to be set. */
async function expectAllButRefused(name: string, { customers }: JobResult, count = CUSTOMERS): Promise<void> {
  const bad = idsTo(count).filter(isBad);
  expect(customers).toMatchObject({ updated: count - bad.length, rejected: bad.length, failed: 0 });
  const expected = (id: number) => (isBad(id) ? { 2: String(id) } : { 1: tier(id), 2: String(id) });
  for (const ids of cut(idsTo(count), 50)) {
    const has = (await Promise.all(ids.map((id) => system.customer(id)))).map((one) => [
      one['notes'],
      one['_attributes'],
    ]);
    expect(has).toEqual(ids.map((id) => [`n${id}`, expected(id)]));
  }
  expect(await system.customer(CUSTOMERS + 1)).toMatchObject({ _attributes: {}, _applied: 0 });
  const failures = await allFailures(handleOf(name));
  expect(failures.map(({ id }) => id).sort((a, b) => Number(a) - Number(b))).toEqual(bad);
  const one: Partial<Failure> = { outcome: 'rejected', code: 'attributes_rejected', attributes: [1] };
  for (const failure of failures) {
    expect(failure).toMatchObject(one);
    expect(failure.message).toMatch(/^The fields were taken, but not the attribute "Loyalty Tier": .*not allowed$/);
  }
}

describe.each([
  ['ten customers a call, and names what it refuses', [], 2, CUSTOMERS],
  ['ten customers a call, and names nothing', ['names-no-value'], 2, 400],
  ['ten values a call, and names what it refuses', ['ten-values'], 3, 400],
  ['ten values a call, and names nothing', ['ten-values', 'names-no-value'], 3, 400],
])('a store that takes %s', (name, switches, callsPerChunk, count) => {
  const job = name.replaceAll(/\W+/g, '-');

  test('has every value that it takes, and each that it refuses is named', async () => {
    await faults({ fault: 'refused-value' }, ...switches.map((fault) => ({ fault })));
    const result = await run(job, idsTo(count).map(rowOf));
    await expectAllButRefused(job, result, count);
    const calls = await byCall();
    expect(calls[PUT]).toBe(count / 10);
    expect(result.calls).toBe((calls[PUT] ?? 0) + (calls[PUT_VALUES] ?? 0));
    // The names of the attributes.
    expect(result.reads).toBe(1);
    const notes = result.notes?.filter((note) => /ten attribute values/.test(note)) ?? [];
    if (callsPerChunk === 2) expect(notes).toEqual([]);
    // No chunk can show it, if each has a value that is refused without a word.
    else if (!switches.includes('names-no-value')) expect(notes).toHaveLength(1);
  });

  test('takes no more calls than it has to for values that are good', async () => {
    await faults(...switches.map((fault) => ({ fault })));
    const rows = idsTo(300).map((id) => ({ ...rowOf(id), attributes: { 'loyalty tier': tier(id), Points: id } }));
    const { calls, notes, customers } = await run(`${job}-good`, rows);
    expect(customers.updated).toBe(300);
    // One process remembers its store: another job may have been shown that it takes tens.
    const known = 30 * callsPerChunk;
    expect(calls).toBeGreaterThanOrEqual(known);
    expect(calls).toBeLessThanOrEqual(known + 30);
    if (callsPerChunk === 3) expect(notes).toEqual([expect.stringMatching(/ten attribute values a call/)]);
  });
});

test('no value is in a history, in a log, or in a failure, and none is in the report', async () => {
  await faults({ fault: 'refused-value' }, { fault: 'status', status: 500, endpoint: 'attribute-values', count: 3 });
  const { report } = await run('secret', idsTo(100).map(rowOf));
  const texts = [
    await historyText(system, jobId('abc', 'secret')),
    JSON.stringify(await handleOf('secret').query(progressQuery)),
    JSON.stringify(await allFailures(handleOf('secret'))),
    await readFile(new URL(report ?? ''), 'utf8'),
    ...system.workers.map((worker) => worker.output()),
  ];
  expect(texts.flatMap((text) => text.match(/.{0,40}t13r.{0,40}/g) ?? [])).toEqual([]);
});

test('what was answered is not sent again, whatever happens to the calls for values', async () => {
  const endpoint = 'attribute-values';
  await faults(
    { fault: 'refused-value' },
    { fault: 'status', status: 500, endpoint, probability: 0.015 },
    { fault: 'status', status: 504, applied: true, endpoint, probability: 0.015 },
    { fault: 'reset-after', endpoint, probability: 0.015 },
    { fault: 'throttle', retryAfter: 0, endpoint, probability: 0.015 },
  );
  const result = await run('unanswered', idsTo(CUSTOMERS).map(rowOf));
  expect(await disturbed()).toBeGreaterThan(0);
  await expectAllButRefused('unanswered', result);
  expect((await system.stats())['customersAppliedMoreThanOnce']).toBe(0);
});

test('nothing is lost or wrong with 500s, 504s that were applied, resets and killed workers', async () => {
  const second = await system.startWorker();
  await faults(
    { fault: 'refused-value' },
    { fault: 'names-no-value' },
    { fault: 'status', status: 500, on: 'all', probability: 0.01 },
    { fault: 'status', status: 504, applied: true, probability: 0.01 },
    { fault: 'reset', probability: 0.01 },
    { fault: 'reset-after', probability: 0.01 },
  );
  const job = await start('killed', idsTo(CUSTOMERS).map(rowOf));
  for (const chunks of [30, 90, 150]) {
    await untilDone(job, chunks);
    let holder: Awaited<ReturnType<typeof system.holder>>;
    await until(async () => (holder = await system.holder()) !== undefined);
    expect((await job.query(progressQuery)).state).toBe('running');
    await holder?.kill();
    await system.startWorker();
  }
  const result = await job.result();
  expectCountsToAddUp(result);
  expect(await disturbed()).toBeGreaterThan(0);
  await expectAllButRefused('killed', result);
  await second.kill();
});

test('a job of attributes alone changes no fields, and knows who does not exist', async () => {
  const rows = [...idsTo(95), 7_001, 7_002].map((id) => ({ id, attributes: { 'Member Since': '2024-05-06' } }));
  const { customers, calls } = await run('alone', rows);
  expect(customers).toMatchObject({ updated: 95, rejected: 2 });
  expect(await byCall()).toEqual({ 'GET /v3/customers/attributes': 1, [PUT_VALUES]: calls });
  expect(await allFailures(handleOf('alone'))).toMatchObject([7_001, 7_002].map((id) => ({ id, code: 'unknown_id' })));
  for (const id of idsTo(95)) {
    expect(await system.customer(id)).toMatchObject({ _applied: 0, _attributes: { 3: '2024-05-06' } });
  }
});

test('a job without attributes makes one call a chunk and no other, and runs nothing else', async () => {
  const result = await run(
    'without',
    idsTo(100).map((id) => ({ id, notes: 'n' })),
  );
  expect(result).toMatchObject({ calls: 10, reads: 0 });
  expect(await byCall()).toEqual({ [PUT]: 10 });
  const { events } = await handleOf('without').fetchHistory();
  const ran = events?.flatMap(({ activityTaskScheduledEventAttributes: task }) => task?.activityType?.name ?? []) ?? [];
  const more = ran.filter((name) => name !== 'updateChunk');
  expect([ran.length - more.length, new Set(more)]).toEqual([10, new Set(['prepareJob', 'openStore', 'closeJob'])]);
});
