import fc from 'fast-check';
import { checkCustomer } from '../../src/jobs/customer.ts';
import { rowToRestore } from '../../src/jobs/backup.ts';
import { damageIn } from '../../src/jobs/damage.ts';
import { isUnchanged } from '../../src/jobs/fields.ts';
import type { Row, Values } from '../../src/jobs/fields.ts';
import { RUNS } from '../support/fuzz.ts';

/** A customer as the store returns it. */
const returned: Values = {
  email: 'Ada@example.com',
  first_name: 'Ada',
  last_name: '',
  company: 'Engines',
  phone: null,
  notes: '',
  customer_group_id: 0,
  authentication: { force_password_reset: false },
  accepts_product_review_abandoned_cart_emails: false,
  store_credit_amounts: [{ amount: 4.15 }],
  channel_ids: [2, 1],
  form_fields: [
    { name: 'Size', value: 'L' },
    { name: 'Likes', value: ['a', 'b'] },
    { name: 'Age', value: '4' },
    { name: 'Nick', value: null },
  ],
};

describe('a row is unchanged', () => {
  test.each<[Values]>([
    [{ email: 'Ada@example.com', first_name: 'Ada' }],
    [{ email: 'ADA@example.com' }],
    [{ notes: '', phone: '' }],
    [{ customer_group_id: 0, accepts_product_review_abandoned_cart_emails: false }],
    [{ authentication: { force_password_reset: false } }],
    [{ store_credit_amounts: [{ amount: 4.15 }] }],
    [{ channel_ids: [1, 2] }],
    [{ form_fields: [] }],
    [{ form_fields: [{ name: 'Likes', value: ['a', 'b'] }] }],
    [{ form_fields: [{ name: 'Age', value: 4 }] }],
    [{ form_fields: [{ name: 'Nick', value: '' }] }],
    [
      {
        form_fields: [
          { name: 'New', value: '' },
          { name: 'Other', value: [] },
        ],
      },
    ],
  ])('with %j', (fields) => {
    expect(isUnchanged({ id: 1, ...fields }, returned)).toBe(true);
  });

  test.each<[Values]>([
    [{ email: 'ada@example.org' }],
    [{ company: 'engines' }],
    [{ company: '' }],
    // Not returned: unknown.
    [{ tax_exempt_category: '' }],
    [{ customer_group_id: 1 }],
    [{ accepts_product_review_abandoned_cart_emails: true }],
    [{ authentication: { force_password_reset: true } }],
    [{ authentication: { new_password: 'x' } }],
    [{ authentication: { force_password_reset: false, new_password: 'x' } }],
    [{ store_credit_amounts: [{ amount: 4 }] }],
    [{ store_credit_amounts: [] }],
    [{ channel_ids: [1] }],
    [{ form_fields: [{ name: 'size', value: 'L' }] }],
    [{ form_fields: [{ name: 'Likes', value: ['b', 'a'] }] }],
    [{ form_fields: [{ name: 'Likes', value: 'a,b' }] }],
    [{ form_fields: [{ name: 'Size', value: '' }] }],
    [{ first_name: 'Ada', last_name: 'Lovelace' }],
  ])('not with %j', (fields) => {
    expect(isUnchanged({ id: 1, ...fields }, returned)).toBe(false);
  });

  test('never if the store does not have the customer, or does not return a field', () => {
    for (const none of [null, undefined]) expect(isUnchanged({ id: 1, notes: '' }, none)).toBe(false);
    expect(isUnchanged({ id: 1, form_fields: [{ name: 'New', value: '' }] }, {})).toBe(false);
    expect(isUnchanged({ id: 1, channel_ids: [1] }, {})).toBe(false);
    expect(isUnchanged({ id: 1, channel_ids: [1] }, { channel_ids: null })).toBe(false);
    expect(isUnchanged({ id: 1, authentication: { force_password_reset: false } }, {})).toBe(false);
  });

  test('never if the store has a form field twice', () => {
    const sizes = ['L', 'L'].map((value) => ({ name: 'Size', value }));
    expect(isUnchanged({ id: 1, form_fields: sizes.slice(1) }, { form_fields: sizes })).toBe(false);
  });

  test('not if the store has null for a form field that is to be set', () => {
    const [wanted, has] = [[{ name: 'Nick', value: 'Al' }], [{ name: 'Nick', value: null }]];
    expect(isUnchanged({ id: 1, form_fields: wanted }, { form_fields: has })).toBe(false);
  });
});

