import { jobOptionsSchema } from '../../../src/contract/schema.ts';
import { checkCustomer, customerId } from '../../../src/jobs/customer.ts';
import { Attributes } from '../../../src/jobs/attributes.ts';
import { Groups } from '../../../src/jobs/groups.ts';
import { NamesNeeded } from '../../../src/jobs/names.ts';
import { type JsonOptions, JsonRows } from '../../../src/jobs/sources/json-row.ts';

function read(value: unknown, options: Partial<JsonOptions> = {}) {
  const rows = new JsonRows({ ...jobOptionsSchema.parse({}), ...options });
  return { ...rows.read({ row: 1, line: 1, value }), notes: rows.notes };
}

test.each<[string, unknown, unknown]>([
  ['what the API takes', { id: 7, notes: 'a', channel_ids: [1, 2] }, { id: 7, notes: 'a', channel_ids: [1, 2] }],
  ['an id as text', { id: '221', notes: 'a' }, { id: 221, notes: 'a' }],
  ['a number in a text', { id: 7, phone: 442079460171 }, { id: 7, phone: '442079460171' }],
  ['a number that has lost digits', { id: 7, phone: 1e21 }, { id: 7, phone: 1e21 }],
  ['text as it is', { id: 7, notes: ' 12 ' }, { id: 7, notes: ' 12 ' }],
  ['an empty text', { id: 7, notes: '' }, { id: 7, notes: '' }],
  [
    'a yes as text',
    { id: 7, accepts_product_review_abandoned_cart_emails: 'true' },
    { id: 7, accepts_product_review_abandoned_cart_emails: true },
  ],
  [
    'a yes as a number',
    { id: 7, accepts_product_review_abandoned_cart_emails: 0 },
    { id: 7, accepts_product_review_abandoned_cart_emails: false },
  ],
  ['an amount', { id: 7, store_credit_amounts: 12.5 }, { id: 7, store_credit_amounts: [{ amount: 12.5 }] }],
  [
    'an amount that would be ambiguous in a cell',
    { id: 7, store_credit_amounts: 1.234 },
    { id: 7, store_credit_amounts: [{ amount: 1.234 }] },
  ],
  ['null', { id: 7, notes: null, phone: '1', channel_ids: null }, { id: 7, phone: '1' }],
  ['keys in the style of another program', { customerId: 7, firstName: 'Ann' }, { id: 7, first_name: 'Ann' }],
  ['what is not an object', [1], [1]],
])('takes %s', (_, value, expected) => {
  expect(read(value).value).toEqual(expected);
});

test('null clears if blank cells do', () => {
  expect(read({ id: 7, notes: null }, { blankCells: 'clear' }).value).toEqual({ id: 7, notes: '' });
});

test("takes the API's own answer, and says what it left out", () => {
  const answer = {
    id: 7,
    first_name: 'Ann',
    date_created: '2024-01-01T00:00:00Z',
    date_modified: '2024-01-01T00:00:00Z',
    registration_ip_address: '',
    origin_channel_id: 1,
    address_count: 1,
    addresses: [{ id: 3, city: 'Leeds' }],
    attribute_count: 1,
    attributes: [{ id: 4, name: 'Tier', value: 'Gold' }],
    shopper_profile_id: '550e8400-e29b-41d4-a716-446655440000',
    segment_ids: [],
    form_fields: [{ name: 'Licence', value: 'x', customer_id: 7 }],
  };
  const { value, notes } = read(answer);
  expect(value).toEqual({ id: 7, first_name: 'Ann', form_fields: [{ name: 'Licence', value: 'x' }] });
  expect(checkCustomer(value)).toBeUndefined();
  expect(notes).toEqual([
    'Left out of 1 row, because this API can\'t set them: "date_created", "date_modified", "registration_ip_address", ' +
      '"origin_channel_id", "address_count", "addresses", "attribute_count", "attributes", "shopper_profile_id", "segment_ids".',
  ]);
});

