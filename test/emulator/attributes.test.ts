import { Rig } from './rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start({ pageSize: 4 });
});
afterAll(() => rig.close());
beforeEach(() => rig.reset());

type Sent = [customer: number, attribute: number, value: unknown];

const VALUES = '/v3/customers/attribute-values';
const bodyOf = (values: Sent[]) =>
  JSON.stringify(values.map(([customer_id, attribute_id, value]) => ({ customer_id, attribute_id, value })));
const put = (...values: Sent[]) => rig.call('PUT', VALUES, bodyOf(values));
const get = (query: string) => rig.call('GET', `${VALUES}?${query}`);
const valuesOf = async (id: number) => (await rig.customer(id))['_attributes'];
const listed = ({ json }: { json: any }) =>
  json.data.map((one: any) => [one.customer_id, one.attribute_id, one.attribute_value]);

test('the attributes that a store has defined are listed page by page, and can be replaced', async () => {
  const { json } = await rig.call('GET', '/v3/customers/attributes?limit=2&page=2');
  expect(json.data).toMatchObject([{ id: 3, name: 'Member Since', type: 'date' }]);
  expect(json.meta.pagination).toEqual({ total: 3, count: 1, per_page: 2, current_page: 2, total_pages: 2 });
  const attributes = [{ id: 9, name: 'Tier', type: 'string' }];
  await rig.control('POST', 'stores', { store: 'one', attributes });
  expect((await rig.call('GET', '/v3/customers/attributes')).json.data).toMatchObject(attributes);
  const many = Array.from({ length: 51 }, (_, n) => ({ id: n + 1, name: `a${n}`, type: 'string' }));
  expect((await rig.control('POST', 'stores', { store: 'one', attributes: many })).json.error).toMatch('at most 50');
});

test('a value is sent as value and returned as attribute_value; one that is there is replaced', async () => {
  const { status, json } = await put([1, 1, 'Gold'], [1, 2, '5'], [2, 1, '']);
  expect([status, json.meta]).toEqual([200, {}]);
  expect(json.data).toMatchObject([
    { id: 1, customer_id: 1, attribute_id: 1, attribute_value: 'Gold' },
    { id: 2, customer_id: 1, attribute_id: 2, attribute_value: '5' },
    { id: 3, customer_id: 2, attribute_id: 1, attribute_value: '' },
  ]);
  expect((await put([1, 1, 'Silver'])).json.data).toMatchObject([{ id: 1, attribute_value: 'Silver' }]);
  expect(await rig.customer(1)).toMatchObject({ _attributes: { 1: 'Silver', 2: '5' }, _valuesApplied: 3, _applied: 0 });
  expect(await valuesOf(2)).toEqual({ 1: '' });
});

test.each<[string, Sent, string, string]>([
  ['an unknown customer', [9_999, 1, 'x'], 'customer_id', 'invalid customer ID'],
  ['an unknown attribute', [1, 9, 'x'], 'attribute_id', 'invalid attribute ID'],
  ['a number for text', [1, 1, 5], 'value', 'error.expected.jsstring'],
  ['256 characters', [1, 1, 'x'.repeat(256)], 'value', 'error.maxLength'],
  ['words for a number', [1, 2, 'many'], 'value', 'expected a number'],
  ['a month for a date', [1, 3, '2024-05'], 'value', 'expected a date'],
])('%s is refused, by its index or without, and nothing is taken', async (_, bad, field, says) => {
  const named = await put([1, 1, 'x'], bad);
  expect([named.status, named.json.errors]).toEqual([422, { [`1.${field}`]: says }]);
  await rig.fault({ fault: 'names-no-value' });
  expect((await put([1, 1, 'x'], bad)).json.errors).toEqual({ '.attribute_values': says });
  expect(await valuesOf(1)).toEqual({});
  await rig.fault({ fault: 'partial' });
  await put([1, 1, 'x'], bad);
  expect(await valuesOf(1)).toEqual({ 1: 'x' });
});

test.each([['2024-05-06'], ['2024-05-06T07:08:09Z'], ['']])('the date "%s" is taken', async (date) => {
  expect((await put([1, 3, date])).status).toBe(200);
});

