/** The counters of a store, and what each counts; all since the start or the last reset. */
export const STATS = {
  requests: 'requests that arrived, of any kind',
  puts: 'PUTs among them',
  gets: 'GETs among them',
  deletes: 'DELETEs among them',
  byCall: 'those that the store knows, by what they ask for: {"PUT /v3/customers": n, …}',
  byStatus: 'requests answered, by status: {"200": n, …}',
  unanswered:
    'requests that ended without a whole answer: the client left, or a fault cut it off. ' +
    'requests = answered + unanswered + inFlight',
  inFlight: 'requests that have arrived and have neither been answered nor lost their connection',
  maxInFlight: 'the most of those at any time; a client that respects the limit never exceeds 3',
  throttled429: 'answers with 429, including those from faults',
  longestUrl: 'the most bytes of path and query that a request had',
  callsAfterThrottle: 'requests that arrived while clients had been told to stay away, from 100 ms after that',
  firstRequestAt: 'ISO time, or null',
  lastRequestAt: 'ISO time, or null',
  customersApplied: 'customers updated, each counted every time',
  customersUpdatedDistinct: 'different customers among them',
  customersAppliedMoreThanOnce: 'customers among those updated more than once',
  customersRead: 'customers listed by GETs, each counted every time',
  valuesApplied: 'attribute values set, each counted every time',
  valuesRemoved: 'attribute values removed',
  valuesRead: 'attribute values listed by GETs, each counted every time',
};

// Requests already on their way when the 429 was sent are nobody's fault.
const GRACE_MS = 100;

const zero = () => ({
  requests: 0,
  puts: 0,
  gets: 0,
  deletes: 0,
  byCall: {} as Record<string, number>,
  byStatus: {} as Record<string, number>,
  unanswered: 0,
  throttled429: 0,
  longestUrl: 0,
  callsAfterThrottle: 0,
  firstRequestAt: null as string | null,
  lastRequestAt: null as string | null,
});

/** A request that was counted in. */
interface Arrival {
  /**
   * Requests in flight when it arrived, itself included, but not those that have lost their connection since: that may
   * have been closed before.
   */
  inFlight(): number;
  /** Ends it: with the status of its answer, or with none if it gets no whole answer. Only the first call counts. */
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

  /** Counts a request that arrives. */
  arrive({ method, url = '' }: { method?: string | undefined; url?: string | undefined }, now: number): Arrival {
    const counts = this.#counts;
    counts.requests++;
    if (method === 'PUT') counts.puts++;
    if (method === 'GET') counts.gets++;
    if (method === 'DELETE') counts.deletes++;
    counts.longestUrl = Math.max(counts.longestUrl, url.length);
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

  /** Notes what a request asks for, such as `PUT /v3/customers`. */
  asked(call: string): void {
    this.#counts.byCall[call] = (this.#counts.byCall[call] ?? 0) + 1;
  }

  /** Notes how many requests were in flight. */
  saw(inFlight: number): void {
    this.#maxInFlight = Math.max(this.#maxInFlight, inFlight);
  }

  /** Notes that a client was told to stay away for `wait` ms. */
  toldToStayAway(now: number, wait: number): void {
    const { from, until } = this.#stayAway;
    this.#stayAway = { from: now < until ? from : now + GRACE_MS, until: Math.max(until, now + wait) };
  }

  /** Back to zero; requests in flight stay in flight, but count nowhere else. */
  reset(): void {
    this.#counts = zero();
    this.#maxInFlight = this.#inFlight;
    this.#stayAway = { from: Infinity, until: -Infinity };
  }

  report(): object {
    return { ...this.#counts, inFlight: this.#inFlight, maxInFlight: this.#maxInFlight };
  }
}