test('leaves out keys by name, and unknown ones on request', () => {
  const value = { id: 7, notes: 'a', tier: 'gold', x: 1 };
  expect(read(value, { ignoreColumns: ['Tier'] }).value).toEqual({ id: 7, notes: 'a', x: 1 });
  expect(read(value, { ignoreUnknown: true }).value).toEqual({ id: 7, notes: 'a' });
  expect(checkCustomer(read(value).value)?.code).toBe('unknown_field');
});

test('two keys for one field are an invalid row, which still says whose it is', () => {
  const { value, problem } = read({ id: 7, first_name: 'Ann', firstName: 'Anna' });
  expect(problem?.message).toBe('first_name: expected one value, got two, under keys that mean the same.');
  expect(customerId(value)).toBe(7);
});

test('a group by its name stands for its id; without one in the file its names are not needed', () => {
  const groups = new Groups([{ id: 3, name: 'VIP' }]);
  expect(read({ id: 7, customer_group: 'vip' }, { groups }).value).toEqual({ id: 7, customer_group_id: 3 });
  expect(read({ id: 7, customerGroup: 3 }, { groups }).value).toEqual({ id: 7, customer_group_id: 3 });
  expect(read({ id: 7, notes: 'a', customer_group: null }).value).toEqual({ id: 7, notes: 'a' });
  expect(read({ id: 7, customer_group: null }, { blankCells: 'clear' }).value).toEqual({
    id: 7,
    customer_group_id: '',
  });
  expect(() => read({ id: 7, customer_group: 'vip' })).toThrow(NamesNeeded);
  expect(read({ id: 7, customer_group: 'Gold' }, { groups })).toMatchObject({
    value: { id: 7 },
    problem: { code: 'unknown_group' },
  });
  expect(read({ id: 7, customer_group: 'vip', customer_group_id: 3 }, { groups }).problem?.message).toBe(
    'customer_group_id: expected one value, got two, under keys that mean the same.',
  );
});

const attributes = new Attributes([
  { id: 1, name: 'Loyalty Tier', type: 'string' },
  { id: 2, name: 'Points', type: 'number' },
  { id: 3, name: '__proto__', type: 'string' },
]);

test.each<[given: object, set: object]>([
  [{ attributes: { 'loyalty tier': 'Gold', Points: 5 } }, { 1: 'Gold', 2: '5' }],
  [{ attributes: { 1: '', Points: null } }, { 1: '', 2: null }],
  [
    { 'attribute:Loyalty Tier': ' a ', 'attribute_id:9': null },
    { 1: ' a ', 9: null },
  ],
  [{ attributes: { Points: 'n/a', 'Loyalty Tier': 'x' } }, { 1: 'x' }],
  [{ attributes: null, 'attribute:Points': 1.5 }, { 2: '1.5' }],
  [JSON.parse('{"attributes":{"__proto__":"a"}}') as object, { 3: 'a' }],
])('attributes as %j are values by id', (given, set) => {
  const { value, problem } = read({ id: 7, ...given }, { attributes, blankWords: ['N/A'] });
  expect(problem).toBeUndefined();
  expect(value).toEqual({ id: 7, attributes: set });
  expect(checkCustomer(value)).toBeUndefined();
});

test('blank words of attributes are cleared as in CSV', () => {
  const options = { attributes, blankWords: ['N/A'], blankCells: 'clear' } as const;
  expect(read({ id: 7, attributes: { Points: 'n/a', 'Loyalty Tier': null } }, options).value).toEqual({
    id: 7,
    attributes: { 2: '', 1: null },
  });
});

