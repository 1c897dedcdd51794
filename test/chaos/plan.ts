import { seeded, type Random } from './random.ts';

/** What happens to the system, and when: ms from the start. */
export interface Event {
  at: number;
  what: Happening;
}

export type Happening =
  /** A job with this many customers, some of them unknown to the store and some invalid. */
  | { kind: 'job'; job: PlannedJob }
  | { kind: 'pause' | 'cancel'; job: number }
  /** A job that has ended is started again under its name. */
  | { kind: 'again'; job: number }
  /** To the worker that serves a store, or to any other if nobody does. */
  | { kind: 'kill' | 'stop'; store: string }
  | { kind: 'freeze'; store: string; ms: number }
  | { kind: 'restart server' }
  /** A fault of the emulator, at one store. */
  | { kind: 'fault'; store: string; fault: Record<string, unknown> }
  /** The token is revoked, and valid again after a while. */
  | { kind: 'revoke'; store: string; ms: number };

export interface PlannedJob {
  number: number;
  store: string;
  customers: number;
  /** Row numbers, 1-based. */
  unknown: number[];
  invalid: number[];
  /** The store answers 500 to any call with one of these. */
  undigested: number[];
  /** It has a backup. */
  backup: boolean;
  /** What finds its customers. */
  match: 'id' | 'email';
  skipUnchanged: boolean;
}

/** Temporary faults, all of which BigCommerce could have. */
const FAULTS: ((random: Random) => Record<string, unknown>)[] = [
  (random) => ({ fault: 'status', status: random.pick([500, 502, 503, 504]), on: 'all', count: random.whole(1, 6) }),
  // Something in front of the API.
  (random) => ({ fault: 'status', status: random.pick([401, 403]), html: true, on: 'all', count: random.whole(1, 3) }),
  (random) => ({ fault: 'status', status: 504, applied: true, count: random.whole(1, 4) }),
  (random) => ({ fault: 'status', status: 503, on: 'all', seconds: random.whole(1, 12) }),
  (random) => ({ fault: random.pick(['reset', 'reset-after', 'truncate', 'unreadable']), count: random.whole(1, 4) }),
  (random) => ({ fault: 'reset', on: 'all', probability: 0.2, seconds: random.whole(2, 10) }),
  (random) => ({ fault: 'hang', applied: random.chance(0.5), count: 1, seconds: 5 }),
  (random) => ({ fault: 'slow-body', ms: random.whole(500, 3_000), count: random.whole(1, 5) }),
  (random) => ({ fault: 'throttle', headers: random.chance(0.5), body: random.chance(0.5), count: random.whole(1, 4) }),
  (random) => ({ fault: 'missing-customers', missing: random.whole(1, 3), on: 'all', count: random.whole(1, 3) }),
  () => ({ fault: 'wrong-order', count: 5 }),
  (random) => ({ fault: 'latency', ms: random.whole(100, 1_500), jitter: 200, seconds: random.whole(2, 8) }),
  (random) => ({ fault: 'other-app', slots: random.whole(1, 2), seconds: random.whole(3, 10) }),
  (random) => ({ fault: 'partial', seconds: random.whole(5, 15) }),
];

/** How often each happens, relative to the others. */
const WEIGHTS = {
  ...{ job: 5, pause: 1, cancel: 1, again: 1, kill: 3, stop: 3, freeze: 1 },
  ...{ 'restart server': 1, fault: 10, revoke: 1 },
};

const KINDS = Object.entries(WEIGHTS).flatMap(([kind, weight]) =>
  Array<string>(weight).fill(kind),
) as Happening['kind'][];

/** The plan of a run of `ms`. The same seed makes the same plan. */
export function plan(seed: number, ms: number, stores: readonly string[]): Event[] {
  const random = seeded(seed);
  const events: Event[] = [];
  let jobs = 0;
  const job = (): Happening => ({ kind: 'job', job: plannedJob(random, jobs++, random.pick(stores)) });
  // Something to disturb from the first second on.
  for (let index = 0; index < 3; index++) events.push({ at: 0, what: job() });
  for (let at = random.whole(1_000, 4_000); at < ms; at += random.whole(500, 5_000)) {
    events.push({ at, what: happening(random, random.pick(KINDS), random.pick(stores), jobs, job) });
  }
  return events;
}

function happening(
  random: Random,
  kind: Happening['kind'],
  store: string,
  jobs: number,
  job: () => Happening,
): Happening {
  switch (kind) {
    case 'job':
      return job();
    case 'pause':
    case 'cancel':
    case 'again':
      return { kind, job: random.whole(0, jobs - 1) };
    case 'kill':
    case 'stop':
      return { kind, store };
    case 'freeze':
      return { kind, store, ms: random.whole(3_000, 16_000) };
    case 'restart server':
      return { kind };
    case 'fault':
      return { kind, store, fault: { ...random.pick(FAULTS)(random), store } };
    case 'revoke':
      return { kind, store, ms: random.whole(2_000, 8_000) };
  }
}

function plannedJob(random: Random, number: number, store: string): PlannedJob {
  const customers = random.whole(1, 900);
  const some = (most: number) =>
    Array.from({ length: random.whole(0, most) }, () => random.whole(1, customers)).filter(
      (row, index, all) => all.indexOf(row) === index,
    );
  const unknown = some(Math.min(12, Math.floor(customers / 20)));
  const invalid = some(5).filter((row) => !unknown.includes(row));
  const good = (row: number) => !unknown.includes(row) && !invalid.includes(row);
  const undigested = number % 3 === 0 ? some(2).filter(good) : [];
  const rows = { unknown, invalid, undigested };
  const options = { backup: number % 2 === 1, match: number % 4 < 2 ? 'id' : 'email', skipUnchanged: number % 5 === 0 };
  return { number, store, customers, ...rows, ...options } as PlannedJob;
}
