import fc from 'fast-check';
import { FirstRows } from '../../src/jobs/first-rows.ts';
import { cpuTimer } from '../support/cpu.ts';

test('knows the first row of every customer as a map would, whatever the ids', () => {
  const small = fc.integer({ min: 1, max: 50 });
  const any = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
  // Multiples of 2 ** 32 share their lower half.
  const alike = fc.integer({ min: 1, max: 2 ** 20 }).map((factor) => factor * 2 ** 32);
  const ids = fc.array(fc.oneof(small, any, alike), { maxLength: 9_000, size: 'max' });
  fc.assert(
    fc.property(ids, (ids) => {
      const rows = new FirstRows();
      const model = new Map<number, number>();
      const told = ids.map((id, index) => rows.enter(id, index + 1));
      const expected = ids.map((id, index) => {
        const first = model.get(id);
        if (first === undefined) model.set(id, index + 1);
        return first;
      });
      expect(told).toEqual(expected);
      expect(rows.size).toBe(model.size);
    }),
    { numRuns: 30 },
  );
});

test.each<[string, (index: number) => number]>([
  ['in order', (index) => index + 1],
  ['in great strides', (index) => (index + 1) * 4_096],
  ['beyond 32 bits', (index) => (index + 1) * 2 ** 32],
])('takes half a million ids %s in a few seconds', (_, idOf) => {
  const rows = new FirstRows();
  const cpuMs = cpuTimer();
  for (let index = 0; index < 500_000; index++) rows.enter(idOf(index), index + 1);
  expect(cpuMs()).toBeLessThan(3_000);
  expect(rows.enter(idOf(123_456), 1)).toBe(123_457);
});
