import { type Feedback, Pace } from '../../src/bigcommerce/pace.ts';
import type { RateLimit } from '../../src/bigcommerce/headers.ts';

const limit = (left: number, resetMs: number, quota = 10, windowMs = 30_000): RateLimit => ({
  quota,
  left,
  windowMs,
  resetMs,
});
const taken = (rateLimit?: RateLimit): Feedback => ({ kind: 'taken', rateLimit });
const throttled = (waitMs?: number, rateLimit?: RateLimit): Feedback => ({ kind: 'throttled', waitMs, rateLimit });

const pace = (reserve = 0, random = () => 0): Pace => new Pace(reserve, random);

/** Starts calls until the pace allows no more, at most `most`. */
function startAll(of: Pace, now: number, most = 10): number {
  let count = 0;
  for (; count < most && !of.next(now); count++) of.started();
  return count;
}

/** One call after the other. */
function oneByOne(of: Pace, now: number, times: number): void {
  for (let i = 0; i < times; i++) {
    expect(of.next(now)).toBeUndefined();
    of.started();
    of.ended(now, taken());
  }
}

test('at most three calls are in flight, and the next starts when one is answered', () => {
  const store = pace();
  expect(startAll(store, 0)).toBe(3);
  expect(store.next(0)).toEqual({ waitMs: Infinity, reason: 'slots' });
  store.ended(5, taken());
  expect(startAll(store, 5)).toBe(1);
});

describe('the quota', () => {
  test('is unknown, and no limit, if the store says nothing', () => {
    const store = pace();
    oneByOne(store, 0, 1_000);
  });

  test('once used up, makes calls wait for the reset, and then there is a new one', () => {
    const store = pace();
    store.started();
    store.ended(100, taken(limit(0, 20_000)));
    expect(store.next(100)).toEqual({ waitMs: 20_000, reason: 'quota' });
    expect(store.next(20_099)).toEqual({ waitMs: 1, reason: 'quota' });
    expect(startAll(store, 20_100)).toBe(3);
  });

  test('near its end makes calls wait for the answer to a call in flight, not for the reset', () => {
    const store = pace();
    startAll(store, 0, 2);
    store.ended(10, taken(limit(1, 20_000)));
    expect(store.next(10)).toEqual({ waitMs: 20_000, reason: 'slots' });
    store.ended(20, taken(limit(1, 19_990)));
    expect(store.next(20)).toBeUndefined();
  });

  test('is used to the last request, and not beyond', () => {
    const store = pace();
    store.started();
    store.ended(0, taken(limit(9, 30_000)));
    let sent = 1;
    for (; !store.next(0); sent++) {
      store.started();
      store.ended(0, taken(limit(9 - sent, 30_000)));
    }
    expect(sent).toBe(10);
  });

  test('is not raised by answers that overtake one another', () => {
    const store = pace();
    startAll(store, 0, 3);
    store.ended(10, taken(limit(1, 20_000)));
    store.ended(20, taken(limit(5, 20_500)));
    store.ended(30, taken(limit(3, 19_000)));
    expect(startAll(store, 30)).toBe(1);
  });

  test('is reset at the time given by the quickest answer', () => {
    const store = pace();
    startAll(store, 0, 2);
    store.ended(100, taken(limit(0, 20_000)));
    store.ended(900, taken(limit(0, 20_000)));
    expect(store.next(900)).toEqual({ waitMs: 19_200, reason: 'quota' });
  });

  test('is renewed by an answer from a later window', () => {
    const store = pace();
    startAll(store, 0, 2);
    store.ended(10, taken(limit(0, 20_000)));
    store.ended(20, taken(limit(9, 49_000)));
    expect(startAll(store, 20)).toBe(3);
  });

  test('of a new window is not lowered by a late answer from the one before', () => {
    const store = pace();
    startAll(store, 0, 2);
    store.ended(20_000, taken(limit(9, 30_000)));
    store.ended(20_010, taken(limit(0, 5)));
    expect(startAll(store, 20_010)).toBe(3);
  });

  test('counts a call without a readable answer as used', () => {
    const store = pace();
    startAll(store, 0, 2);
    store.ended(0, taken(limit(2, 20_000)));
    store.ended(0, { kind: 'unclear' });
    expect(startAll(store, 0)).toBe(1);
  });

  test('does not count a call that was never written', () => {
    const store = pace();
    startAll(store, 0, 2);
    store.ended(0, taken(limit(1, 20_000)));
    store.ended(0);
    expect(startAll(store, 0)).toBe(1);
  });

  test('keeps its reserve for the other apps', () => {
    const store = pace(50);
    store.started();
    store.ended(0, taken(limit(6, 20_000)));
    expect(startAll(store, 0)).toBe(1);
    store.ended(0, taken(limit(5, 20_000)));
    expect(store.next(0)).toEqual({ waitMs: 20_000, reason: 'quota' });
  });

  test('of a single request is usable whatever the reserve', () => {
    const store = pace(99);
    store.started();
    store.ended(0, taken(limit(1, 20_000, 1)));
    expect(startAll(store, 0)).toBe(1);
  });

  test('can change in size from window to window', () => {
    const store = pace();
    store.started();
    store.ended(0, taken(limit(0, 1_000, 10, 5_000)));
    expect(startAll(store, 1_000)).toBe(3);
    store.ended(1_100, taken(limit(1, 4_000, 2, 5_000)));
    store.ended(1_100, taken(limit(1, 4_000, 2, 5_000)));
    store.ended(1_100, taken(limit(1, 4_000, 2, 5_000)));
    expect(startAll(store, 1_100)).toBe(1);
  });
});

