import { Customers } from './customers.ts';
import { Limits } from './limits.ts';
import { Stats } from './stats.ts';

/** The settings of all stores. */
export interface StoreOptions {
  /** Customers in each, with ids from 1. */
  customers: number;
  /** Requests per window; null is an unlimited plan, which sends no rate-limit headers. */
  quota: number | null;
  /** Length of a window, in milliseconds. */
  window: number;
}

/** One store: who may call it, its customers, its limits, and its counters. */
export class Store {
  readonly hash: string;
  readonly stats = new Stats();
  readonly #token: string;
  readonly #options: StoreOptions;
  token!: string;
  /** Whether the token has the scope that the calls need. */
  scope!: boolean;
  customers!: Customers;
  limits!: Limits;

  constructor(hash: string, token: string, options: StoreOptions) {
    this.hash = hash;
    this.#token = token;
    this.#options = options;
    this.reset();
  }

  /** Puts everything back as at the start, apart from requests in flight. */
  reset(): void {
    this.token = this.#token;
    this.scope = true;
    this.customers = new Customers(this.#options.customers);
    this.limits = new Limits(this.#options.quota, this.#options.window);
    this.stats.reset();
  }

  report(): object {
    const { total, distinct, repeated } = this.customers.written;
    return {
      ...this.stats.report(),
      customersApplied: total,
      customersUpdatedDistinct: distinct,
      customersAppliedMoreThanOnce: repeated,
      customersRead: this.customers.read,
    };
  }
}
