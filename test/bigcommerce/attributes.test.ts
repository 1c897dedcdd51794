/** Attribute values at the emulator, through the class that the activities use. */
import { Draining, Refused, type StoreError, Throttled, Unavailable } from '../../src/bigcommerce/errors.ts';
import { Api } from '../../src/bigcommerce/http.ts';
import { type CustomerUpdate, type Permit, type Store, Stores } from '../../src/bigcommerce/store.ts';
import type { Tokens } from '../../src/bigcommerce/tokens.ts';
import { Rig } from '../emulator/rig.ts';

let rig: Rig;
let stores: Stores;
let store: Store;
const observed: string[] = [];

beforeAll(async () => {
  rig = await Rig.start({ pageSize: 7 });
});
afterAll(() => rig.close());
beforeEach(async () => {
  await rig.reset();
  observed.length = 0;
  // A new one each time: a store remembers.
  const tokens = { tokenFor: () => 'token-one', reread: () => 'token-one', cures: {} } as unknown as Tokens;
  const callEnded = (endpoint: string, outcome: string) => void observed.push(`${endpoint} ${outcome}`);
  const observe = () => ({ callStarted() {}, callEnded, quotaLeft() {} });
  stores = new Stores({ api: new Api(rig.url, '1'), tokens, quotaReservePercent: 0, observe });
  store = stores.get('one');
});
afterEach(() => stores.close());

type Row = { id: number; attributes?: Record<string, string | null> } & Record<string, unknown>;

const never = new AbortController().signal;
const permit: Permit = { lost: never, draining: never, check() {} };
const update = (rows: Row[], more: Partial<CustomerUpdate> = {}) =>
  store.updateCustomers({ body: JSON.stringify(rows), permit, ...more });
const valuesOf = async (id: number) => (await rig.customer(id))['_attributes'];
const set = (customer_id: number, attribute_id: number, value: string) =>
  rig.control('POST', 'attribute-values', { store: 'one', values: [{ customer_id, attribute_id, value }] });
const byCall = async (): Promise<Record<string, number>> => (await rig.stats()).byCall;

const PUT = 'PUT /v3/customers';
const PUT_VALUES = 'PUT /v3/customers/attribute-values';
const GET_VALUES = 'GET /v3/customers/attribute-values';
const DELETE_VALUES = 'DELETE /v3/customers/attribute-values';

const ten = (attributes: (id: number) => Row['attributes'], fields: object = { notes: 'n' }): Row[] =>
  Array.from({ length: 10 }, (_, n) => ({
    id: n + 1,
    ...fields,
    attributes: attributes(n + 1) as Record<string, string>,
  }));

async function failure<T extends StoreError>(kind: new (...args: never[]) => T, call: Promise<unknown>): Promise<T> {
  const error: unknown = await call.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(kind);
  return error as T;
}

describe('a chunk with attributes', () => {
  test('takes a PUT for the fields, one for the values, and a GET and a DELETE for those to remove', async () => {
    await set(3, 3, '2024-05-06');
    const tally = { calls: 0, reads: 0, throttled: 0 };
    const rows = ten((id) => ({ 1: 'Gold', 2: String(id), 3: null }));
    const outcome = await update(rows, { tally });
    expect(outcome).toMatchObject({ rejected: [], failed: [], calls: 3 });
    expect(outcome.updated).toHaveLength(10);
    expect(outcome).not.toHaveProperty('tensOfValues');
    expect(tally).toEqual({ calls: 3, reads: 1, throttled: 0 });
    expect(await byCall()).toEqual({ [PUT]: 1, [PUT_VALUES]: 1, [GET_VALUES]: 1, [DELETE_VALUES]: 1 });
    expect(await rig.customer(3)).toMatchObject({ notes: 'n', _attributes: { 1: 'Gold', 2: '3' } });
    expect(await rig.customer(3)).not.toHaveProperty('attributes');
    expect(new Set(observed)).toEqual(new Set(['customers ok', 'attribute-values ok']));
  });

  test('takes no PUT of customers if it has no fields, and no DELETE if nothing is there', async () => {
    expect(await update([{ id: 1, attributes: { 1: 'Gold' } }])).toMatchObject({ updated: [1], calls: 1 });
    expect(await update([{ id: 1, notes: 'n', attributes: { 2: null } }])).toMatchObject({ updated: [1], calls: 1 });
    expect(await byCall()).toEqual({ [PUT]: 1, [PUT_VALUES]: 1, [GET_VALUES]: 1 });
  });

  test('sends values of those alone whose fields were taken', async () => {
    const rows = [
      { id: 1, notes: 'n', attributes: { 1: 'a' } },
      { id: 2, first_name: '', attributes: { 1: 'b' } },
      { id: 9_999, notes: 'n', attributes: { 1: null } },
    ];
    const { updated, rejected } = await update(rows);
    expect([updated, rejected.map(({ id, code }) => [id, code])]).toEqual([
      [1],
      [
        [2, 'rejected'],
        [9_999, 'unknown_id'],
      ],
    ]);
    expect([await valuesOf(1), await valuesOf(2)]).toEqual([{ 1: 'a' }, {}]);
    expect(await byCall()).not.toHaveProperty([GET_VALUES]);
  });

  test('can be sent in part', async () => {
    await update(
      ten(() => ({ 1: 'x' })),
      { only: [4] },
    );
    expect([await valuesOf(4), await valuesOf(5)]).toEqual([{ 1: 'x' }, {}]);
    expect((await rig.customer(5))['_applied']).toBe(0);
  });
});

