/** Sources that set attributes: what the store has of them after a job, its undo, its retry, its fix file and a second run. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { WorkflowFailedError } from '@temporalio/client';
import { type JobOptions, type JobResult, jobId } from '../../src/contract/job.ts';
import { expectCountsToAddUp, untilDone } from '../support/jobs.ts';
import { runStarter } from '../support/starter.ts';
import { allFailures, useSystem } from '../support/system.ts';

const system = useSystem({ emulator: ['--customers', '2100', '--latency', '5'] });

type Values = Record<string, string>;
interface Customer {
  notes: string;
  _attributes: Values;
}

const customer = async (id: number) => (await system.customer(id)) as unknown as Customer;
const attributesOf = async (id: number): Promise<Values> => (await customer(id))['_attributes'];
const ids = (n: number) => Array.from({ length: n }, (_, index) => index + 1);

/** Of customers 1 to n their notes and all that they have of attributes. */
async function present(n: number): Promise<{ id: number; notes: string; attributes: Values }[]> {
  const all: { id: number; notes: string; attributes: Values }[] = [];
  for (let first = 1; first <= n; first += 50) {
    const some = ids(Math.min(50, n - first + 1)).map(async (index) => {
      const id = first + index - 1;
      const { notes, _attributes: attributes } = await customer(id);
      return { id, notes, attributes };
    });
    all.push(...(await Promise.all(some)));
  }
  return all;
}

/** Gives attributes values as someone else would. */
const set = (values: [customer_id: number, attribute_id: number, value: string | null][]) =>
  system.control('attribute-values', {
    store: 'abc',
    values: values.map(([customer_id, attribute_id, value]) => ({ customer_id, attribute_id, value })),
  });

