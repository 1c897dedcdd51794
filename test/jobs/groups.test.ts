import fc from 'fast-check';
import { groupIdOf, Groups } from '../../src/jobs/groups.ts';
import { type Named, NamesNeeded } from '../../src/jobs/names.ts';
import { fitting } from '../../src/jobs/prepare.ts';

const groups = (...entries: [id: number, name: string][]) => new Groups(entries.map(([id, name]) => ({ id, name })));

const SHOP = groups(
  [1, 'Wholesale'],
  [2, 'Retail'],
  [3, 'VIP'],
  [4, 'vip'],
  [12, '2024'],
  [40, '12'],
  [5, 'Grün  & Co'],
);

test.each<[cell: string, id: number]>([
  ['Wholesale', 1],
  ['WHOLESALE', 1],
  ['VIP', 3],
  ['vip', 4],
  ['grün & co', 5],
  ['GRU\u0308N &\u00A0CO', 5],
  ['2024', 12],
  ['5', 5],
  ['0', 0],
  ['No group', 0],
  ['no GROUP', 0],
])('%j is the group %j', (cell, id) => {
  expect(SHOP.find(cell)).toBe(id);
});

test.each<[cell: string, message: string]>([
  [
    'Resellers',
    'the store has no such group. Its groups: "Wholesale", "Retail", "VIP", "vip", "2024", "12", "Grün  & Co".',
  ],
  ['99', 'the store has no such group.'],
  ['-1', 'the store has no such group.'],
  ['05', 'the store has no such group.'],
  ['Vip', 'expected one group, but "VIP" (id 3) and "vip" (id 4) fit. Write its id as customer_group_id.'],
  ['12', 'expected one group, but "12" (id 40) and "2024" (id 12) fit.'],
])('%j is none: %s', (cell, message) => {
  expect(SHOP.find(cell)).toEqual({
    code: 'unknown_group',
    message: expect.stringContaining(`customer_group: ${message}`),
  });
});

test.each<[string, Groups, string]>([
  ['0', groups([7, '0']), '"0" (id 7) and "No group" (id 0) fit'],
  ['No group', groups([7, 'No Group']), '"No Group" (id 7) and "No group" (id 0) fit'],
  ['A', groups([1, 'A'], [2, 'A'], [3, 'A']), '"A" (id 1) and "A" (id 2) and 1 more fit'],
  ['A', groups(), 'the store has no such group. It has none.'],
])('%j in a store where that is not clear: %#', (cell, store, message) => {
  expect(store.find(cell)).toEqual({ code: 'unknown_group', message: expect.stringContaining(message) });
});

test('a group is always found by its own name, unless another one has the same or has that as its id', () => {
  const names = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(names, (list) => {
      const all: Named[] = list.map((name, index) => ({ id: index + 1, name }));
      const store = new Groups(all);
      for (const { id, name } of all) {
        const found = store.find(name);
        const isTwice = all.filter((other) => other.name === name).length > 1;
        const isId = /^[0-9]$/.test(name) && name !== String(id);
        if (typeof found === 'object') expect(isTwice || isId).toBe(true);
        else expect(found).toBe(id);
      }
    }),
  );
});

test('what is no name costs its row, and says nothing of what it is', () => {
  expect(groupIdOf(3, SHOP)).toBe(3);
  for (const [value, got] of [
    [true, 'true or false'],
    [['VIP'], 'a list of 1'],
    ['#REF!', "a spreadsheet's error instead of a value"],
  ] as const) {
    const message = `customer_group: expected the name of a group, got ${got}.`;
    expect(groupIdOf(value, SHOP)).toEqual({ code: 'invalid_field', message });
  }
  expect(() => groupIdOf('VIP', undefined)).toThrow(NamesNeeded);
});

test('a store with many groups fills no message', () => {
  const many = groups(...Array.from({ length: 5_000 }, (_, id): [number, string] => [id + 1, `Group ${id}`.repeat(3)]));
  const { message } = many.find('none') as { message: string };
  expect(message).toMatch(/"Group 0Group 0Group 0", .* and 49\d\d more\.$/);
  expect(fitting(message)).toBe(message);
});
