/** The rate-limit headers of an answer. They come in lower case, on errors too; whatever is not a number is unknown. */

/** Header values by lower-case name, as undici and node:http return them. */
export type Headers = Record<string, string | string[] | undefined>;

/** What a store says about its quota, which all of its apps share. */
export interface RateLimit {
  /** Requests per window. */
  quota: number;
  /** Requests left in this window. */
  left: number;
  windowMs: number;
  /** From the answer to the end of the window. */
  resetMs: number;
}

// Windows are 30 s today and were 5 s in older stores; more than an hour is a mistake rather than a wait.
const MAX_WAIT_MS = 3_600_000;

// More digits than any quota has; with hundreds of digits a number would be infinite.
const NUMBER = /^\d{1,12}(\.\d{1,12})?$/;

function readNumber(headers: Headers, name: string): number | undefined {
  const value = headers[name];
  return typeof value === 'string' && NUMBER.test(value) ? Number(value) : undefined;
}

function readMs(headers: Headers, name: string, unitMs: number): number | undefined {
  const value = readNumber(headers, name);
  return value !== undefined && value * unitMs <= MAX_WAIT_MS ? value * unitMs : undefined;
}

/** The quota headers; undefined, which means unknown rather than zero, unless all four make sense. */
export function readRateLimit(headers: Headers): RateLimit | undefined {
  const quota = readNumber(headers, 'x-rate-limit-requests-quota');
  const left = readNumber(headers, 'x-rate-limit-requests-left');
  const windowMs = readMs(headers, 'x-rate-limit-time-window-ms', 1);
  const resetMs = readMs(headers, 'x-rate-limit-time-reset-ms', 1);
  if (!quota || left === undefined || !windowMs || resetMs === undefined) return undefined;
  return { quota, left, windowMs, resetMs };
}

/** `x-retry-after`, sent in seconds, in ms. */
export function readRetryAfterMs(headers: Headers): number | undefined {
  return readMs(headers, 'x-retry-after', 1_000);
}

/** How long a 429 asks to wait, in ms: the longer of `x-retry-after` and the reset. */
export function readThrottleMs(headers: Headers): number | undefined {
  const waits = [readRetryAfterMs(headers), readMs(headers, 'x-rate-limit-time-reset-ms', 1)];
  const known = waits.filter((wait) => wait !== undefined);
  return known.length > 0 ? Math.max(...known) : undefined;
}

/**
 * `x-request-id`, by which whoever runs the API finds a call in its own logs. A guess, because BigCommerce documents no
 * such header. Undefined if an answer has none, or has one that does not look like an id.
 */
export function readRequestId(headers: Headers): string | undefined {
  const id = headers['x-request-id'];
  return typeof id === 'string' && /^[\w.:+/=-]{1,100}$/.test(id) ? id : undefined;
}