describe('the row that restores earlier values', () => {
  test.each<[string, Values, Values]>([
    ['texts', { first_name: 'A', company: '', notes: 'n' }, { first_name: 'Ada', company: 'Engines', notes: '' }],
    ['a text that was null', { phone: '1' }, { phone: '' }],
    ['a text that the store did not return', { tax_exempt_category: 'x' }, { tax_exempt_category: '' }],
    ['store credit', { store_credit_amounts: [{ amount: 0 }] }, { store_credit_amounts: [{ amount: 4.15 }] }],
    ['channels', { channel_ids: [3] }, { channel_ids: [2, 1] }],
    [
      'a reset of the password',
      { authentication: { force_password_reset: true } },
      { authentication: { force_password_reset: false } },
    ],
    [
      'form fields: all that were there, and blanks for those added',
      {
        form_fields: [
          { name: 'Size', value: 'S' },
          { name: 'New', value: 'x' },
          { name: 'Many', value: ['x'] },
        ],
      },
      {
        form_fields: [
          { name: 'Size', value: 'L' },
          { name: 'Likes', value: ['a', 'b'] },
          { name: 'Age', value: '4' },
          { name: 'Nick', value: '' },
          { name: 'New', value: '' },
          { name: 'Many', value: [] },
        ],
      },
    ],
  ])('has %s', (_, fields, expected) => {
    expect(rowToRestore({ id: 7, ...fields }, returned)).toEqual({ row: { id: 7, ...expected }, incomplete: false });
  });

  test.each<[string, Values, Values | undefined]>([
    ['a new password', { authentication: { new_password: 'x' } }, undefined],
    [
      'a new password beside a reset',
      { authentication: { force_password_reset: true, new_password: 'x' } },
      { authentication: { force_password_reset: false } },
    ],
    ['a name that was blank, which the API does not accept', { last_name: 'L', notes: 'n' }, { notes: '' }],
  ])('lacks %s', (_, fields, expected) => {
    const row = expected && { id: 7, ...expected };
    expect(rowToRestore({ id: 7, ...fields }, returned)).toEqual({ row, incomplete: true });
  });

  test.each<[Values]>([
    [{ customer_group_id: 2 }],
    [{ channel_ids: [1] }],
    [{ store_credit_amounts: [] }],
    [{ form_fields: [{ name: 'Size', value: 'L' }] }],
    [{ authentication: { force_password_reset: true } }],
  ])('lacks what the store does not return: %j', (fields) => {
    expect(rowToRestore({ id: 7, ...fields }, {})).toEqual({ row: undefined, incomplete: true });
  });

  test('has an amount of 0 if there was no store credit, because a list without any is not taken', () => {
    const before = { store_credit_amounts: [] };
    expect(rowToRestore({ id: 7, store_credit_amounts: [{ amount: 5 }] }, before)).toEqual({
      row: { id: 7, store_credit_amounts: [{ amount: 0 }] },
      incomplete: false,
    });
  });

  test('lacks channels if the customer had all of them, which no source can say', () => {
    const before = { channel_ids: null, notes: 'n' };
    expect(rowToRestore({ id: 7, channel_ids: [1], notes: '' }, before)).toEqual({
      row: { id: 7, notes: 'n' },
      incomplete: true,
    });
  });

  test('lacks a damaged value, which no source may have', () => {
    expect(rowToRestore({ id: 7, company: 'x', phone: '1' }, { company: '#REF!', phone: '2' })).toEqual({
      row: { id: 7, phone: '2' },
      incomplete: true,
    });
  });

  test('does not exist for a customer that the store did not have', () => {
    expect(rowToRestore({ id: 7, notes: 'n' }, null)).toEqual({ row: undefined, incomplete: true });
  });
});

test('values of attributes are restored one by one, and those that were not there are removed', () => {
  const row = { id: 1, attributes: { 1: 'new', 2: '', 3: null, 4: null } };
  const before = { attributes: { 1: null, 2: '5', 3: 'Gold', 4: null } };
  expect(isUnchanged(row, before)).toBe(false);
  expect(isUnchanged({ id: 1, attributes: { 2: '5', 4: null } }, before)).toBe(true);
  expect(isUnchanged({ id: 1, attributes: { 4: '' } }, before)).toBe(false);
  expect(rowToRestore(row, before)).toEqual({ row: { id: 1, attributes: before.attributes }, incomplete: false });
  // Nobody could read them.
  expect(rowToRestore({ ...row, notes: 'n' }, { notes: 'old' })).toEqual({
    row: { id: 1, notes: 'old' },
    incomplete: true,
  });
});

test('a damaged value of an attribute, which no source may have, keeps no other from being restored', () => {
  const row = { id: 1, attributes: { 1: 'Gold', 2: '5', 3: 'x' } };
  expect(rowToRestore(row, { attributes: { 1: '#N/A', 2: '4', 3: null } })).toEqual({
    row: { id: 1, attributes: { 2: '4', 3: null } },
    incomplete: true,
  });
  const alone = { id: 1, attributes: { 1: 'Gold' } };
  expect(rowToRestore(alone, { attributes: { 1: '#N/A' } })).toEqual({ row: undefined, incomplete: true });
});

