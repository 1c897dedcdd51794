import fc from 'fast-check';
import { type Delay, type Feedback, Pace } from '../../src/bigcommerce/pace.ts';
import type { RateLimit } from '../../src/bigcommerce/headers.ts';
import { RUNS } from '../support/fuzz.ts';

/** A store as the rules describe it, in simulated time: calls arrive, are counted, and are answered out of order. */
interface World {
  quota: number;
  windowMs: number;
  /** Whether a window starts with the first call after the last one, or windows follow each other. */
  lazyWindows: boolean;
  reservePercent: number;
  /** Slots that others use, one entry per hundred calls. */
  othersSlots: number[];
  /** Requests that others make before each call, over and over. */
  othersUnits: number[];
  /** Whether answers have headers at all, and whether a 429 has. */
  headers: boolean;
  headersOn429: boolean;
  /** One per call, over and over: ms to the store and back, and whether the answer comes without headers. */
  calls: { up: number; down: number; unclear: boolean }[];
  count: number;
}

interface Run {
  throttledByQuota: number;
  throttledBySlots: number;
  mostInFlight: number;
  mostUsedInWindow: number;
  sent: number;
  tookMs: number;
}

interface Event {
  at: number;
  arrives: boolean;
  call: World['calls'][number];
  number: number;
  feedback?: Feedback;
}

/** jest's own assertions are too slow for millions of them. */
function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(`Found ${otherwise}.`);
}

function run(world: World): Run {
  const pace = new Pace(world.reservePercent);
  const result: Run = {
    throttledByQuota: 0,
    throttledBySlots: 0,
    mostInFlight: 0,
    mostUsedInWindow: 0,
    sent: 0,
    tookMs: 0,
  };
  const events: Event[] = [];
  let now = 0;
  let inFlight = 0;
  let atStore = 0;
  let windowStart = 0;
  let used = 0;
  let usedByUs = 0;
  let knownBackOff = 0;

  function arrive({ number, call }: Event): Feedback {
    if (now >= windowStart + world.windowMs) {
      windowStart = world.lazyWindows
        ? now
        : windowStart + Math.floor((now - windowStart) / world.windowMs) * world.windowMs;
      used = 0;
      usedByUs = 0;
    }
    const others = world.othersUnits[number % world.othersUnits.length] as number;
    used = Math.min(world.quota, used + others);
    const left = Math.max(0, world.quota - used - 1);
    const resetMs = windowStart + world.windowMs - now;
    const rateLimit: RateLimit = { quota: world.quota, left, windowMs: world.windowMs, resetMs };
    const slots = 3 - (world.othersSlots[Math.floor(number / 100) % world.othersSlots.length] as number);
    const overQuota = used >= world.quota;
    if (overQuota || atStore > slots) {
      if (overQuota) result.throttledByQuota++;
      else result.throttledBySlots++;
      const told = world.headers && world.headersOn429;
      const limit = overQuota ? { ...rateLimit, left: 0 } : { ...rateLimit, left: world.quota - used };
      return { kind: 'throttled', waitMs: told ? resetMs : undefined, rateLimit: told ? limit : undefined };
    }
    used++;
    usedByUs++;
    result.mostUsedInWindow = Math.max(result.mostUsedInWindow, usedByUs);
    if (call.unclear) return { kind: 'unclear' };
    return { kind: 'taken', rateLimit: world.headers ? rateLimit : undefined };
  }

  function handle(event: Event): void {
    now = event.at;
    if (event.arrives) {
      atStore++;
      events.push({ ...event, at: now + event.call.down, arrives: false, feedback: arrive(event) });
      return;
    }
    atStore--;
    inFlight--;
    const feedback = event.feedback as Feedback;
    if (feedback.kind === 'throttled')
      knownBackOff = Math.max(knownBackOff, now + Math.max(feedback.waitMs ?? 0, 1_000));
    pace.ended(now, feedback);
  }

  while (result.sent < world.count || events.length > 0) {
    const delay: Delay | undefined = result.sent < world.count ? pace.next(now) : { waitMs: Infinity, reason: 'slots' };
    if (!delay) {
      must(now >= knownBackOff, 'a call started inside a known back-off');
      const number = result.sent++;
      const call = world.calls[number % world.calls.length] as Event['call'];
      pace.started();
      events.push({ at: now + call.up, arrives: true, call, number });
      result.mostInFlight = Math.max(result.mostInFlight, ++inFlight);
      must(inFlight <= pace.allowed, 'more in flight than allowed');
      continue;
    }
    must(pace.allowed >= 1 && pace.allowed <= 3, 'concurrency left 1 to 3');
    must(delay.waitMs > 0, 'a wait of nothing');
    events.sort((a, b) => a.at - b.at);
    const event = events[0];
    // No deadlock: with nothing in flight there is a time to wait for, and it does come.
    must(event !== undefined || delay.waitMs <= Math.max(world.windowMs, 30_000) + 1, 'a deadlock');
    if (event && event.at <= now + delay.waitMs) handle(events.shift() as Event);
    else now += delay.waitMs;
  }
  result.tookMs = now;
  return result;
}

