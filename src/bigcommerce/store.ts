import type { Quota } from '../contract/dry-run.ts';
import { anyObject, listedCustomers, listedGroups, updatedIds } from './answer.ts';
import { Attempt, type CallOptions, type Tally } from './attempt.ts';
import { type Request, StoreCalls, type StoresConfig } from './calls.ts';
import { Unavailable } from './errors.ts';
import { byEmail, byId, type Found, Finder, type Question } from './find.ts';
import { applyAnswer, applySilence, type Fates, type IsolationState, next, start } from './isolate.ts';

export type { CallOptions, Permit, Tally } from './attempt.ts';
export type { Found } from './find.ts';
export type { Wait } from './gate.ts';

export interface CustomerUpdate extends CallOptions {
  /** The body of `PUT /v3/customers`: a JSON array of at most 10 customers with different ids. */
  body: string;
  /** Send only the customers with these ids. */
  only?: number[] | undefined;
  /** If no answer comes, send the customers one by one: the store may fail because of one of them. */
  apart?: boolean | undefined;
  /** How far an earlier attempt with the same `body` and `only` got. */
  state?: IsolationState | undefined;
  /** Called with plain data whenever customers were settled or split up, and some are left. */
  onState?: ((state: IsolationState) => void) | undefined;
}

export interface UpdateOutcome extends Fates, Pick<Attempt, 'requestId'>, Pick<Tally, 'calls'> {}

/** How customers are to be found. */
export interface Finding<K> extends CallOptions {
  onFound?: ((key: K, found: Found) => void) | undefined;
}

interface Customer {
  id: number;
  email?: string;
}

/** Most items in one answer of a list. */
const READ_SIZE = 250;

/** So many calls in a row without an answer are enough for one attempt, whoever is left. */
const MAX_SILENT = 3;

/** Far more customer groups than a store has: BigCommerce states no limit. */
const MAX_GROUPS = 10_000;

/** One store. All callers in the process share its token, its pace and its last refusal. */
export class Store {
  readonly #calls: StoreCalls;

  constructor(storeHash: string, config: StoresConfig) {
    this.#calls = new StoreCalls(storeHash, config);
  }

  /** Sends the customers, and finds those that the store rejects. Throws any of errors.ts, with what was reached. */
  async updateCustomers(update: CustomerUpdate): Promise<UpdateOutcome> {
    const { body, only, apart = false, state, onState, ...options } = update;
    const attempt = new Attempt(options, state);
    // An ordinary chunk goes out as it is, and is only parsed once there is an answer.
    const customers = once(() => JSON.parse(body) as Customer[]);
    const pick = (ids: number[]) => customers().filter(({ id }) => ids.includes(id));
    const ids = once(() => (only ? pick(only) : customers()).map(({ id }) => id));
    const emailOf = (id: number) => customers().find((customer) => customer.id === id)?.email;
    if (only) attempt.state ??= start(ids());

    const silent = new Set<number>();
    let silentInRow = 0;
    while (!attempt.state || next(attempt.state)) {
      const subset = attempt.state && next(attempt.state);
      const request: Request<number[]> = {
        method: 'PUT',
        path: '/v3/customers',
        body: subset ? JSON.stringify(pick(subset)) : body,
        needsScope: true,
        read: updatedIds,
        secrets: () => textsIn(customers()),
      };
      try {
        const answer = await this.#calls.call(request, attempt);
        attempt.state = applyAnswer(attempt.state ?? start(ids()), answer, emailOf);
        silentInRow = 0;
      } catch (error) {
        if (!apart || !(error instanceof Unavailable)) throw error;
        const sent = subset ?? ids();
        if (sent.length === 1) silent.add(sent[0] as number);
        attempt.state = applySilence(attempt.state ?? start(ids()));
        if (++silentInRow >= MAX_SILENT || next(attempt.state)?.every((id) => silent.has(id))) throw error;
      }
      if (next(attempt.state)) onState?.(attempt.state);
    }
    const { updated, rejected, failed } = attempt.state;
    return { updated, rejected, failed, calls: attempt.tally.calls, requestId: attempt.requestId };
  }

