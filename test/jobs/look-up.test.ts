import type { FoundCustomer, KeyedRow } from '../../src/jobs/keyed-rows.ts';
import { Attributes } from '../../src/jobs/attributes.ts';
import { type LookedUp, type LookingUp, look, sentOf, valuesBefore } from '../../src/jobs/look-up.ts';
import type { PageRow } from '../../src/jobs/pages.ts';

const page = (...all: KeyedRow[]): PageRow[] =>
  all.map((values, index) => ({ row: 2 * index + 1, line: null, values }));
const ids = page(...Array.from({ length: 25 }, (_, index) => ({ id: 101 + index, notes: 'new' })));

const HOW: LookingUp = {
  ...{ match: 'id', from: 0, skipUnchanged: true, dryRun: false, attributes: undefined },
  ...{ isNamed: () => false, knew: () => false },
};
const customer = (id: number, values: object): FoundCustomer => ({ kind: 'found', customer: { id, ...values } });
/** The store's customers with these notes, by id from 101 on. */
const having = (notes: (id: number) => string) =>
  new Map(ids.map(({ values: { id = 0 } }) => [id, customer(id, { notes: notes(id) })]));

test('packs what is to be sent into tens, from a place on', () => {
  const found = having((id) => (id === 102 ? 'new' : 'old'));
  const rows = look(ids, found, { ...HOW, from: 40 });
  const places = [40, 'unchanged', ...Array<number>(9).fill(40), ...Array<number>(10).fill(41), 42, 42, 42, 42];
  expect([...rows.values()].map(({ fate }) => fate)).toEqual(places);
  expect(rows.get(5)).toEqual({ fate: 40, id: 103, before: { notes: 'old' } });
});

test('sends the unchanged too, unless they are to be skipped', () => {
  const rows = look(
    ids,
    having(() => 'new'),
    { ...HOW, skipUnchanged: false },
  );
  expect(rows.get(49)?.fate).toBe(2);
});

test('sends those whom the store does not have, or would not show: by an id, its answer is what they are told', () => {
  const found = new Map<number, FoundCustomer>([
    [101, { kind: 'unknown' }],
    [102, { kind: 'unreadable', message: '500' }],
  ]);
  const rows = look(ids.slice(0, 2), found, HOW);
  expect([...rows.values()]).toEqual([
    { fate: 0, id: 101, before: null },
    { fate: 0, id: 102, before: undefined },
  ]);
});

describe('rows with attributes', () => {
  const attributes = new Attributes([
    { id: 1, name: 'Loyalty Tier', type: 'string' },
    { id: 2, name: 'Points', type: 'number' },
  ]);
  const rows = page(
    { id: 1, notes: 'new', attributes: { 1: 'Gold', 2: '5' } },
    { id: 2, notes: 'new', attributes: { 1: 'Gold', 2: null } },
    { id: 3, attributes: { 1: 'Gold', 2: '5' } },
    { id: 4, notes: 'new', attributes: { 1: '' } },
    { id: 5, attributes: { 1: 'Gold' } },
    { id: 6, attributes: { 1: 'Gold' } },
  );
  const found = new Map<number, FoundCustomer>([
    [1, customer(1, { notes: 'new', attributes: { 1: 'Gold', 2: '5.00' } })],
    [2, customer(2, { notes: 'old', attributes: { 1: 'Gold', 2: null } })],
    [3, customer(3, { notes: 'old', attributes: { 1: 'gold', 2: '5' } })],
    [4, customer(4, { notes: 'new', attributes: { 1: null } })],
    // Their values could not be read, or there is no such customer.
    [5, customer(5, { notes: 'old' })],
    [6, { kind: 'unknown' }],
  ]);
  const sent = (how: Partial<LookingUp>) => {
    const looked = look(rows, found, { ...HOW, attributes, ...how });
    return rows.map(({ row, values }) => {
      const { id, fate, same } = looked.get(row) as LookedUp;
      return fate === 'unchanged' ? fate : sentOf(values, id as number, 'id', same);
    });
  };

  test('send what is not the same, field by field or value by value', () => {
    expect(sent({})).toEqual([
      'unchanged',
      { id: 2, notes: 'new' },
      { id: 3, attributes: { 1: 'Gold' } },
      { id: 4, attributes: { 1: '' } },
      { id: 5, attributes: { 1: 'Gold' } },
      { id: 6, attributes: { 1: 'Gold' } },
    ]);
  });

  test('send all of it, unless the unchanged are to be skipped', () => {
    expect(sent({ skipUnchanged: false })).toEqual(rows.map(({ values }) => values));
  });

  test('in a dry run say what would change, whether or not it would be sent', () => {
    const [first, ...others] = sent({ skipUnchanged: false, dryRun: true });
    expect(first).toEqual({ id: 1 });
    expect(others).toEqual(sent({}).slice(1));
  });

  test('keep what the customer had, of the attributes that they set alone', () => {
    const looked = look(rows, found, { ...HOW, attributes });
    expect(rows.map(({ row }) => looked.get(row)?.before)).toEqual([
      { notes: 'new', attributes: { 1: 'Gold', 2: '5.00' } },
      { notes: 'old', attributes: { 1: 'Gold', 2: null } },
      { attributes: { 1: 'gold', 2: '5' } },
      { notes: 'new', attributes: { 1: null } },
      {},
      null,
    ]);
  });
});