describe('after a 429', () => {
  test('nothing starts for as long as it says', () => {
    const store = pace();
    store.started();
    store.ended(0, throttled(7_000, limit(0, 5_000)));
    expect(store.next(0)).toEqual({ waitMs: 7_000, reason: 'throttle' });
    expect(store.next(6_999)).toMatchObject({ reason: 'throttle' });
    expect(store.next(7_000)).toBeUndefined();
  });

  test('a shorter wait asked for by another 429 does not shorten it', () => {
    const store = pace();
    startAll(store, 0, 2);
    store.ended(0, throttled(7_000));
    store.ended(0, throttled(2_000));
    expect(store.next(0)).toMatchObject({ waitMs: 7_000 });
  });

  test.each([0, 1, 999])('that asks for %i ms the wait is a second', (waitMs) => {
    const store = pace();
    store.started();
    store.ended(0, throttled(waitMs));
    expect(store.next(0)).toMatchObject({ waitMs: 1_000 });
  });

  test('without headers the wait is at least a second, has jitter, grows to 30 s, and starts over after another answer', () => {
    for (const random of [0, 0.999]) {
      const store = pace(0, () => random);
      const waits: number[] = [];
      let now = 0;
      for (let i = 0; i < 8; i++) {
        store.started();
        store.ended(now, throttled());
        waits.push(store.next(now)?.waitMs ?? 0);
        now += waits.at(-1) as number;
      }
      const expected = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000];
      waits.forEach((wait, i) => {
        expect(wait).toBeGreaterThanOrEqual(expected[i] as number);
        expect(wait).toBeLessThanOrEqual(Math.min((expected[i] as number) * 1.5, 30_000));
      });
      if (random > 0) expect(waits[0]).toBeGreaterThan(1_400);
      oneByOne(store, now, 1);
      store.started();
      store.ended(now, throttled());
      expect(store.next(now)?.waitMs).toBeLessThan(1_501);
    }
  });

  test('three calls throttled together count as one', () => {
    const store = pace();
    startAll(store, 0);
    for (let i = 0; i < 3; i++) store.ended(0, throttled());
    expect(store.next(0)).toMatchObject({ waitMs: 1_000 });
    expect(store.allowed).toBe(2);
  });
});

describe('the calls allowed at once', () => {
  const throttleOnce = (store: Pace, now: number, rateLimit?: RateLimit) => {
    store.started();
    store.ended(now, throttled(1_000, rateLimit));
  };

  test('become fewer when a 429 comes with requests left, down to one', () => {
    const store = pace();
    for (const [now, allowed] of [2, 1, 1].entries()) {
      throttleOnce(store, now * 1_000, limit(5, 100_000));
      expect(store.allowed).toBe(allowed);
    }
    expect(startAll(store, 3_000)).toBe(1);
  });

  test('stay the same when it is the quota that was used up', () => {
    const store = pace();
    throttleOnce(store, 0, limit(0, 1_000));
    expect(store.allowed).toBe(3);
  });

  test('become more again after 20 calls that found a slot', () => {
    const store = pace();
    throttleOnce(store, 0);
    throttleOnce(store, 1_000);
    oneByOne(store, 2_000, 19);
    expect(store.allowed).toBe(1);
    oneByOne(store, 2_000, 1);
    expect(store.allowed).toBe(2);
    oneByOne(store, 2_000, 20);
    expect(store.allowed).toBe(3);
  });

  test('become more only after 20 such calls in a row', () => {
    const store = pace();
    throttleOnce(store, 0);
    oneByOne(store, 1_000, 19);
    throttleOnce(store, 1_000);
    oneByOne(store, 2_000, 19);
    expect(store.allowed).toBe(1);
  });

  test('take twice as long to become more if that failed at once, and 20 calls again once it lasted', () => {
    const store = pace();
    let now = 0;
    throttleOnce(store, now);
    for (const needed of [20, 40, 80, 160, 320, 640, 640]) {
      now += 1_000;
      oneByOne(store, now, needed - 1);
      expect(store.allowed).toBe(2);
      oneByOne(store, now, 1);
      expect(store.allowed).toBe(3);
      throttleOnce(store, now);
    }
    now += 1_000;
    oneByOne(store, now, 640 + 20);
    throttleOnce(store, now);
    now += 1_000;
    oneByOne(store, now, 20);
    expect(store.allowed).toBe(3);
  });

  test('do not become more because of answers that say nothing about slots', () => {
    const store = pace();
    throttleOnce(store, 0);
    for (let i = 0; i < 100; i++) {
      store.started();
      store.ended(1_000, { kind: 'unclear' });
    }
    expect(store.allowed).toBe(2);
  });
});
