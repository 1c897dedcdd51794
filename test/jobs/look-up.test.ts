import { look, valuesBefore } from '../../src/jobs/look-up.ts';
import type { PageRow } from '../../src/jobs/pages.ts';

const rows: PageRow[] = Array.from({ length: 25 }, (_, index) => {
  return { row: 2 * index + 1, line: null, values: { id: 101 + index, notes: 'new' } };
});

test('packs what is to be sent into tens, from a place on', () => {
  const has = new Map(rows.map(({ row }) => [row, { notes: row === 3 ? 'new' : 'old' }]));
  const { rows: looked, ...counts } = look(rows, has, { from: 40, skipUnchanged: true });
  expect(counts).toEqual({ changed: 24, unchanged: 1, missing: 0 });
  const fates = [...looked.values()].map(({ fate }) => fate);
  expect(fates).toEqual([
    40,
    'unchanged',
    ...Array<number>(9).fill(40),
    ...Array<number>(10).fill(41),
    ...Array<number>(4).fill(42),
  ]);
  expect(looked.get(5)).toEqual({ fate: 40, id: 103, before: { notes: 'old' } });
});

test('sends the unchanged too, unless they are to be skipped', () => {
  const has = new Map(rows.map(({ row }) => [row, { notes: 'new' }]));
  const { rows: looked, unchanged } = look(rows, has, { from: 0, skipUnchanged: false });
  expect([unchanged, looked.get(49)?.fate]).toEqual([25, 2]);
});

test('sends those whom the store does not have, or would not show', () => {
  const has = new Map([[1, null]]);
  const { rows: looked, ...counts } = look(rows.slice(0, 2), has, { from: 0, skipUnchanged: true });
  expect(counts).toEqual({ changed: 1, unchanged: 0, missing: 1 });
  expect([...looked.values()]).toEqual([
    { fate: 0, id: 101, before: null },
    { fate: 0, id: 102, before: undefined },
  ]);
});

test('keeps of a customer what the row sets', () => {
  const customer = { id: 7, notes: 'n', company: 'c', phone: null };
  expect(valuesBefore({ id: 7, notes: 'x', phone: '1', first_name: 'A' }, customer)).toEqual({
    notes: 'n',
    phone: null,
  });
});