// ---- Properties over a small model of the store -------------------------------------------------------------------

const undamaged = (lengths: fc.StringConstraints = {}) =>
  fc.string(lengths).filter((text) => damageIn(text) === undefined);
const formField = fc.record({
  name: fc.constantFrom('Size', 'Age', 'Likes'),
  value: fc.oneof(undamaged(), fc.integer(), fc.array(undamaged(), { maxLength: 2 })),
});
const fields = {
  email: fc.constantFrom('a@example.com', 'b@example.com'),
  first_name: undamaged({ minLength: 1, maxLength: 3 }),
  company: undamaged({ maxLength: 3 }),
  customer_group_id: fc.nat(3),
  accepts_product_review_abandoned_cart_emails: fc.boolean(),
  authentication: fc.record({ force_password_reset: fc.boolean() }),
  store_credit_amounts: fc.array(fc.record({ amount: fc.nat(3) }), { minLength: 1, maxLength: 2 }),
  channel_ids: fc.uniqueArray(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
  form_fields: fc.uniqueArray(formField, { selector: ({ name }) => name }),
};
const rows = fc.record(fields, { requiredKeys: [] }).map((row): Row => ({ id: 1, ...row }));
const customers = fc.record(fields).map((values) => update(values, { id: 1 }, false));

/** The customer after an update; `replaced`: form fields that it does not name are gone. Blank means missing. */
function update(before: Values, changes: Row, replaced: boolean): Values {
  const { id: _, ...row } = changes;
  type FormField = { name: string; value: unknown };
  const after = { ...before, ...row };
  const named = (row['form_fields'] ?? []) as FormField[];
  const kept = replaced && 'form_fields' in row ? [] : (before['form_fields'] as FormField[]);
  const all = new Map([...kept, ...named].map(({ name, value }) => [name, value]));
  const isBlank = (value: unknown) => value === '' || (Array.isArray(value) && value.length === 0);
  const left = [...all].filter(([, value]) => !isBlank(value)).map(([name, value]) => ({ name, value }));
  return { ...after, form_fields: left.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

test('a row is unchanged once it was sent, and only if sending it changes nothing', () => {
  fc.assert(
    fc.property(customers, rows, (before, row) => {
      const after = update(before, row, false);
      expect(isUnchanged(row, after)).toBe(true);
      if (!isUnchanged(row, before)) return;
      // A form field's number may come back as text, and channels in another order.
      const spelt = (values: Values) =>
        JSON.stringify({ ...values, channel_ids: new Set([values['channel_ids']].flat()).size }).replace(
          /"(\d+)"/g,
          '$1',
        );
      expect(spelt(after)).toBe(spelt(before));
    }),
    { numRuns: 10 * RUNS },
  );
});

test.each([false, true])('the row to restore is valid and restores, form fields replaced: %s', (replaced) => {
  fc.assert(
    fc.property(customers, rows, (before, row) => {
      const { row: earlier, incomplete } = rowToRestore(row, before);
      expect(incomplete).toBe(false);
      if (!earlier) return expect(Object.keys(row)).toEqual(['id']);
      expect(checkCustomer(earlier)).toBeUndefined();
      expect(Object.keys(earlier).sort()).toEqual(Object.keys(row).sort());
      expect(update(update(before, row, replaced), earlier, replaced)).toEqual(before);
    }),
    { numRuns: 5 * RUNS },
  );
});

test('whatever the store returns in a field, the customer is compared, and what can be restored is valid', () => {
  const ofStore = fc.oneof(fc.jsonValue(), fc.array(fc.oneof(fc.jsonValue(), formField))) as fc.Arbitrary<unknown>;
  const strange = fc.dictionary(fc.constantFrom(...Object.keys(fields)), ofStore);
  fc.assert(
    fc.property(strange, rows, (before, row) => {
      expect(typeof isUnchanged(row, before)).toBe('boolean');
      const { row: earlier } = rowToRestore(row, before);
      if (earlier) expect(checkCustomer(earlier)).toBeUndefined();
    }),
    { numRuns: 10 * RUNS },
  );
});

test('form fields that are none are left out of what is restored', () => {
  const before = { form_fields: [null, { name: 'Size', value: 'L' }, 7] };
  expect(rowToRestore({ id: 1, form_fields: [{ name: 'Size', value: 'S' }] }, before)).toEqual({
    row: { id: 1, form_fields: [{ name: 'Size', value: 'L' }] },
    incomplete: false,
  });
});

test('a customer with more data than a source may have can not be restored', () => {
  const before = { notes: 'x'.repeat(70_000), phone: '1' };
  expect(rowToRestore({ id: 1, notes: 'new', phone: '2' }, before)).toEqual({ row: undefined, incomplete: true });
});