  /**
   * The customers with these e-mail addresses, any number of them, by addressKey; what is no address is not in the answer.
   * `onFound` is told of each as soon as it is known. Makes one call after another. Throws any of errors.ts.
   */
  findByEmail({ emails, ...options }: Finding<string> & { emails: readonly string[] }): Promise<Map<string, Found>> {
    return this.#find(byEmail(emails), options);
  }

  /** The same for ids, by id. */
  findById({ ids, ...options }: Finding<number> & { ids: readonly number[] }): Promise<Map<number, Found>> {
    return this.#find(byId(ids), options);
  }

  /** All customer groups of the store. Throws any of errors.ts, with no calls counted. */
  async readGroups(options: CallOptions): Promise<{ id: number; name: string }[]> {
    const attempt = new Attempt(options);
    const groups = new Map<number, { id: number; name: string }>();
    // The list does not say how long it is, and a store may give fewer than it was asked for.
    for (let page = 1, before = -1; groups.size > before; page++) {
      before = groups.size;
      const path = `/v2/customer_groups?page=${page}&limit=${READ_SIZE}`;
      const listed = await this.#get(path, { read: listedGroups, none: [] }, attempt);
      for (const group of listed) groups.set(group.id, group);
      if (groups.size > MAX_GROUPS) throw new Unavailable('The store lists groups without end.', attempt);
    }
    return [...groups.values()];
  }

  /**
   * Asks the store whether it accepts the token, and changes nothing. Returns the quota, if the store states one.
   * Throws any of errors.ts, with no calls counted.
   */
  async checkToken(options: CallOptions): Promise<Quota | null> {
    await this.#get('/v2/time', { read: anyObject }, new Attempt(options), false);
    return this.#calls.quota;
  }

  /** Calls in flight that the pace allows at present, 1 to 3. */
  concurrency(): number {
    return this.#calls.pace.allowed;
  }

  /** The longest of the last 100 calls and of those in flight, in ms: a call of ours may still run that long. */
  slowestRecentMs(): number {
    return this.#calls.recent.slowestMs();
  }

  #find<K extends string | number>(question: Question<K>, { onFound, ...options }: Finding<K>): Promise<Map<K, Found>> {
    const attempt = new Attempt(options);
    const ask = (filter: string, page: number, secrets: () => string[]) => {
      const path = `/v3/customers?${filter}&include=storecredit,formfields&limit=${READ_SIZE}&page=${page}`;
      const reading = { read: listedCustomers, asksForSeveral: true, secrets } as const;
      return this.#calls.call({ method: 'GET', path, body: null, needsScope: true, ...reading }, attempt);
    };
    return new Finder(question, ask, attempt, onFound).findAll();
  }

  async #get<T>(
    path: string,
    reading: Pick<Request<T>, 'read' | 'none'>,
    attempt: Attempt,
    needsScope = true,
  ): Promise<T> {
    const request: Request<T> = { method: 'GET', path, body: null, needsScope, ...reading, secrets: () => [] };
    const answer = await this.#calls.call(request, attempt);
    // Nothing was sent that could be at fault.
    if (answer.kind === 'isolate') throw new Unavailable(answer.message, attempt);
    return answer.body;
  }
}

export class Stores {
  readonly #config: StoresConfig;
  readonly #stores = new Map<string, Store>();

  constructor(config: StoresConfig) {
    this.#config = config;
  }

  get(storeHash: string): Store {
    const store = this.#stores.get(storeHash) ?? new Store(storeHash, this.#config);
    this.#stores.set(storeHash, store);
    return store;
  }

  /** Closes the connections once no call is in flight. */
  close(): Promise<void> {
    return this.#config.api.close();
  }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** All texts in a value that are long enough to be recognised if the store quotes them. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return value.length >= 3 ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
