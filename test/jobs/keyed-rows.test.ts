import {
  customerOf,
  type FoundCustomer,
  type KeyedRow,
  askedFor,
  matched,
  retryRowOf,
  tidied,
} from '../../src/jobs/keyed-rows.ts';

const has = (id: number, email?: string): FoundCustomer => ({
  kind: 'found',
  customer: { id, ...(email && { email }), notes: 'old' },
});
const unknown: FoundCustomer = { kind: 'unknown' };

test('a row is sent to its customer, with his new address if it has one', () => {
  expect(customerOf({ email: 'a@x', notes: 'n' }, 7)).toEqual({ id: 7, notes: 'n' });
  expect(customerOf({ email: 'a@x', new_email: 'b@x', notes: 'n' }, 7)).toEqual({ id: 7, email: 'b@x', notes: 'n' });
  expect(customerOf({ id: 7, new_email: 'b@x' }, 7)).toEqual({ id: 7, email: 'b@x' });
});

test('a row that was sent is sent again by its id, since its address may be another one by now', () => {
  expect(retryRowOf({ email: 'a@x', new_email: 'b@x', notes: 'n' }, 7)).toEqual({
    id: 7,
    new_email: 'b@x',
    notes: 'n',
  });
});

test('the key of a row is as it is asked for, and the rest as it came', () => {
  expect(tidied({ email: ' Ju\u0308rgen@X.de\n', notes: ' n ' })).toEqual({ email: 'J\u00fcrgen@X.de', notes: ' n ' });
  for (const value of [null, undefined, 'text', [], { email: 5 }, { id: 1 }]) expect(tidied(value)).toBe(value);
});

test.each([
  [{ email: 'a@x' }, { id: undefined, emails: ['a@x'] }],
  [
    { email: 'a@x', new_email: 'b@x' },
    { id: undefined, emails: ['a@x', 'b@x'] },
  ],
  [
    { id: 7, email: 'a@x', new_email: 'b@x' },
    { id: 7, emails: [] },
  ],
  [
    { id: 7, new_email: 'b@x' },
    { id: 7, emails: [] },
  ],
])('for %j the store is asked for %j', (row, asked) => {
  expect(askedFor(row)).toEqual(asked);
});

describe('the customer of a row', () => {
  const NOBODY = { outcome: 'rejected', code: 'unknown_email', message: 'No customer has this e-mail address.' };
  const RENAMED = { ...NOBODY, message: `${NOBODY.message} A customer with the new address is there.` };

  test.each<[string, KeyedRow, Record<string, FoundCustomer>, object]>([
    ['has its address', { email: 'A@x' }, { 'a@x': has(7) }, { id: 7 }],
    ['is nobody', { email: 'a@x' }, { 'a@x': unknown }, NOBODY],
    [
      'is one of several',
      { email: 'a@x' },
      { 'a@x': { kind: 'ambiguous', customers: 2 } },
      { code: 'ambiguous_email', message: "2 customers have this e-mail address. Add the customer's id to the row." },
    ],
    [
      'can not be asked for',
      { email: 'a@x' },
      { 'a@x': { kind: 'refused', message: 'Bad ***.' } },
      { outcome: 'rejected', code: 'rejected', message: 'Bad ***.' },
    ],
    [
      'can not be read',
      { email: 'a@x' },
      { 'a@x': { kind: 'unreadable', message: 'No answer.' } },
      { outcome: 'failed', code: 'unavailable', message: 'No answer.' },
    ],
    ['keeps it until he is renamed', { email: 'a@x', new_email: 'b@x' }, { 'a@x': has(7), 'b@x': has(8) }, { id: 7 }],
    ['may be renamed already', { email: 'a@x', new_email: 'b@x' }, { 'a@x': unknown, 'b@x': has(8) }, RENAMED],
    [
      'is renamed already, as an earlier run knows',
      { email: 'known@x', new_email: 'b@x' },
      { 'known@x': unknown, 'b@x': has(9) },
      { id: 9 },
    ],
    [
      'is not the one who has the new address now',
      { email: 'known@x', new_email: 'b@x' },
      { 'known@x': unknown, 'b@x': has(8) },
      RENAMED,
    ],
    [
      'is nobody, nor has anybody the new address',
      { email: 'a@x', new_email: 'b@x' },
      { 'a@x': unknown, 'b@x': unknown },
      NOBODY,
    ],
  ])('%s', (_, row, answers, expected) => {
    const knew = (key: string, id: number) => key === 'known@x' && id === 9;
    expect(
      matched(
        row,
        () => undefined,
        (key) => answers[key],
        knew,
      ),
    ).toMatchObject(expected);
  });

  test.each<[string, KeyedRow, FoundCustomer, object]>([
    ['has the id and the address', { id: 7, email: 'A@x' }, has(7, 'a@X'), { id: 7 }],
    ['has the id and the new address', { id: 7, email: 'a@x', new_email: 'b@x' }, has(7, 'B@x'), { id: 7 }],
    [
      'has the id in another store',
      { id: 7, email: 'a@x' },
      has(7, 'z@x'),
      {
        code: 'unknown_email',
        message: 'The customer with this id has another e-mail address: the file may be of another store.',
      },
    ],
    ['has no address', { id: 7, email: 'a@x' }, has(7), { code: 'unknown_email' }],
    [
      'is not there',
      { id: 7, email: 'a@x' },
      unknown,
      { code: 'unknown_id', message: 'There is no customer with this id.' },
    ],
    [
      'can not be read, so nobody knows whether he is the one',
      { id: 7, email: 'a@x' },
      { kind: 'unreadable', message: 'No answer.' },
      { outcome: 'failed', code: 'unavailable' },
    ],
  ])('by its id %s', (_, row, answer, expected) => {
    expect(
      matched(
        row,
        () => answer,
        () => has(99),
        () => false,
      ),
    ).toMatchObject(expected);
  });

  test('is the one with its id, if it has no address', () => {
    expect(
      matched(
        { id: 7, notes: 'n' },
        () => undefined,
        () => undefined,
        () => false,
      ),
    ).toEqual({ id: 7 });
  });
});
