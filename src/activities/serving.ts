import { Context } from '@temporalio/activity';

/**
 * How long a process that had no place left counts as full, in ms. On a busy machine the next store takes a place only some
 * seconds after it was given back, and until then the other idle ones would wait for their minute.
 */
const FULL_MS = 10_000;

/**
 * The stores that this process serves, and the order in which it stops: first their queues are drained, then the
 * process stops its other work, then the leases are handed over.
 */
export class Serving {
  readonly #places: number;
  readonly #now: () => number;
  #fullAt = -Infinity;
  readonly #draining = new AbortController();
  readonly #handOver = new AbortController();
  readonly #drains = new Map<string, Promise<void>>();

  /** `places`: how many stores this process serves at once, at most. */
  constructor(places: number, now = () => performance.now()) {
    this.#places = places;
    this.#now = now;
  }

  /** Whether no place is left, or was a moment ago: another store that needs one may be waiting. */
  get isFull(): boolean {
    this.#noteFull();
    return this.#now() - this.#fullAt < FULL_MS;
  }

  #noteFull(): void {
    if (this.#drains.size >= this.#places) this.#fullAt = this.#now();
  }

  /** Aborts when the queues are to be drained: nothing new is sent, and what is in flight finishes. */
  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  /** Aborts when drained leases are to be handed over. */
  get handingOver(): AbortSignal {
    return this.#handOver.signal;
  }

  /**
   * Runs `serve` for a store, once an earlier attempt of this process for the same store has ended: a process may have
   * only one Worker on a queue. `serve` settles when the queue is drained.
   */
  async serve<T>(storeHash: string, serve: () => Promise<T>): Promise<T> {
    const earlier = this.#drains.get(storeHash);
    const served = (earlier ?? Promise.resolve()).then(serve);
    const drained = served.then(
      () => undefined,
      () => undefined,
    );
    this.#drains.set(storeHash, drained);
    try {
      return await served;
    } finally {
      this.#noteFull();
      if (this.#drains.get(storeHash) === drained) this.#drains.delete(storeHash);
    }
  }

  /** Drains all queues; resolves when nothing is in flight. */
  async drain(): Promise<void> {
    this.#draining.abort();
    await Promise.all(this.#drains.values());
  }

  /** Gives the leases back. */
  handOver(): void {
    this.#handOver.abort();
  }
}

/** How long a job counts as being served after its last activity. */
const RECENT_MS = 60_000;

/** What a queue is being used for, and by which jobs. */
export class QueueUsage {
  #running = 0;
  /** Whether the activity that ended last has failed, and so will be retried. */
  isOwedRetry = false;
  readonly #servedAt = new Map<string, number>();
  #idleSince = performance.now();

  async during<T>(run: () => Promise<T>): Promise<T> {
    this.#running++;
    this.#servedAt.set(Context.current().info.workflowExecution?.workflowId ?? '', performance.now());
    this.isOwedRetry = true;
    try {
      const result = await run();
      this.isOwedRetry = false;
      return result;
    } finally {
      this.#running--;
      this.#idleSince = performance.now();
    }
  }

  /** Workflow ids of the jobs that have used it in the last minute. */
  jobs(): string[] {
    const since = performance.now() - RECENT_MS;
    for (const [job, at] of this.#servedAt) if (at < since) this.#servedAt.delete(job);
    return [...this.#servedAt.keys()];
  }

  /** How long nothing has been running, in ms. */
  idleMs(): number {
    return this.#running > 0 ? 0 : performance.now() - this.#idleSince;
  }
}
