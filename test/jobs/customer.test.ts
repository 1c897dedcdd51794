import fc from 'fast-check';
import { checkCustomer, customerId } from '../../src/jobs/customer.ts';
import { CUSTOMER_FIELDS } from '../../src/jobs/fields.ts';

const long = (length: number) => 'x'.repeat(length);

test.each([
  { email: 'a@b' },
  { email: `${long(245)}@example.c` },
  { first_name: 'x', last_name: long(100) },
  { company: '', phone: '', notes: '', tax_exempt_category: '' },
  { company: long(255), phone: long(50), notes: long(60_000), tax_exempt_category: long(255) },
  { notes: long(65_500) },
  { customer_group_id: 0 },
  { authentication: { force_password_reset: true, new_password: 'secret' } },
  { accepts_product_review_abandoned_cart_emails: false },
  { store_credit_amounts: [{ amount: 12.5 }] },
  { channel_ids: [1, 2] },
  {
    form_fields: [
      { name: 'a', value: 'b' },
      { name: 'c', value: 3 },
      { name: 'd', value: ['e'] },
    ],
  },
])('accepts %j', (fields) => {
  expect(checkCustomer({ id: 1, ...fields })).toBeUndefined();
  expect(checkCustomer({ id: 0x7fff_ffff, ...fields })).toBeUndefined();
});

test.each([
  [{ notes: 'x' }, 'id: expected a whole number from 1 to 2147483647, got nothing.'],
  [{ id: '1', notes: 'x' }, 'id: expected a whole number from 1 to 2147483647, got text.'],
  [{ id: 0, notes: 'x' }, 'id: expected a whole number from 1 to 2147483647, got zero.'],
  [{ id: -1, notes: 'x' }, 'id: expected a whole number from 1 to 2147483647, got a negative number.'],
  [{ id: 1.5, notes: 'x' }, 'id: expected a whole number from 1 to 2147483647, got a number that is not whole'],
  [{ id: 2 ** 31, notes: 'x' }, 'id: expected a whole number from 1 to 2147483647, got a number of more than 32 bits'],
  [{ id: 1 }, 'Expected at least one value to update besides the id, got only the id.'],
  [
    { id: 1, email: `${long(288)}@example.com` },
    'email: expected an e-mail address of at most 255 characters, got text of 300 characters.',
  ],
  [{ id: 1, email: '' }, "email: a blank e-mail address can't be cleared."],
  [{ id: 1, first_name: '' }, "first_name: a blank first name can't be cleared."],
  [{ id: 1, store_credit_amounts: '' }, "store_credit_amounts: a blank amount can't be cleared: write 0 for none."],
  [{ id: 1, customer_group_id: '' }, "customer_group_id: a blank group can't be cleared: write 0 for no group."],
  [{ id: 1, last_name: long(101) }, 'last_name: expected text of 1 to 100 characters, got text of 101 characters.'],
  [{ id: 1, company: long(256) }, 'company: expected text of at most 255 characters, got text of 256 characters.'],
  [{ id: 1, phone: 12345 }, 'phone: expected text, got a number: write it in quotes.'],
  [{ id: 1, notes: long(65_537 - 19) }, 'Expected a customer of at most 65536 bytes as JSON, got 65537.'],
  [{ id: 1, phone: '', notes: '漢'.repeat(30_000) }, 'Expected a customer of at most 65536 bytes as JSON, got 90030.'],
  [{ id: 1, notes: null }, 'notes: expected text, got null.'],
  [
    { id: 1, customer_group_id: 'Wholesale' },
    'customer_group_id: expected a whole number from 0 to 2147483647, got text',
  ],
  [
    { id: 1, authentication: 'secret' },
    'authentication: expected a JSON object such as {"force_password_reset":true}, got text.',
  ],
  [
    { id: 1, authentication: { new_password: 7 } },
    'authentication.new_password: expected text, got a number: write it in quotes.',
  ],
  [
    { id: 1, accepts_product_review_abandoned_cart_emails: 'yes' },
    'emails: expected yes or no (or y/n, true/false, on/off, 1/0, 1.0/0.0), got text.',
  ],
  [{ id: 1, store_credit_amounts: '1,5' }, 'store_credit_amounts: expected an amount such as 12.50, got text.'],
  [{ id: 1, store_credit_amounts: [{ amount: '5' }] }, 'store_credit_amounts.0.amount: expected a number, got text.'],
  [{ id: 1, channel_ids: [1, 'x'] }, 'channel_ids.1: expected a whole number from 1 to 2147483647, got text.'],
  [{ id: 1, channel_ids: null }, 'channel_ids: expected channel ids such as 1,2, got null.'],
  [
    { id: 1, form_fields: [{ name: 'a', value: {} }] },
    'form_fields "a": expected text, a number or a list of texts, got an object.',
  ],
  [{ id: 1, email: 5, phone: 5, notes: 5 }, 'email: expected an e-mail address, got a number (and 2 more).'],
  [[], 'expected an object with the fields of a customer, got a list of 0.'],
  [null, 'expected an object with the fields of a customer, got null.'],
  ['x', 'expected an object with the fields of a customer, got text.'],
])('rejects %j', (row, message) => {
  expect(checkCustomer(row)).toEqual({ code: 'invalid_field', message: expect.stringContaining(message) });
});