const calls = fc.array(
  fc.record({
    up: fc.integer({ min: 0, max: 1_000 }),
    down: fc.integer({ min: 1, max: 1_000 }),
    unclear: fc.boolean(),
  }),
  { minLength: 1, maxLength: 20 },
);

const anyWorld: fc.Arbitrary<World> = fc.record({
  quota: fc.integer({ min: 3, max: 60 }),
  windowMs: fc.integer({ min: 5_000, max: 30_000 }),
  lazyWindows: fc.boolean(),
  reservePercent: fc.constantFrom(0, 0, 10, 50, 99),
  othersSlots: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 3 }),
  othersUnits: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 20 }),
  headers: fc.boolean(),
  headersOn429: fc.boolean(),
  calls,
  count: fc.integer({ min: 1, max: 300 }),
});

/** Nobody else uses the store, and each answer states the quota left. */
const ownWorld = anyWorld.map((world) => ({
  ...world,
  othersSlots: [0],
  othersUnits: [0],
  headers: true,
  calls: world.calls.map((call) => ({ ...call, unclear: false })),
}));

test('whatever a store and its other apps do, the limits are kept and every call gets its turn', () => {
  fc.assert(
    fc.property(anyWorld, (world) => {
      const { sent, mostInFlight } = run(world);
      expect(sent).toBe(world.count);
      expect(mostInFlight).toBeLessThanOrEqual(3);
    }),
    { numRuns: 2 * RUNS },
  );
});

test('a store of our own is never driven into a 429, and its reserve is left alone', () => {
  fc.assert(
    fc.property(ownWorld, (world) => {
      const { throttledByQuota, throttledBySlots, mostUsedInWindow } = run(world);
      expect([throttledByQuota, throttledBySlots]).toEqual([0, 0]);
      // The first three go before anything is known.
      const usable = world.quota - Math.floor((world.quota * world.reservePercent) / 100);
      expect(mostUsedInWindow).toBeLessThanOrEqual(Math.max(3, usable));
    }),
    { numRuns: 2 * RUNS },
  );
});

test('the quota of a store of our own is used in full, window after window', () => {
  const world: World = {
    quota: 30,
    windowMs: 30_000,
    lazyWindows: false,
    reservePercent: 0,
    othersSlots: [0],
    othersUnits: [0],
    headers: true,
    headersOn429: true,
    calls: [
      { up: 20, down: 280, unclear: false },
      { up: 20, down: 80, unclear: false },
    ],
    count: 300,
  };
  const { throttledByQuota, tookMs } = run(world);
  expect(throttledByQuota).toBe(0);
  expect(tookMs).toBeLessThan(9 * 30_000 + 5_000);
});

test('while others keep using slots, few calls are answered 429', () => {
  fc.assert(
    fc.property(anyWorld, fc.constantFrom(1, 2), (world, slots) => {
      const alike = { ...world, quota: 1_000_000, othersSlots: [slots], count: 2_000 };
      const { throttledBySlots } = run(alike);
      expect(throttledBySlots / alike.count).toBeLessThan(0.05);
    }),
    { numRuns: RUNS / 4 },
  );
});
