import { hold, tooManyRejected, type HoldKind } from '../../src/workflows/hold.ts';

const counts = (taken: number, rejected: number) => ({ tried: taken + rejected, rejected });
const start = { tried: 0, rejected: 0, waived: false };

test.each<[HoldKind, (number | null)[]]>([
  ['outage', [10, 20, 40, 80, 160, 300, 300]],
  ['refused', [30, 60, 120, 240, 300]],
  ['rejections', [null, null]],
])('a job that holds for %s asks again after %j seconds', (kind, delays) => {
  let held: ReturnType<typeof hold> | null = null;
  for (const delay of delays) {
    held = hold(held, kind, 'why', 1_000);
    expect(held.until).toBe(delay === null ? null : 1_000 + delay * 1_000);
  }
});

test('a hold for another reason starts with its shortest delay', () => {
  const outage = hold(hold(null, 'outage', 'why', 0), 'outage', 'why', 0);
  expect(hold(outage, 'refused', 'why', 0)).toMatchObject({ kind: 'refused', probes: 0, until: 30_000 });
});

test.each([
  [counts(79, 20), start, 20, false, 'fewer than 100 tried'],
  [counts(80, 20), start, 20, false, 'just the share allowed'],
  [counts(79, 21), start, 20, true, 'more than the share allowed'],
  [counts(0, 100), start, 100, false, 'all of them allowed'],
  [counts(99, 1), start, 0, true, 'none allowed'],
  [counts(200, 99), { tried: 100, rejected: 0, waived: true }, 20, false, 'fewer than 200 tried since it was waived'],
  [counts(200, 100), { tried: 100, rejected: 0, waived: true }, 20, true, 'too many of 200 since it was waived'],
  [counts(200, 100), { tried: 100, rejected: 100, waived: true }, 20, false, 'all rejected before it was waived'],
])('%j since %j with %d percent allowed: too many is %s (%s)', (now, from, percent, expected) => {
  expect(tooManyRejected(now, from, percent) !== undefined).toBe(expected);
});
