/** BigCommerce stores as this process sees them: one token, one pace and one refusal a store, for all of its jobs. */
import type { Dispatcher } from 'undici';
import { type Quota, READ_SIZE } from '../contract/job.ts';
import { type Listed, type ListedCustomer, listedCustomers, noIds, updatedIds } from './answer.ts';
import { type Address, type CallOptions, openLine } from './call.ts';
import { LeaseLost, type Reached, Unavailable } from './errors.ts';
import { openConnections } from './http.ts';
import { type IsolationState, next, type NotTaken, settle, start } from './isolate.ts';
import type { Observer } from './observer.ts';
import type { Tokens } from './tokens.ts';

export type { ListedCustomer } from './answer.ts';
export type { CallOptions, Permit } from './call.ts';
export type { Wait } from './gate.ts';

/** Customers to update. */
export interface CustomerUpdate extends CallOptions {
  /** The body of `PUT /v3/customers`: a JSON array of at most 10 customers with different ids. */
  body: string;
  /** Send only the customers with these ids. */
  only?: number[] | undefined;
  /** Where an earlier attempt with the same `body` and `only` got to. */
  state?: IsolationState | undefined;
  /** Called with plain data whenever customers were settled or split up, and some are left. */
  onState?: ((state: IsolationState) => void) | undefined;
}

/** What became of the customers, by id; each is in exactly one of the lists. */
export interface UpdateOutcome {
  updated: number[];
  /** The store would not take these. */
  rejected: NotTaken[];
  /** Whether the store took these is unknown. */
  failed: NotTaken[];
  /** PUTs written by this attempt. */
  calls: number;
  /** Those of them answered with 429. Always 0, since a 429 throws. */
  throttled: number;
  /** What the API calls the last one in its own logs; undefined where no answer says. */
  requestId: string | undefined;
}

/** One store. All callers in the process share its token, its pace and its refusal. */
export interface Store {
  /** Sends the customers, and finds those that the store rejects. Throws any of errors.ts, with what was reached. */
  updateCustomers(update: CustomerUpdate): Promise<UpdateOutcome>;
  /**
   * The present values of the customers with these ids, at most READ_SIZE: of those that exist, in any order. Throws any of
   * errors.ts, with no calls counted; LeaseLost also where the right to send was lost before the answer was there.
   */
  readCustomers(reading: CallOptions & { ids: number[] }): Promise<ListedCustomer[]>;
  /**
   * Asks the store whether it takes the token, changing nothing. Returns the quota that it tells, if it does. Throws any of
   * errors.ts, with no calls counted.
   */
  checkToken(options: CallOptions): Promise<Quota | null>;
  /** Calls in flight that the pace allows at present, 1 to 3. */
  concurrency(): number;
  /** The longest of the last 100 calls and of those in flight, in ms: as long may a call of ours still run at the store. */
  slowestRecentMs(): number;
}

/** What stores are made from. */
export interface StoresConfig {
  /** What stands before `/stores/`, such as `https://api.bigcommerce.com`. */
  apiUrl: string;
  tokens: Tokens;
  /** Share of each quota that is left to the store's other apps, 0 to 99. */
  quotaReservePercent: number;
  /** Our own version, for the User-Agent. */
  version: string;
  /** Who is told of the calls to the store of this hash. */
  observe: (storeHash: string) => Observer;
}

/** All stores of a process. */
export interface Stores {
  /** The one Store of this hash. */
  get(storeHash: string): Store;
  /** Closes the connections once no call is in flight. */
  close(): Promise<void>;
}

