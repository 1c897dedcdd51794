/** The counters of a store, and what each says; all since the start or the last reset. */
export const STATS = {
  requests: 'requests that arrived, of every kind',
  puts: 'PUTs among them',
  gets: 'GETs among them',
  byStatus: 'requests answered, by status: {"200": n, …}',
  unanswered:
    'requests that ended without a whole answer: the client left, or a fault cut it. requests = answered + unanswered + inFlight',
  inFlight: 'requests that arrived and were neither answered nor lost their connection',
  maxInFlight: 'the most there were of those at any time; a client that keeps the limit never passes 3',
  throttled429: 'answers 429, those of faults too',
  callsAfterThrottle: 'requests that arrived while the store had told everybody to stay away, from 100 ms after it did',
  firstRequestAt: 'ISO time, or null',
  lastRequestAt: 'ISO time, or null',
  customersApplied: 'customers updated, each counted as often as it was',
  customersUpdatedDistinct: 'different customers among them',
  customersAppliedMoreThanOnce: 'customers among those that were updated more than once',
  customersRead: 'customers that GETs listed, each counted as often as it was',
};

// Requests that were on their way when the 429 left are nobody's fault.
const GRACE_MS = 100;

const zero = () => ({
  requests: 0,
  puts: 0,
  gets: 0,
  byStatus: {} as Record<string, number>,
  unanswered: 0,
  throttled429: 0,
  callsAfterThrottle: 0,
  firstRequestAt: null as string | null,
  lastRequestAt: null as string | null,
});

/** A request that was counted in. */
interface Arrival {
  /**
   * Requests in flight when it arrived, itself included; without those that have lost their connection since, for it
   * was closed before or might have been.
   */
  inFlight(): number;
  /** Counts it out: with the status it is answered with, or without a whole answer. Only the first call counts. */
  ended(status?: number): void;
}

/** Counts the requests at one store. Times are in milliseconds of a monotonic clock. */
export class Stats {
  #counts = zero();
  #inFlight = 0;
  /** Requests that ended without an answer since the start. */
  #lost = 0;
  #maxInFlight = 0;
  #stayAway = { from: Infinity, until: -Infinity };

  /** Counts a request in. */
  arrive(method: string | undefined, now: number): Arrival {
    const counts = this.#counts;
    counts.requests++;
    if (method === 'PUT') counts.puts++;
    if (method === 'GET') counts.gets++;
    if (now > this.#stayAway.from && now < this.#stayAway.until) counts.callsAfterThrottle++;
    counts.lastRequestAt = new Date().toISOString();
    counts.firstRequestAt ??= counts.lastRequestAt;
    const inFlight = ++this.#inFlight;
    const lost = this.#lost;
    let open = true;
    const ended = (status?: number) => {
      if (!open) return;
      open = false;
      this.#inFlight--;
      if (status === undefined) {
        this.#lost++;
        counts.unanswered++;
      } else {
        counts.byStatus[status] = (counts.byStatus[status] ?? 0) + 1;
      }
      if (status === 429) counts.throttled429++;
    };
    return { ended, inFlight: () => inFlight - (this.#lost - lost) };
  }

  /** Notes that so many requests were in flight. */
  saw(inFlight: number): void {
    this.#maxInFlight = Math.max(this.#maxInFlight, inFlight);
  }

  /** Notes that a client was told to stay away for `wait` ms. */
  toldToStayAway(now: number, wait: number): void {
    const { from, until } = this.#stayAway;
    this.#stayAway = { from: now < until ? from : now + GRACE_MS, until: Math.max(until, now + wait) };
  }

  /** Back to zero; requests in flight stay in flight, but are not counted otherwise. */
  reset(): void {
    this.#counts = zero();
    this.#maxInFlight = this.#inFlight;
    this.#stayAway = { from: Infinity, until: -Infinity };
  }

  report(): object {
    return { ...this.#counts, inFlight: this.#inFlight, maxInFlight: this.#maxInFlight };
  }
}