test.each([
  ['no at', 'text with no @'],
  ['@example.com', 'text with nothing before the @'],
  ['ann@', 'text with nothing after the @'],
  ['a@b@c', 'text with more than one @'],
  ['a b@c', 'text with a blank in it'],
  ['a\n@c', 'text with a blank in it'],
  ['a\u200B@b.c', 'one with an invisible character in it'],
  ['a\u00A0@b.c', 'one with an invisible character in it'],
  ['a@b\uFEFF.c', 'one with an invisible character in it'],
  ['a\u00AD@b.c', 'one with an invisible character in it'],
  ['#N/A', "a spreadsheet's error instead of a value"],
  ['a\uFFFD@b.c', undefined],
  ['\uDC80@b.c', undefined],
])('says what is wrong with the e-mail address %j', (email, got) => {
  const message = checkCustomer({ id: 1, email })?.message;
  if (got === undefined) expect(message).toMatch(/^email: expected text as it was entered, got /);
  else expect(message).toBe(`email: expected an e-mail address, got ${got}.`);
});

test.each([
  [{ name: 'Size', value: '#REF!' }, 'form_fields "Size": expected text as it was entered, got a spreadsheet\'s error'],
  [
    { name: 'Likes', value: ['a', '\uFFFD'] },
    'form_fields "Likes": expected text as it was entered, got the character',
  ],
  [{ name: 'Age', value: null }, 'form_fields "Age": expected text, a number or a list of texts, got null.'],
])('names the form field of %j', (field, message) => {
  expect(checkCustomer({ id: 1, form_fields: [field] })?.message).toContain(message);
});

test.each([
  [{ id: 1, nots: 'x' }, '"nots" is not a field that can be updated. Known fields: id, email, first_name,'],
  [{ id: 1, notes: 'x', addresses: [] }, '"addresses" is not a field that can be updated.'],
  [{ id: 1, notes: 'x', 'bob@example.com': 1 }, 'a name of 15 characters is not a field that can be updated.'],
  [JSON.parse('{"id":1,"notes":"x","__proto__":{"email":"x"}}'), '"__proto__" is not a field that can be updated.'],
  [{ id: 1, authentication: { password: 'x' } }, '"password" in authentication is not a field that can be updated.'],
  [
    { id: 1, store_credit_amounts: [{ amount: 1, currency: 'EUR' }] },
    '"currency" in store_credit_amounts.0 is not a field',
  ],
])('names the unknown field of %j', (row, message) => {
  expect(checkCustomer(row)).toEqual({ code: 'unknown_field', message: expect.stringContaining(message) });
});

test('never quotes a value, whatever is wrong with it', () => {
  const secret = fc.constantFrom<unknown>('s3cret-x@y.z', ['s3cret'], { s3cret: 's3cret' }, 's3cret'.repeat(60));
  fc.assert(
    fc.property(fc.constantFrom(...CUSTOMER_FIELDS), secret, (field, value) => {
      const message = checkCustomer({ id: 1, first_name: 's3cret'.repeat(20), [field]: value })?.message ?? '';
      // Names a field, but not what is inside another field's value and isn't one.
      expect(message.replace(/^"s3cret" in/, '')).not.toContain('s3cret');
    }),
  );
});

test('finds the id of a row that is otherwise unusable', () => {
  expect(customerId({ id: 5, x: 1 })).toBe(5);
  for (const row of [{ id: '5' }, { id: 0 }, {}, null, undefined, 'x', []]) expect(customerId(row)).toBeNull();
});
