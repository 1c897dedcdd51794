import { setTimeout as sleep } from 'node:timers/promises';
import type { Permit } from '../bigcommerce/store.ts';

/** How often a lease is renewed. */
const RENEW_MS = 2_000;

/** A renewal that takes longer counts as failed. */
export const RENEWAL_DEADLINE_MS = 1_500;

/** The lease ends this long before the server would give it to another process. */
const MARGIN_MS = 1_000;

/** How a lease is renewed. */
export interface LeaseOptions {
  /** The activity's heartbeat timeout: how long after a renewal the server gives the lease away. */
  timeoutMs: number;
  /** Renews it at the server; `renewed` only if the server has confirmed that, `gone` if the lease is lost. */
  renew(): Promise<'renewed' | 'gone'>;
  /** Clocks in ms, any of which may end the lease. Default: the monotonic clock and the time of day. */
  clocks?: readonly (() => number)[];
}

/** The monotonic clock stops while the machine is suspended; the time of day may be set back. */
const CLOCKS = [() => performance.now(), () => Date.now()];

/**
 * The right to serve a store's queue, fenced: a process that is frozen or cut off does not learn that it lost the
 * lease, so it may send only as long as the last renewal that the server confirmed keeps others out.
 *
 * Invariant: `check` passes only until (time of sending the last confirmed renewal + heartbeat timeout − margin).
 */
export class Lease {
  readonly #options: LeaseOptions;
  readonly #clocks: readonly (() => number)[];
  readonly #lost = new AbortController();
  /** One time for each clock. */
  #validUntil: number[];
  #expiry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#clocks = options.clocks ?? CLOCKS;
    this.#validUntil = this.#clocks.map(() => -Infinity);
  }

  /** Aborts when the lease is lost, with the reason. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** What calls need from the lease. */
  permit(draining: AbortSignal): Permit {
    return { lost: this.lost, draining, check: () => this.check() };
  }

  /** Throws unless a request may be sent right now. */
  check(): void {
    // In a process that was frozen the timer is late: the clocks decide.
    if (this.#validForMs() <= 0) this.#lose('it was not renewed in time');
    this.lost.throwIfAborted();
  }

  /** Renews once. Throws if the lease is lost. */
  async renew(): Promise<void> {
    const sentAt = this.#clocks.map((now) => now());
    const answer = await this.#options.renew();
    if (answer === 'gone') this.#lose('the server gave it to another attempt');
    this.lost.throwIfAborted();
    if (this.#stopped) return;
    this.#validUntil = sentAt.map((ms) => ms + this.#options.timeoutMs - MARGIN_MS);
    clearTimeout(this.#expiry);
    this.#expiry = setTimeout(() => this.#lose('it was not renewed in time'), this.#validForMs());
  }

  /** Renews until `stop`, or until the lease is lost. A failed renewal is retried while the lease is valid. */
  async keep(): Promise<void> {
    while (!this.#stopped && !this.lost.aborted) {
      await this.renew().catch(() => undefined);
      await sleep(RENEW_MS, undefined, { signal: this.lost, ref: false }).catch(() => undefined);
    }
  }

  /** Ends the renewals: from now on nothing may be sent. */
  stop(): void {
    this.#stopped = true;
    this.#validUntil = this.#clocks.map(() => -Infinity);
    clearTimeout(this.#expiry);
  }

  #validForMs(): number {
    return Math.min(...this.#clocks.map((now, index) => (this.#validUntil[index] as number) - now()));
  }

  #lose(why: string): void {
    clearTimeout(this.#expiry);
    if (!this.lost.aborted) this.#lost.abort(new Error(`The lease of the store's queue is lost: ${why}.`));
  }
}
