import { jobOptionsSchema } from '../../../src/contract/schema.ts';
import { checkCustomer, customerId } from '../../../src/jobs/customer.ts';
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
    form_fields: [{ name: 'Licence', value: 'x', customer_id: 7 }],
  };
  const { value, notes } = read(answer);
  expect(value).toEqual({ id: 7, first_name: 'Ann', form_fields: [{ name: 'Licence', value: 'x' }] });
  expect(checkCustomer(value)).toBeUndefined();
  expect(notes).toEqual([
    'Left out, because this API can\'t set them: "date_created", "date_modified", "registration_ip_address", ' +
      '"origin_channel_id".',
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

test('keys that objects have by themselves are unknown fields', () => {
  const value = JSON.parse('{"id":7,"__proto__":{"notes":"a"},"notes":"b"}') as unknown;
  expect(checkCustomer(read(value).value)?.code).toBe('unknown_field');
});
