import { setTimeout as sleep } from 'node:timers/promises';
import type { Permit } from '../bigcommerce/store.ts';

/** How often a lease is renewed. */
const RENEW_MS = 2_000;

/** How long a renewal may take before it counts as failed. */
export const RENEWAL_DEADLINE_MS = 1_500;

/** The lease ends this much before the server would give it to somebody else. */
const MARGIN_MS = 1_000;

/** What a lease is made of. */
export interface LeaseOptions {
  /** The activity's heartbeat timeout: the server waits that long after a renewal before it gives the lease away. */
  timeoutMs: number;
  /** Renews it at the server. Resolves only when the server has confirmed it; `gone` in the error's stead says it is lost. */
  renew(): Promise<'renewed' | 'gone'>;
  /** Clocks in ms, each of which may end the lease. Default: the monotonic one, and the time of day. */
  clocks?: readonly (() => number)[];
}

/** The monotonic one stands still while the machine is suspended; the time of day may be set back. */
const CLOCKS = [() => performance.now(), () => Date.now()];

/**
 * The right to serve a store's queue, fenced: a process that is frozen or cut off does not learn that it lost the lease,
 * so it may send only for as long as the server is bound by the last renewal that it confirmed.
 *
 * Invariant: `check` passes only until (time of sending the last confirmed renewal + heartbeat timeout − margin).
 */
export class Lease {
  readonly #options: LeaseOptions;
  readonly #clocks: readonly (() => number)[];
  readonly #lost = new AbortController();
  /** By each of the clocks. */
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

  /** What calls need of the lease. */
  permit(draining: AbortSignal): Permit {
    return { lost: this.lost, draining, check: () => this.check() };
  }

  /** Throws unless a request may be sent at this instant. */
  check(): void {
    // The timer is late in a process that was frozen: the clocks decide.
    if (this.#validForMs() <= 0) this.#lose('it was not renewed in time');
    this.lost.throwIfAborted();
  }

  /** Renews once. Throws where the lease is lost. */
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

  /** Renews until `stop`, or until the lease is lost. A renewal that fails is tried again while the lease is valid. */
  async keep(): Promise<void> {
    while (!this.#stopped && !this.lost.aborted) {
      await this.renew().catch(() => undefined);
      await sleep(RENEW_MS, undefined, { signal: this.lost, ref: false }).catch(() => undefined);
    }
  }

  /** Ends the renewals: nothing is sent any more. */
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
