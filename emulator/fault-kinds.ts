import type { Check } from './checks.ts';
import { either, number, text, trueOrFalse, wholeNumber } from './checks.ts';

const MAX_MS = 3_600_000;

/** What the parameters of faults may be, by name. */
export const PARAMETERS = {
  status: wholeNumber(200, 599),
  applied: either(trueOrFalse, wholeNumber(0, 10)),
  title: text,
  location: text,
  ms: number(0, MAX_MS),
  jitter: number(0, MAX_MS),
  retryAfter: wholeNumber(0, 86_400),
  headers: trueOrFalse,
  body: trueOrFalse,
  missing: wholeNumber(1, 10),
  slots: wholeNumber(0, 3),
  quota: wholeNumber(0, 1_000_000),
};

type Parameters = { [P in keyof typeof PARAMETERS]: (typeof PARAMETERS)[P] extends Check<infer T> ? T : never };

interface Kind {
  about: string;
  /** Its parameters, each with its default. */
  parameters: Partial<Parameters>;
}

/** Faults that happen to single requests; a request meets one at most. */
export const EVENTS = {
  status: {
    about:
      'answers `status`: 502 and 504 in HTML, 3xx with `location`, others with `title`. `applied` true or a number: ' +
      'after updating all or so many of the customers, whom a 2xx (207) then lists',
    parameters: { status: 500, applied: false, title: 'Something went wrong', location: 'https://example.com/' },
  },
  suspended: { about: '503 "The store is suspended…"; to GETs as well', parameters: {} },
  throttle: {
    about: '429, to come back after `retryAfter` seconds; `headers` false: without any; `body` false: empty',
    parameters: { retryAfter: 1, headers: true, body: true },
  },
  reset: { about: 'resets the connection, nothing applied', parameters: {} },
  'reset-after': { about: 'applies the update, then resets the connection', parameters: {} },
  hang: { about: 'never answers; `applied` as for status', parameters: { applied: false } },
  truncate: { about: 'applies the update, then breaks off in the middle of the answer', parameters: {} },
  unreadable: { about: 'applies the update, then answers 200 with what is not JSON', parameters: {} },
  'slow-body': {
    about: 'applies the update, sends headers at once and the body within `ms`',
    parameters: { ms: 2_000 },
  },
  'missing-customers': { about: 'a 200 that leaves out the last `missing` customers', parameters: { missing: 1 } },
  'wrong-order': { about: 'a 200 that lists the customers in reverse', parameters: {} },
} satisfies Record<string, Kind>;

/** What a store is like until that is cleared, for what is a guess in the facts and for the store's surroundings. */
export const SWITCHES = {
  latency: { about: 'answers take `ms`, and up to `jitter` ms more', parameters: { ms: 0, jitter: 0 } },
  'other-app': {
    about: "another app takes `slots` of the store's 3 and `quota` requests of each window",
    parameters: { slots: 0, quota: 0 },
  },
  'throttle-style': {
    about: 'how 429s of the limits themselves look: as for throttle',
    parameters: { headers: true, body: true },
  },
  partial: { about: 'what precedes a rejected customer is applied, although the answer is 422', parameters: {} },
  'form-fields-replaced': { about: 'form fields that an update does not name are gone, not left', parameters: {} },
  'batch-422': { about: 'more than 10 customers: 422 "Max batch size", not 413', parameters: {} },
  'strict-fields': { about: 'unknown and read-only fields: 422, not ignored', parameters: {} },
} satisfies Record<string, Kind>;

type Of<Kinds extends Record<string, Kind>, K extends keyof Kinds> = Pick<
  Parameters,
  keyof Kinds[K]['parameters'] & keyof Parameters
>;

/** A fault as a request meets it: its kind, and its parameters in full. */
export type Fault = { [K in keyof typeof EVENTS]: { fault: K } & Of<typeof EVENTS, K> }[keyof typeof EVENTS];

/** The switches that are on, with their parameters in full. */
export type Switches = { [K in keyof typeof SWITCHES]?: Of<typeof SWITCHES, K> };

/** Every kind of either sort, by name. */
export const KINDS: Record<string, Kind> = { ...EVENTS, ...SWITCHES };
