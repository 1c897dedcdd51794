import { Attributes, type Definition } from './attributes.ts';
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
  /** The most customers, groups or values on a page of a list, whatever `limit` asks for. */
  pageSize: number;
}

/** A customer group. Two may have the same name. */
export interface Group {
  id: number;
  name: string;
}

const GROUPS: Group[] = [
  { id: 1, name: 'Wholesale' },
  { id: 2, name: 'Retail' },
  { id: 3, name: 'VIP' },
];
const CHANNELS = [1, 2];
const DEFINITIONS: Definition[] = [
  { id: 1, name: 'Loyalty Tier', type: 'string' },
  { id: 2, name: 'Points', type: 'number' },
  { id: 3, name: 'Member Since', type: 'date' },
];

/** One store: who may call it, its customers with their groups, channels and attributes, its limits, and its counters. */
export class Store {
  readonly hash: string;
  readonly stats = new Stats();
  readonly #token: string;
  readonly #options: StoreOptions;
  token!: string;
  /** Whether the token has the scope that the calls need. */
  scope!: boolean;
  customers!: Customers;
  groups!: Group[];
  attributes!: Attributes;
  /** The attributes that it has defined. */
  definitions!: Definition[];
  /** The ids of its channels, of which each has storefronts of its own. */
  channels!: number[];
  limits!: Limits;

  constructor(hash: string, token: string, options: StoreOptions) {
    this.hash = hash;
    this.#token = token;
    this.#options = options;
    this.reset();
  }

  get pageSize(): number {
    return this.#options.pageSize;
  }

  /** Puts everything back as at the start, apart from requests in flight. */
  reset(): void {
    this.token = this.#token;
    this.scope = true;
    this.customers = new Customers(this.#options.customers);
    this.groups = GROUPS;
    this.attributes = new Attributes();
    this.definitions = DEFINITIONS;
    this.channels = CHANNELS;
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
      valuesApplied: this.attributes.count.applied,
      valuesRemoved: this.attributes.count.removed,
      valuesRead: this.attributes.count.read,
    };
  }
}