describe('by e-mail address', () => {
  const BY_EMAIL: LookingUp = { ...HOW, match: 'email' };
  const found = new Map<number | string, FoundCustomer>([
    ['a@x.com', customer(1, { email: 'A@x.com', notes: 'old' })],
    ['b@x.com', customer(2, { email: 'b@x.com', notes: 'new' })],
    ['c@x.com', { kind: 'unknown' }],
    ['d@x.com', { kind: 'ambiguous', customers: 2 }],
    ['e@x.com', { kind: 'refused', message: 'not an address' }],
    ['f@x.com', { kind: 'unreadable', message: '500' }],
    [7, customer(7, { email: 'g@x.com', notes: 'old' })],
    [8, customer(8, { email: 'somebody@x.com', notes: 'old' })],
  ]);
  const fates = (...rows: KeyedRow[]) => [...look(page(...rows), found, BY_EMAIL).values()];

  test('a row is sent to the customer who has its address, whatever its case', () => {
    expect(fates({ email: 'a@X.com', notes: 'new' }, { email: 'b@x.com', notes: 'new' })).toEqual([
      { fate: 0, id: 1, before: { notes: 'old' } },
      { fate: 'unchanged', id: 2, before: { notes: 'new' } },
    ]);
  });

  test("a row falls out if its address is nobody's, or several customers', or the store would not be asked for it", () => {
    const rows = ['c', 'd', 'e', 'f'].map((name) => ({ email: `${name}@x.com`, notes: 'new' }));
    expect(fates(...rows).map(({ fate, id }) => [id, fate])).toEqual([
      [null, expect.objectContaining({ outcome: 'rejected', code: 'unknown_email' })],
      [null, expect.objectContaining({ outcome: 'rejected', code: 'ambiguous_email' })],
      [null, expect.objectContaining({ outcome: 'rejected', code: 'rejected' })],
      [null, expect.objectContaining({ outcome: 'failed', code: 'unavailable' })],
    ]);
  });

  test('a row with an id goes by it only if that customer has its address: the file may be of another store', () => {
    expect(fates({ id: 7, email: 'g@x.com', notes: 'new' }, { id: 8, email: 'h@x.com', notes: 'new' })).toEqual([
      { fate: 0, id: 7, before: { notes: 'old' } },
      { fate: expect.objectContaining({ code: 'unknown_email' }), id: 8 },
    ]);
  });

  test('a row whose customer turns out to be that of another row falls out', () => {
    const isNamed = (id: number) => id === 2;
    const twice = page(
      { email: 'a@x.com', notes: '1' },
      { email: 'b@x.com', notes: '2' },
      { email: 'A@X.com', notes: '3' },
    );
    const rows = look(twice, found, { ...BY_EMAIL, isNamed });
    const same = expect.objectContaining({ outcome: 'invalid', code: 'same_customer' });
    expect([...rows.values()].map(({ fate }) => fate)).toEqual([0, same, same]);
  });

  test('who has his new address already is found by an earlier run, which knew him by the one before', () => {
    const row = { email: 'c@x.com', new_email: 'A@x.com', notes: 'new' };
    const fateIf = (knew: LookingUp['knew']) => look(page(row), found, { ...BY_EMAIL, knew }).get(1);
    const knew = (key: string, id: number) => key === 'c@x.com' && id === 1;
    expect(fateIf(knew)).toEqual({ fate: 0, id: 1, before: { email: 'A@x.com', notes: 'old' } });
    expect(fateIf(() => false)?.fate).toMatchObject({ code: 'unknown_email' });
  });

  test('the new address is sent, and compared, as the address; the key is not', () => {
    const row = { email: 'b@x.com', new_email: 'new@x.com', notes: 'new' };
    expect(sentOf(row, 2, 'email')).toEqual({ id: 2, email: 'new@x.com', notes: 'new' });
    expect(fates(row)).toEqual([{ fate: 0, id: 2, before: { email: 'b@x.com', notes: 'new' } }]);
    expect(sentOf({ id: 2, email: 'e@x.com' }, 2, 'id')).toEqual({ id: 2, email: 'e@x.com' });
  });
});

test('keeps of a customer what the row sets', () => {
  const has = { id: 7, notes: 'n', company: 'c', phone: null };
  expect(valuesBefore({ id: 7, notes: 'x', phone: '1', first_name: 'A' }, has)).toEqual({ notes: 'n', phone: null });
});