/** Stores that share the connections to their API. */
export function createStores({ apiUrl, tokens, quotaReservePercent, version, observe }: StoresConfig): Stores {
  const { origin, pathname } = new URL(apiUrl);
  const prefix = pathname.replace(/\/+$/, '');
  const connections: Dispatcher = openConnections(origin);
  const userAgent = `bigcommerce-customer-updates/${version}`;
  const stores = new Map<string, Store>();

  return {
    get(storeHash) {
      let store = stores.get(storeHash);
      if (!store) {
        const path = `${prefix}/stores/${storeHash}`;
        const observer = observe(storeHash);
        const address = { storeHash, origin, connections, path, userAgent, tokens, observer };
        store = createStore(address, quotaReservePercent);
        stores.set(storeHash, store);
      }
      return store;
    },
    close: () => connections.close(),
  };
}

interface Customer {
  id: number;
  email?: string;
}

function createStore(address: Address, quotaReservePercent: number): Store {
  const line = openLine(address, quotaReservePercent);

  return {
    async updateCustomers({ body, only, state: earlier, onState, ...options }) {
      const reached: Reached = { calls: 0, throttled: 0, requestId: undefined, state: earlier };
      // An ordinary chunk goes out as it is, and is looked into only once there is an answer.
      const customers = once(() => JSON.parse(body) as Customer[]);
      const pick = (ids: number[]) => customers().filter(({ id }) => ids.includes(id));
      const ids = once(() => (only ? pick(only) : customers()).map(({ id }) => id));
      if (only) reached.state ??= start(ids());

      while (!reached.state || next(reached.state)) {
        const subset = reached.state && next(reached.state);
        const verdict = await line.call(
          {
            method: 'PUT',
            path: '/v3/customers',
            body: subset ? JSON.stringify(pick(subset)) : body,
            needsScope: true,
            ids: updatedIds,
            secrets: () => textsIn(customers()),
          },
          options,
          reached,
        );
        const emailOf = (id: number) => customers().find((customer) => customer.id === id)?.email;
        reached.state = settle(reached.state ?? start(ids()), verdict, emailOf);
        if (next(reached.state)) onState?.(reached.state);
      }
      const { updated, rejected, failed } = reached.state;
      const { calls, throttled, requestId } = reached;
      return { updated, rejected, failed, calls, throttled, requestId };
    },

    async readCustomers({ ids, ...options }) {
      const reached: Reached = { calls: 0, throttled: 0, requestId: undefined, state: undefined };
      const lists: Listed[] = [];
      const read = (body: unknown) => {
        const list = listedCustomers(body);
        if (list) lists.push(list);
        return list?.customers.map(({ id }) => id);
      };
      const query = `id:in=${ids.join(',')}&include=storecredit,formfields&limit=${READ_SIZE}`;
      while (lists.length < (lists.at(-1)?.pages ?? 1)) {
        const path = `/v3/customers?${query}&page=${lists.length + 1}`;
        const request = { method: 'GET', path, body: null, needsScope: true, ids: read, secrets: () => [] } as const;
        const verdict = await line.call(request, options, reached);
        if (verdict.kind === 'isolate') throw new Unavailable(verdict.message, undefined, reached);
      }
      try {
        // Of what comes later, the next holder may have changed something.
        options.permit.check();
      } catch (error) {
        throw new LeaseLost(`The lease of the store does not hold: ${(error as Error).message}`, reached);
      }
      return lists.flatMap(({ customers }) => customers).filter(({ id }) => ids.includes(id));
    },

    async checkToken(options) {
      const reached: Reached = { calls: 0, throttled: 0, requestId: undefined, state: undefined };
      const asks = { method: 'GET', path: '/v2/time', body: null, needsScope: false } as const;
      const request = { ...asks, ids: noIds, secrets: () => [] };
      const verdict = await line.call(request, options, reached);
      // Nothing was sent that could be at fault.
      if (verdict.kind === 'isolate') throw new Unavailable(verdict.message, undefined, reached);
      return line.quota();
    },

    concurrency: line.concurrency,
    slowestRecentMs: line.slowestRecentMs,
  };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** All texts in a value that are long enough to be recognised when the store quotes them. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return value.length >= 3 ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