describe.each([[true], [false]])('an attribute that the store does not take, and names: %s', (isNamed) => {
  beforeEach(async () => {
    await rig.fault({ fault: 'refused-value', text: 'bad' });
    if (!isNamed) await rig.fault({ fault: 'names-no-value' });
  });

  test('is found, and everything else is taken', async () => {
    const rows = ten((id) => ({ 1: id === 4 ? 'bad' : 'Gold', 2: String(id) }));
    const { updated, rejected } = await update(rows);
    expect(updated).toHaveLength(9);
    expect(rejected).toMatchObject([{ id: 4, code: 'attributes_rejected', attributes: [1] }]);
    expect(rejected[0]?.message).toBe(isNamed ? 'value: "***" is not allowed' : '"***" is not allowed');
    for (const { id } of rows) expect(await valuesOf(id)).toEqual(id === 4 ? { 2: '4' } : { 1: 'Gold', 2: String(id) });
    expect((await rig.customer(4))['notes']).toBe('n');
  });

  test('an unknown customer of whom nothing but attributes is set, or removed, is unknown', async () => {
    await set(5, 1, 'there');
    const rows = [
      { id: 9_998, attributes: { 1: 'a', 2: '1' } },
      { id: 5, attributes: { 1: null } },
      { id: 9_999, attributes: { 1: null, 2: null } },
      { id: 6, attributes: { 1: null } },
    ];
    const { updated, rejected } = await update(rows);
    expect(updated).toEqual([5, 6]);
    expect(rejected).toMatchObject([
      { id: 9_998, code: 'unknown_id' },
      { id: 9_999, code: 'unknown_id' },
    ]);
    expect(await valuesOf(5)).toEqual({});
  });
});

describe('a store that takes ten values a call', () => {
  beforeEach(() => rig.fault({ fault: 'ten-values' }));
  const rows = ten((id) => ({ 1: 'Gold', 2: String(id) }));

  test('shows it once: from then on it is sent ten at a time, by all who call it', async () => {
    expect(await update(rows)).toMatchObject({ calls: 4, tensOfValues: true });
    expect(await stores.get('one').updateCustomers({ body: JSON.stringify(rows), permit })).toMatchObject({ calls: 3 });
    for (const { id } of rows) expect(await valuesOf(id)).toEqual({ 1: 'Gold', 2: String(id) });
  });

  test('need not show it to who knows', async () => {
    expect(await update(rows, { tensOfValues: true })).toMatchObject({ calls: 3 });
    expect((await rig.stats()).byStatus).toEqual({ 200: 3 });
  });

  test('is told of only where there are values', async () => {
    await update(rows);
    expect(await update([{ id: 1, notes: 'n' }])).not.toHaveProperty('tensOfValues');
  });
});

describe('what was reached is not sent again', () => {
  const rows = ten((id) => ({ 1: 'Gold', 2: id === 3 ? null : '5' }));

  test.each([
    ['status', { status: 504, applied: true }, Unavailable],
    ['reset', {}, Unavailable],
    ['throttle', { retryAfter: 0 }, Throttled],
    ['status', { status: 403 }, Refused],
  ])('after %s %j of the values', async (fault, parameters, kind) => {
    await rig.fault({ fault, endpoint: 'attribute-values', ...parameters });
    const { attempt } = await failure<StoreError>(kind, update(rows));
    const state = JSON.parse(JSON.stringify(attempt.state)) as NonNullable<CustomerUpdate['state']>;
    expect(state.updated).toHaveLength(10);
    expect(await update(rows, { state, probe: 'resume' })).toMatchObject({ failed: [], rejected: [] });
    expect((await byCall())[PUT]).toBe(1);
    for (const { id } of rows) expect(await rig.customer(id)).toMatchObject({ _applied: 1 });
  });

  test('after a DELETE whose answer was lost: what is not there is removed', async () => {
    await set(3, 2, '7');
    await rig.fault({ fault: 'reset-after', endpoint: 'attribute-values', after: 1 });
    const { attempt } = await failure(Unavailable, update(rows));
    expect(await valuesOf(3)).toEqual({ 1: 'Gold' });
    const { updated, calls } = await update(rows, { state: attempt.state });
    expect([updated.length, calls]).toEqual([10, 0]);
  });

  test('when it is told to stop between two calls', async () => {
    const draining = new AbortController();
    const stops = update(rows, {
      permit: { ...permit, draining: draining.signal },
      onState: () => draining.abort(new Error('stop')),
    });
    const { attempt } = await failure(Draining, stops);
    expect(attempt.state?.updated).toHaveLength(10);
    expect(await byCall()).toEqual({ [PUT]: 1 });
  });
});

