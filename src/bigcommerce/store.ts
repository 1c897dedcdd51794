import type { Quota } from '../contract/dry-run.ts';
import { anyObject, type AttributeDefinition, listedAttributes, listedGroups } from './answer.ts';
import { Attempt, type CallOptions, type Tally } from './attempt.ts';
import { type Request, StoreCalls, type StoresConfig } from './calls.ts';
import { Unavailable } from './errors.ts';
import {
  byEmail,
  byId,
  Finder,
  type Found,
  type FoundValues,
  isId,
  type Question,
  type Unusable,
  valuesOf,
} from './find.ts';
import { applyAnswer, applySilence, type Fates, type IsolationState, next, start, takesTens } from './isolate.ts';
import { fatesOf, hasAttributes, inCalls, type Part, rowsIn } from './parts.ts';
import { type Asking, Sender } from './send-rows.ts';

export type { CallOptions, Permit, Tally } from './attempt.ts';
export type { AttributeDefinition } from './answer.ts';
export type { Found, FoundValues } from './find.ts';
export type { Wait } from './gate.ts';

export interface CustomerUpdate extends CallOptions {
  /**
   * The body of `PUT /v3/customers`: a JSON array of at most 10 customers with different ids. Some may have `attributes`,
   * values by the attribute's id, which go to their own endpoint: null removes one.
   */
  body: string;
  /** Send only the customers with these ids. */
  only?: number[] | undefined;
  /** If no answer comes, send the customers one by one: the store may fail because of one of them. */
  apart?: boolean | undefined;
  /** Send at most ten attribute values a call. */
  tensOfValues?: boolean | undefined;
  /** How far an earlier attempt with the same `body` and `only` got. */
  state?: IsolationState<Part> | undefined;
  /** Called with plain data whenever something was settled or split up, and something is left. */
  onState?: ((state: IsolationState<Part>) => void) | undefined;
}

export interface UpdateOutcome extends Fates, Pick<Attempt, 'requestId'>, Pick<Tally, 'calls'> {
  /** The store takes no more than ten attribute values a call. */
  tensOfValues?: true;
}

/** How customers are to be found. */
export interface Finding<K, F = Found> extends CallOptions {
  onFound?: ((key: K, found: F) => void) | undefined;
}

/** Most items in one answer of a list. */
const READ_SIZE = 250;

/** So many calls in a row without an answer are enough for one attempt, whoever is left. */
const MAX_SILENT = 3;

/** BigCommerce's limit: more pages than its list can have. */
const MAX_ATTRIBUTES = 50;

/** Far more customer groups than a store has: BigCommerce states no limit. */
const MAX_GROUPS = 10_000;

/** One store. All callers in the process share its token, its pace and its last refusal. */
export class Store {
  readonly #calls: StoreCalls;
  /** It has shown that it takes no more attribute values a call. */
  #tensOfValues = false;

  constructor(storeHash: string, config: StoresConfig) {
    this.#calls = new StoreCalls(storeHash, config);
  }

  /** Sends the customers, and finds those that the store rejects. Throws any of errors.ts, with what was reached. */
  async updateCustomers(update: CustomerUpdate): Promise<UpdateOutcome> {
    const { body, only, apart = false, tensOfValues = false, state, onState, ...options } = update;
    const attempt = new Attempt(options, state);
    // An ordinary chunk goes out as it is, and is only parsed once there is an answer.
    const rows = once(() => rowsIn(body).filter(({ id }) => only?.includes(id) ?? true));
    const calls = once(() => inCalls(rows(), tensOfValues || this.#tensOfValues));
    const emailOf = (id: number) => rows().find((row) => row.id === id)?.email;
    const sender = new Sender(rows, this.#asking(attempt), attempt);
    if (only || hasAttributes(body)) attempt.state ??= start(...calls());

    const silent = new Set<Part>();
    let silentInRow = 0;
    while (!attempt.state || next(attempt.state)) {
      const subset = attempt.state && next(attempt.state);
      try {
        const answer = await (subset ? sender.send(subset) : sender.sendFields(body));
        attempt.state = applyAnswer(attempt.state ?? start(...calls()), answer, emailOf);
        silentInRow = 0;
      } catch (error) {
        if (!apart || !(error instanceof Unavailable)) throw error;
        attempt.state ??= start(...calls());
        const sent = next(attempt.state) ?? [];
        if (sent.length === 1) silent.add(sent[0] as Part);
        attempt.state = applySilence(attempt.state);
        if (++silentInRow >= MAX_SILENT || next(attempt.state)?.every((part) => silent.has(part))) throw error;
      }
      if (next(attempt.state)) onState?.(attempt.state);
    }
    this.#tensOfValues ||= takesTens(attempt.state);
    return {
      ...fatesOf(attempt.state, rows()),
      calls: attempt.tally.calls,
      requestId: attempt.requestId,
      ...(this.#tensOfValues && hasAttributes(body) && { tensOfValues: true }),
    };
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

  /** The values that customers have of these attributes, by the customer's id, for ids that can be; else as findById. */
  async findAttributeValues({
    customers,
    attributes,
    ...options
  }: Finding<number, FoundValues> & { customers: readonly number[]; attributes: readonly number[] }): Promise<
    Map<number, FoundValues>
  > {
    const those = attributes.filter(isId);
    // A filter with nothing in it would list everything.
    return those.length > 0 ? this.#find(valuesOf(customers, those), options) : new Map<number, FoundValues>();
  }

  /** The attributes of customers that the store defines. Throws any of errors.ts, with no calls counted. */
  async readAttributes(options: CallOptions): Promise<AttributeDefinition[]> {
    const attempt = new Attempt(options);
    const attributes: AttributeDefinition[] = [];
    for (let page = 1, pages = 1; page <= pages && page <= MAX_ATTRIBUTES; page++) {
      const path = `/v3/customers/attributes?limit=${READ_SIZE}&page=${page}`;
      const listed = await this.#get(path, { read: listedAttributes }, attempt);
      attributes.push(...listed.items);
      ({ pages } = listed);
    }
    return attributes;
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

  #find<K extends string | number, T extends { id: number }, F>(
    question: Question<K, T, F>,
    { onFound, ...options }: Finding<K, NoInfer<F> | Unusable>,
    attempt = new Attempt(options),
  ): Promise<Map<K, F | Unusable>> {
    const { path, read, more } = question;
    const ask = (filter: string, page: number, secrets: () => string[]) => {
      const url = `${path}?${filter}&${more}&limit=${READ_SIZE}&page=${page}`;
      const reading = { read, asksForSeveral: true, secrets } as const;
      return this.#calls.call({ method: 'GET', path: url, body: null, needsScope: true, ...reading }, attempt);
    };
    return new Finder(question, ask, attempt, onFound).findAll();
  }

  #asking(attempt: Attempt): Asking {
    return {
      call: (request) => this.#calls.call(request, attempt),
      customers: (ids, secrets) => this.#find({ ...byId(ids), secrets }, attempt.options, attempt),
      values: (ids, attributes, secrets) =>
        this.#find({ ...valuesOf(ids, attributes), secrets }, attempt.options, attempt),
    };
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