async function start(name: string, text: string, options: JobOptions = {}) {
  const folder = `${system.folder}/data/sources`;
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/${name}`, text);
  const uri = pathToFileURL(`${folder}/${name}`).href;
  return system.start(name, { storeHash: 'abc', source: { uri }, options });
}

const run = async (name: string, text: string, options: JobOptions = {}): Promise<JobResult> =>
  (await start(name, text, options)).result();

const calls = async () => (await system.control<{ byCall: Record<string, number> }>('stats?store=abc')).byCall;

const ndjson = (...rows: object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** What each tenth customer is to have is not to the store's taste. */
const tierOf = (id: number) => (id % 10 === 0 ? `refused ${id}` : `Tier ${id % 4}`);

test('two attributes of 2,000 customers are set, one in ten not taken; undone, every value and every absence is as before', async () => {
  await set(ids(2_000).flatMap((id): [number, number, string][] => (id % 3 === 0 ? [] : [[id, 1, `old ${id}`]])));
  await set(ids(2_000).flatMap((id): [number, number, string][] => (id % 4 === 0 ? [[id, 2, `${id}.50`]] : [])));
  await set([
    [5, 2, ''],
    [7, 3, '2020-02-29'],
  ]);
  const before = await present(2_000);
  await system.control('faults', { fault: 'refused-value' });
  const lines = ids(2_000).map((id) => `${id},${tierOf(id)},${id},${id % 2 === 0 ? 'n' : ''}`);
  const file = ['id,attribute:loyalty tier,attribute:2,notes', ...lines].join('\n');
  const handle = await start('set.csv', file, { backup: true });
  const result = await handle.result();

  expectCountsToAddUp(result);
  expect(result.customers).toMatchObject({ total: 2_000, updated: 1_800, rejected: 200 });
  const failures = await allFailures(handle);
  expect(failures.map(({ id, code, attributes }) => [id, code, attributes])).toEqual(
    ids(200).map((n) => [n * 10, 'attributes_rejected', [1]]),
  );
  const now = await present(2_000);
  const wanted = before.map(({ id, notes, attributes }) => ({
    id,
    notes: id % 2 === 0 ? 'n' : notes,
    attributes: { ...attributes, ...(id % 10 !== 0 && { 1: tierOf(id) }), 2: String(id) },
  }));
  expect(now).toEqual(wanted);

  await system.control('faults', { clear: true });
  const { code, output } = await runStarter(system, ['undo', 'set.csv', '--store', 'abc', '--yes', '--backup']);
  expect([code, output]).toEqual([0, expect.stringContaining('2,000')]);
  expect(await present(2_000)).toEqual(before);

  // And an undo can be undone.
  expect((await runStarter(system, ['undo', 'set.csv-undo', '--store', 'abc', '--yes'])).code).toBe(0);
  expect(await present(2_000)).toEqual(wanted);
});

test('many attributes are looked up in parts of a page, and undone', async () => {
  const attributes = ids(50).map((id) => ({ id, name: `A${id}`, type: 'string' }));
  await system.control('stores', { store: 'abc', attributes });
  await set(ids(300).map((id) => [id, 1 + (id % 50), 'old']));
  const before = await present(300);
  const rows = ids(300).map((id) => ({
    id,
    attributes: Object.fromEntries(attributes.map(({ name }) => [name, id % 2 === 0 ? 'new' : null])),
  }));
  const handle = await start('wide.ndjson', ndjson(...rows), { backup: true });
  expect((await handle.result()).customers).toMatchObject({ total: 300, updated: 300 });
  const { events } = await handle.fetchHistory();
  const lookUps = events?.filter(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'lookUpPage',
  );
  // At 250 values a call, and 20 calls a look-up.
  expect(lookUps?.length).toBe(Math.ceil(300 / 90));
  const all = Object.fromEntries(attributes.map(({ id }) => [id, 'new']));
  expect(await present(300)).toEqual(before.map((row) => ({ ...row, attributes: row.id % 2 === 0 ? all : {} })));

  expect((await runStarter(system, ['undo', 'wide.ndjson', '--store', 'abc', '--yes'])).code).toBe(0);
  expect(await present(300)).toEqual(before);
});

test('null removes a value; one that is not there is removed, and a job of attributes only sends no fields', async () => {
  await set([
    [1, 1, 'Gold'],
    [1, 2, '5'],
  ]);
  const rows = [
    { id: 1, attributes: { 'Loyalty Tier': null } },
    { id: 2, attributes: { 'Loyalty Tier': null, Points: '' } },
    { id: 3, attributes: { 'member since': '2024-02-29' } },
  ];
  const result = await run('remove.ndjson', ndjson(...rows));
  expect(result.customers).toMatchObject({ total: 3, updated: 3 });
  expect((await present(3)).map(({ attributes }) => attributes)).toEqual([{ 2: '5' }, { 2: '' }, { 3: '2024-02-29' }]);
  expect((await calls())['PUT /v3/customers']).toBeUndefined();
});

test('a nightly file sends what has changed alone, however the store writes numbers and dates', async () => {
  await set(
    ids(300).flatMap((id): [number, number, string][] => [
      [id, 1, 'Gold'],
      [id, 2, `${id}.0`],
      [id, 3, '2024-02-29T00:00:00Z'],
    ]),
  );
  await set([
    [7, 1, 'Silver'],
    [8, 2, null],
  ]);
  const lines = ids(300).map((id) => `${id},Gold,${id},2024-02-29,${id === 9 ? 'n' : ''}`);
  const file = ['id,attribute:Loyalty Tier,attribute:Points,attribute:Member Since,notes', ...lines].join('\n');
  const result = await run('nightly.csv', file, { skipUnchanged: true, backup: true });
  expect(result).toMatchObject({ unchanged: 297, calls: 2, customers: { updated: 300 } });
  expect(await system.stats()).toMatchObject({ valuesApplied: 2, customersApplied: 1 });
  expect(await attributesOf(8)).toEqual({ 1: 'Gold', 2: '8', 3: '2024-02-29T00:00:00Z' });
  const backup = await readFile(new URL(result.backup ?? ''), 'utf8');
  expect(
    backup
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object),
  ).toEqual([
    { id: 7, 'attribute_id:1': 'Silver' },
    { id: 8, 'attribute_id:2': null },
    { id: 9, notes: '' },
  ]);
  const again = await run('nightly-again.csv', file, { skipUnchanged: true });
  expect(again).toMatchObject({ unchanged: 300, calls: 0 });
});

test('a dry run says which values would change', async () => {
  await set([
    [1, 2, '5.00'],
    [2, 1, ''],
  ]);
  const file = 'id,attribute:Points,attribute:Loyalty Tier,attribute_id:3\n1,5,,\n2,6,Gold,2024-02-29\n';
  const result = await run('dry.csv', file, { dryRun: true, skipUnchanged: true });
  expect(result.wouldSend).toMatchObject({ customers: 1, compared: { changed: 1, unchanged: 1 } });
  expect((await readFile(new URL(result.changes ?? ''), 'utf8')).trim().split('\n')).toEqual([
    'row,id,field,before,after',
    '2,2,attribute:Loyalty Tier,"""""",Gold',
    '2,2,attribute:Points,,6',
    '2,2,attribute:Member Since,,2024-02-29',
  ]);
  expect((await system.stats())['puts']).toBe(0);
});

test('customers may be found by their addresses, and their attributes are looked up', async () => {
  await set([[3, 1, 'Gold']]);
  const file =
    'email,attribute:Loyalty Tier\ncustomer3@example.com,Gold\nCUSTOMER4@example.com,Gold\nnobody@example.com,Gold\n';
  const result = await run('email.csv', file, { match: 'email', skipUnchanged: true });
  expect(result).toMatchObject({ unchanged: 1, customers: { updated: 2, rejected: 1 } });
  expect(await attributesOf(4)).toEqual({ 1: 'Gold' });
});

test('an attribute that the store does not have, in a heading, stops the job before anything is sent', async () => {
  const message =
    'Expected headings with attributes of the store. "attribute:Tier": the store has no such attribute. Its attributes: ' +
    '"Loyalty Tier", "Points", "Member Since".';
  const failed = run('unknown.csv', 'id,attribute:Tier\n1,Gold\n').catch((error: unknown) => error);
  expect((await failed) as WorkflowFailedError).toMatchObject({
    cause: { type: 'BadSource', message: expect.stringContaining(message) },
  });
  expect(await calls()).toEqual({ 'GET /v3/customers/attributes': 1 });
});

test('names of groups and attributes are asked for once, whichever row has the first one', async () => {
  const rows = [{ id: 1, customer_group: 'VIP' }, ...ids(20).map((id) => ({ id: id + 1, notes: 'n' }))];
  const file = ndjson(...rows, { id: 30, attributes: { Points: 5 } }, { id: 31, attributes: { Tier: 'Gold' } });
  const handle = await start('names.ndjson', file);
  expect((await handle.result()).customers).toMatchObject({ total: 23, updated: 22, invalid: 1 });
  expect(await allFailures(handle)).toMatchObject([{ row: 23, id: 31, code: 'unknown_attribute' }]);
  expect(await attributesOf(30)).toEqual({ 2: '5' });
});

test('a retry sends the values that a cancelled job has left', async () => {
  await system.control('faults', { fault: 'latency', ms: 300 });
  const rows = ids(300).map((id) => ({ id, attributes: { Points: id, 'Loyalty Tier': id % 2 === 0 ? null : 'Gold' } }));
  await set(ids(300).map((id) => [id, 1, 'old']));
  const handle = await start('cancelled.ndjson', ndjson(...rows));
  await untilDone(handle, 3);
  await handle.cancel();
  await handle.result().catch(() => undefined);
  await system.control('faults', { clear: true });
  expect((await present(300)).some(({ attributes }) => attributes[2] === undefined)).toBe(true);

  const source = { retryOf: jobId('abc', 'cancelled.ndjson') };
  const result = await system.run('retried', { storeHash: 'abc', source });
  expectCountsToAddUp(result);
  expect(result.customers.updated).toBe(result.customers.total);
  const wanted = ids(300).map((id) => ({ ...(id % 2 === 1 && { 1: 'Gold' }), 2: String(id) }));
  expect((await present(300)).map(({ attributes }) => attributes)).toEqual(wanted);
});

test.each([
  ['fix.csv', 'id,attribute:Loyalty Tier,attribute:Points\n1,Gold,5\n2,refused,6\n3,Gold,"1,234"\n'],
  [
    'fix.ndjson',
    ndjson(
      { id: 1, attributes: { 'Loyalty Tier': 'Gold', Points: 5 } },
      { id: 2, attributes: { 'Loyalty Tier': 'refused', Points: 6 } },
      { id: 3, attributes: { 'Loyalty Tier': 'Gold', Points: '1,234' } },
    ),
  ],
])(
  'the rows of %s whose attributes were not taken are in its fix file, and sent once corrected',
  async (name, text) => {
    await system.control('faults', { fault: 'refused-value' });
    const result = await run(name, text);
    expect(result.customers).toMatchObject({ updated: 1, rejected: 1, invalid: 1 });
    const fix = await readFile(new URL(result.fix ?? ''), 'utf8');
    expect(fix.match(/attributes_rejected|invalid_field/g)).toEqual(['attributes_rejected', 'invalid_field']);
    const again = await run(`again-${name}`, fix.replace('refused', 'Silver').replace('1,234', '1234'));
    expect(again.customers).toMatchObject({ total: 2, updated: 2 });
    expect((await present(3)).map(({ attributes }) => attributes)).toEqual([
      { 1: 'Gold', 2: '5' },
      { 1: 'Silver', 2: '6' },
      { 1: 'Gold', 2: '1234' },
    ]);
  },
);
