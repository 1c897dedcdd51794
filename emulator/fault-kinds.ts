import { z } from 'zod';
import { whole } from './input.ts';

const ms = z.number().min(0).max(3_600_000);
const applied = z
  .union([z.boolean(), whole(0, 10)], { error: 'expected true, false or a whole number from 0 to 10' })
  .default(false);
const headers = z.boolean().default(true);
const body = z.boolean().default(true);

interface Kind {
  about: string;
  /** Every parameter has a default. */
  parameters: z.ZodObject;
}

const none = z.strictObject({});

/** Faults that happen to single requests; a request meets at most one. */
export const EVENTS = {
  status: {
    about:
      'answers `status`: 502, 504 and any with `html` in HTML, 3xx with `location`, others with `title`. If `applied` is ' +
      'true or a number, updates all or that many of the customers first; a 2xx (207) then lists them',
    parameters: z.strictObject({
      status: whole(200, 599).default(500),
      applied,
      html: z.boolean().default(false),
      title: z.string().default('Something went wrong'),
      location: z.string().default('https://example.com/'),
    }),
  },
  suspended: { about: '503 "The store is suspended…"; GETs get it too', parameters: none },
  throttle: {
    about:
      '429, asking to come back after `retryAfter` seconds; without headers if `headers` is false, empty if `body` is',
    parameters: z.strictObject({ retryAfter: whole(0, 86_400).default(1), headers, body }),
  },
  reset: { about: 'resets the connection and applies nothing', parameters: none },
  'reset-after': { about: 'applies the update, then resets the connection', parameters: none },
  hang: { about: 'never answers; `applied` as in status', parameters: z.strictObject({ applied }) },
  truncate: { about: 'applies the update, then breaks off in the middle of the answer', parameters: none },
  unreadable: { about: 'applies the update, then answers 200 with a body that is not JSON', parameters: none },
  'slow-body': {
    about: 'applies the update, then sends the headers at once and the body within `ms`',
    parameters: z.strictObject({ ms: ms.default(2_000) }),
  },
  'missing-customers': {
    about: 'a 200 that leaves out the last `missing` customers',
    parameters: z.strictObject({ missing: whole(1, 10).default(1) }),
  },
  'wrong-order': { about: 'a 200 that lists the customers in reverse order', parameters: none },
} satisfies Record<string, Kind>;

/** What a store is like until cleared: for guesses about the real API, and for the store's surroundings. */
export const SWITCHES = {
  latency: {
    about: 'answers take `ms`, plus up to `jitter` ms',
    parameters: z.strictObject({ ms: ms.default(0), jitter: ms.default(0) }),
  },
  'other-app': {
    about: "another app takes `slots` of the store's 3 and `quota` requests of each window",
    parameters: z.strictObject({ slots: whole(0, 3).default(0), quota: whole(0, 1_000_000).default(0) }),
  },
  'throttle-style': {
    about: 'what the 429s of the limits themselves look like: as in throttle',
    parameters: z.strictObject({ headers, body }),
  },
  partial: {
    about: 'customers or values before a rejected one are taken, although the answer is 422',
    parameters: none,
  },
  'form-fields-replaced': {
    about: 'form fields that an update does not name are removed instead of kept',
    parameters: none,
  },
  'filters-ignored': {
    about: 'id:in, email:in and those of values are ignored: GETs list everything',
    parameters: none,
  },
  'exact-case': { about: 'email:in finds an address only in the case that the store has it in', parameters: none },
  'ten-values': {
    about: 'no more than ten attribute values a call: 422; else ten customers with any number',
    parameters: none,
  },
  'refused-value': {
    about: 'attribute values that contain `text` are refused with 422',
    parameters: z.strictObject({ text: z.string().min(1).default('refused') }),
  },
  'names-no-value': { about: 'a 422 for attribute values does not say for which', parameters: none },
  'batch-422': { about: 'more than 10 customers: 422 "Max batch size" instead of 413', parameters: none },
  'strict-fields': { about: 'unknown and read-only fields: 422 instead of being ignored', parameters: none },
} satisfies Record<string, Kind>;

/** A fault as a request meets it: its kind, and all of its parameters. */
export type Fault = {
  [K in keyof typeof EVENTS]: { fault: K } & z.infer<(typeof EVENTS)[K]['parameters']>;
}[keyof typeof EVENTS];

/** The switches that are on, with all of their parameters. */
export type Switches = { [K in keyof typeof SWITCHES]?: z.infer<(typeof SWITCHES)[K]['parameters']> };

/** All kinds of both sorts, by name. */
export const KINDS: Record<string, Kind> = { ...EVENTS, ...SWITCHES };