test.each<[given: object, code: string, message: string]>([
  [
    { attributes: { Tier: 'Gold' } },
    'unknown_attribute',
    'attributes: "Tier": the store has no such attribute. Its attributes: "Loyalty Tier", "Points", "__proto__".',
  ],
  [{ attributes: { '': 'Gold' } }, 'unknown_attribute', 'attributes: "": the store has no such attribute.'],
  [{ 'attribute:Tier': 'Gold' }, 'unknown_attribute', 'attributes: "Tier": the store has no such attribute.'],
  [
    { attributes: { Points: 1, points: 1 } },
    'invalid_field',
    'attribute "Points": expected one value, got another one',
  ],
  [
    { attributes: { Points: 1 }, 'attribute_id:2': 1 },
    'invalid_field',
    'attribute 2: expected one value, got another one',
  ],
  [
    { attributes: { Points: true } },
    'invalid_field',
    'attribute "Points": expected a number such as 1234.5, got true or false.',
  ],
])('attributes as %j cost their row', (given, code, message) => {
  const { value, problem } = read({ id: 7, ...given }, { attributes });
  expect(problem).toEqual({ code, message: expect.stringContaining(message) });
  expect(customerId(value)).toBe(7);
});

test('attributes that are no object are invalid, whatever the names; only names need those of the store', () => {
  for (const [attributes, got] of [
    ['Gold', 'text'],
    [true, 'true or false'],
  ]) {
    const { value, problem } = read({ id: 7, attributes, 'attribute_id:1': 'x' });
    const message = `attributes: expected an object such as {"Loyalty Tier":"Gold"}, got ${got}.`;
    expect([problem, customerId(value)]).toEqual([{ code: 'invalid_field', message }, 7]);
  }
  expect(() => read({ id: 7, attributes: { 1: 'Gold' } })).toThrow(NamesNeeded);
  expect(read({ id: 7, attributes: {} }).value).toEqual({ id: 7 });
  expect(read({ id: 7, 'attribute_id:1': 'Gold' }).value).toEqual({ id: 7, attributes: { 1: 'Gold' } });
});

test('form fields may stand under their names', () => {
  const value = { id: 7, 'form:Size': 'L', 'Form: Likes': ['a', 'b'], 'form:Age': 7, 'form:Left': null };
  const form_fields = [
    { name: 'Size', value: 'L' },
    { name: 'Likes', value: ['a', 'b'] },
    { name: 'Age', value: 7 },
  ];
  expect(read(value).value).toEqual({ id: 7, form_fields });
  expect(checkCustomer(read(value).value)).toBeUndefined();
  const cleared = [...form_fields, { name: 'Left', value: '' }];
  expect(read(value, { blankCells: 'clear' }).value).toEqual({ id: 7, form_fields: cleared });
  const list = [{ name: 'Size', value: 'S', customer_id: 7 }];
  expect(read({ id: 7, form_fields: list, 'form:Age': 7 }).value).toEqual({
    id: 7,
    form_fields: [
      { name: 'Size', value: 'S' },
      { name: 'Age', value: 7 },
    ],
  });
  for (const twice of [
    { id: 7, form_fields: list, 'form:Size': 'L' },
    { id: 7, 'form:Size': 'S', 'FORM:Size': 'L' },
  ]) {
    expect(read(twice).problem?.message).toBe(
      'form_fields: expected one value of a form field, got another one under form:Size.',
    );
  }
});

test('blank words are blank as in CSV, and signs of currency are noted', () => {
  const value = { id: 7, phone: 'null', notes: ' N/A ', company: 'NULL & Sons', store_credit_amounts: '€10' };
  const { value: row, notes } = read(value, { blankWords: ['NULL', 'n/a'] });
  expect(row).toEqual({ id: 7, company: 'NULL & Sons', store_credit_amounts: [{ amount: 10 }] });
  expect(notes).toEqual(["Amounts are taken in the store's currency, whatever sign is beside them in the file: €."]);
  expect(read({ id: 7, phone: 'null' }, { blankWords: ['NULL'], blankCells: 'clear' }).value).toEqual({
    id: 7,
    phone: '',
  });
});

test('keys that objects have by themselves are unknown fields', () => {
  const value = JSON.parse('{"id":7,"__proto__":{"notes":"a"},"notes":"b"}') as unknown;
  expect(checkCustomer(read(value).value)?.code).toBe('unknown_field');
});
