import { hold, type HoldKind, NONE_REJECTED, type Share, tooManyRejected } from '../../src/workflows/hold.ts';

const counts = (taken: number, rejected: number): Share => ({ tried: taken + rejected, rejected });
const none = counts(0, 0);

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

test.each<[Share, Share | null, number, boolean, string]>([
  [counts(79, 20), null, 20, false, 'fewer than 100 tried'],
  [counts(80, 20), null, 20, false, 'just the share allowed'],
  [counts(79, 21), null, 20, true, 'more than the share allowed'],
  [counts(0, 100), null, 100, false, 'all of them allowed'],
  [counts(99, 1), null, 0, true, 'none allowed'],
  [counts(200, 99), counts(100, 0), 20, false, 'fewer than 200 tried since it was waived'],
  [counts(200, 100), counts(100, 0), 20, true, 'too many of 200 since it was waived'],
  [counts(200, 100), counts(0, 100), 20, false, 'all rejected before it was waived'],
])('%j since %j with %d percent allowed: too many is %s (%s)', (now, waived, percent, expected) => {
  for (const kind of ['sent', 'lookedUp'] as const) {
    const from = waived ? { sent: none, lookedUp: none, [kind]: waived, waived: true } : NONE_REJECTED;
    expect(tooManyRejected({ sent: none, lookedUp: none, [kind]: now }, from, percent) !== undefined).toBe(expected);
  }
});

test('each night some customers are gone: their share is of all that were looked up, not of the few that were sent', () => {
  const night = { sent: counts(990, 0), lookedUp: { tried: 1_000, rejected: 10 } };
  expect(tooManyRejected(night, NONE_REJECTED, 5)).toBeUndefined();
  expect(tooManyRejected({ ...night, lookedUp: { tried: 1_000, rejected: 60 } }, NONE_REJECTED, 5)).toMatch(
    /^The store does not have 60 of 1000 customers/,
  );
});
