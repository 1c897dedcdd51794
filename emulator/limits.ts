/** Requests that a store takes at a time, for `PUT /v3/customers`. */
const CONCURRENCY = 3;

/** How long to stay away after too many requests at a time, in seconds. A guess: no figure is published. */
const CONCURRENCY_RETRY_AFTER = 1;

/** What another app of the store uses: slots of the three, and requests from every window's quota. */
interface OtherApp {
  slots: number;
  quota: number;
}

/**
 * The limits of one store: three requests at a time, and a quota of requests per fixed window. A window starts with the
 * first request after the previous one ended. Times are in milliseconds of a monotonic clock.
 */
export class Limits {
  readonly #quota: number | null;
  readonly #window: number;
  #windowEnd = -Infinity;
  #used = 0;
  #otherApp: OtherApp = { slots: 0, quota: 0 };

  /** `quota` is null for a plan without one, for which the API sends no headers. */
  constructor(quota: number | null, window: number) {
    this.#quota = quota;
    this.#window = window;
  }

  /** Whether `inFlight` requests are more than the store takes at a time. */
  isCrowded(inFlight: number, otherApp: OtherApp): boolean {
    return inFlight > CONCURRENCY - otherApp.slots;
  }

  /**
   * Counts a request that arrived at `now` as one of `inFlight` requests. Returns how many seconds to stay away if it
   * is over a limit, otherwise 0.
   */
  admit(now: number, inFlight: number, otherApp: OtherApp): number {
    this.#otherApp = otherApp;
    if (now >= this.#windowEnd) {
      this.#windowEnd = now + this.#window;
      this.#used = 0;
    }
    this.#used++;
    if (this.#quota !== null && this.#used > this.#quota - otherApp.quota) {
      return Math.ceil((this.#windowEnd - now) / 1000);
    }
    return this.isCrowded(inFlight, otherApp) ? CONCURRENCY_RETRY_AFTER : 0;
  }

  /** Milliseconds until the quota is full again. */
  resetIn(now: number): number {
    return this.#quota === null ? 0 : Math.max(0, Math.ceil(this.#windowEnd - now));
  }

  /** The headers on every answer of the store. */
  headers(now: number): Record<string, string> {
    if (this.#quota === null) return {};
    const used = now < this.#windowEnd ? this.#used : 0;
    return {
      'x-rate-limit-requests-quota': String(this.#quota),
      'x-rate-limit-requests-left': String(Math.max(0, this.#quota - used - this.#otherApp.quota)),
      'x-rate-limit-time-window-ms': String(this.#window),
      'x-rate-limit-time-reset-ms': String(this.resetIn(now)),
    };
  }
}