test('a call takes the values of ten customers, or ten values', async () => {
  const values = (customers: number): Sent[] =>
    Array.from({ length: customers }, (_, n): Sent[] => [
      [n + 1, 1, 'x'],
      [n + 1, 2, '1'],
    ]).flat();
  expect((await put(...values(10))).status).toBe(200);
  expect((await put(...values(11))).status).toBe(422);
  await rig.fault({ fault: 'ten-values' });
  expect((await put(...values(5))).status).toBe(200);
  const { status, json } = await put(...values(6));
  expect([status, json.title, json.errors]).toEqual([422, 'Max batch size is 10', {}]);
});

test('values are listed by customer and attribute, page by page, whatever limit says', async () => {
  for (const id of [1, 2, 3]) await put([id, 1, 'x'], [id, 2, '1']);
  const first = await get('customer_id:in=3,2&limit=250');
  expect(listed(first)).toEqual([
    [2, 1, 'x'],
    [2, 2, '1'],
    [3, 1, 'x'],
    [3, 2, '1'],
  ]);
  expect(listed(await get('attribute_id:in=2&customer_id:in=1,3'))).toEqual([
    [1, 2, '1'],
    [3, 2, '1'],
  ]);
  const { json } = await get('limit=250&page=2');
  expect([json.data.length, json.meta.pagination.total, json.meta.pagination.total_pages]).toEqual([2, 6, 2]);
  await rig.fault({ fault: 'filters-ignored' });
  expect((await get('customer_id:in=3')).json.meta.pagination.total).toBe(6);
  expect(await rig.stats()).toMatchObject({ valuesApplied: 6, valuesRead: 12, customersRead: 0, customersApplied: 0 });
});

test('values are removed by their ids, and all of the store if none is named', async () => {
  await put([1, 1, 'x'], [1, 2, '1'], [2, 1, 'y']);
  const remove = (query: string) => rig.call('DELETE', `${VALUES}?${query}`);
  const { status, text } = await remove('id:in=1,77');
  expect([status, text]).toEqual([204, '']);
  expect([await valuesOf(1), await valuesOf(2)]).toEqual([{ 2: '1' }, { 1: 'y' }]);
  expect((await remove('id:in=')).status).toBe(204);
  expect([await valuesOf(1), await valuesOf(2)]).toEqual([{}, {}]);
  expect(await rig.stats()).toMatchObject({ valuesRemoved: 3, deletes: 2 });
});

test('faults hit writes of values too, and can be meant for them alone', async () => {
  await rig.fault({ fault: 'status', status: 504, applied: true, endpoint: 'attribute-values', count: 2 });
  expect((await rig.put([{ id: 1, notes: 'n' }])).status).toBe(200);
  expect((await put([1, 1, 'x'])).status).toBe(504);
  expect(await valuesOf(1)).toEqual({ 1: 'x' });
  expect((await rig.call('DELETE', `${VALUES}?id:in=1`)).status).toBe(504);
  expect(await valuesOf(1)).toEqual({});
  await rig.fault({ fault: 'status', status: 500, customer: 2, on: 'all', count: 'always' });
  expect([(await put([1, 1, 'x'])).status, (await put([2, 1, 'x'])).status]).toEqual([200, 500]);
  await rig.fault({ clear: true });
  await rig.fault({ fault: 'refused-value', text: 'bad' });
  expect((await put([1, 1, 'a bad one'])).json.errors).toEqual({ '0.value': '"a bad one" is not allowed' });
});

test('calls for values count beside those for customers, in the same limit', async () => {
  await rig.fault({ fault: 'latency', ms: 50 });
  const calls = [put([1, 1, 'x']), rig.put([{ id: 1, notes: 'n' }]), get('customer_id:in=1'), put([2, 1, 'x'])];
  const statuses = (await Promise.all(calls)).map(({ status }) => status).sort((a, b) => a - b);
  expect(statuses).toEqual([200, 200, 200, 429]);
  const stats = await rig.stats();
  expect(stats.byCall).toEqual({
    'PUT /v3/customers': 1,
    'PUT /v3/customers/attribute-values': 2,
    'GET /v3/customers/attribute-values': 1,
  });
});

test('someone else sets and removes values, counted nowhere; a reset removes them', async () => {
  const change = (value: string | null) =>
    rig.control('POST', 'attribute-values', { store: 'one', values: [{ customer_id: 1, attribute_id: 2, value }] });
  await change('5');
  expect(await rig.customer(1)).toMatchObject({ _attributes: { 2: '5' }, _valuesApplied: 0 });
  await change(null);
  expect(await valuesOf(1)).toEqual({});
  await change('6');
  await rig.reset();
  expect(await valuesOf(1)).toEqual({});
});