test('a DELETE that is refused is held against a value only if that is still there', async () => {
  await set(1, 1, 'a');
  await set(2, 1, 'b');
  const rows = [
    { id: 1, attributes: { 1: null } },
    { id: 2, attributes: { 1: null } },
  ];
  const gone = { fault: 'status', status: 404, title: 'Not found', endpoint: 'attribute-values' };
  await rig.fault([
    { ...gone, customer: 2, count: 2 },
    { ...gone, customer: 2, applied: true },
    { ...gone, customer: 1, count: 'always' },
  ]);
  const { updated, rejected } = await update(rows);
  expect(updated).toEqual([]);
  expect(rejected.map(({ id, code }) => [id, code])).toEqual([
    [1, 'attributes_rejected'],
    [2, 'attributes_rejected'],
  ]);
  await rig.fault({ clear: true });
  await rig.fault({ ...gone, applied: true });
  expect(await update(rows.slice(0, 1))).toMatchObject({ updated: [1], rejected: [] });
  expect(await valuesOf(1)).toEqual({});
});

test('a customer for whose values there is no answer costs no other, once each is sent alone', async () => {
  await rig.fault({ fault: 'status', status: 500, customer: 4, endpoint: 'attribute-values', count: 'always' });
  const rows = ten(() => ({ 1: 'x' }));
  const { attempt } = await failure(Unavailable, update(rows, { apart: true }));
  expect(attempt.state?.todo).toEqual([['4:1']]);
  for (const { id } of rows) expect(await valuesOf(id)).toEqual(id === 4 ? {} : { 1: 'x' });
});

describe('the values that customers have', () => {
  const find = (customers: number[], attributes: number[]) =>
    store.findAttributeValues({ customers, attributes, permit });
  const plain = (found: Awaited<ReturnType<typeof find>>) =>
    Object.fromEntries(
      [...found].map(([id, one]) => [
        id,
        one.kind === 'found' ? one.values.map((value) => [value.attribute_id, value.attribute_value]) : one.kind,
      ]),
    );

  test('are found with few calls, whatever the pages of the store', async () => {
    for (let id = 1; id <= 20; id++) {
      await set(id, 1, `v${id}`);
      if (id % 2 === 0) await set(id, 2, '7');
    }
    const found = plain(await find([1, 2, 30], [1, 2, 3]));
    expect(found).toEqual({
      1: [[1, 'v1']],
      2: [
        [1, 'v2'],
        [2, '7'],
      ],
      30: [],
    });
    expect(
      Object.values(
        plain(
          await find(
            Array.from({ length: 20 }, (_, n) => n + 1),
            [2],
          ),
        ),
      ).flat(),
    ).toHaveLength(10);
  });

  test('nobody is asked for without customers or attributes that can be', async () => {
    expect(await find([], [1])).toEqual(new Map());
    expect(await find([1], [])).toEqual(new Map());
    expect(await find([0, -1, 1.5], [1])).toEqual(new Map());
    expect(await find([1], [0, NaN])).toEqual(new Map());
    expect((await rig.stats()).requests).toBe(0);
  });

  test('of others are never used, nor removed, if the filter is ignored', async () => {
    await set(7, 1, 'of someone else');
    await rig.fault({ fault: 'filters-ignored' });
    await failure(Unavailable, find([1, 2], [1]));
    await failure(Unavailable, update([{ id: 1, attributes: { 1: null } }]));
    expect(await valuesOf(7)).toEqual({ 1: 'of someone else' });
    expect((await rig.stats()).deletes).toBe(0);
  });
});

test('the attributes of a store are read page by page', async () => {
  const attributes = Array.from({ length: 50 }, (_, n) => ({ id: n + 1, name: `a${n}`, type: 'string' as const }));
  await rig.control('POST', 'stores', { store: 'one', attributes });
  expect(await store.readAttributes({ permit })).toEqual(attributes);
});
