import { z } from 'zod';
import type { Fault, Switches } from './fault-kinds.ts';
import { KINDS, SWITCHES } from './fault-kinds.ts';
import { read, whole } from './input.ts';

/** When a switch is on, or an event may happen. */
interface Scope {
  /** Null: every store. */
  store: string | null;
  /** In milliseconds of a monotonic clock. */
  until: number;
}

interface Event extends Scope {
  fault: Fault;
  on: 'put' | 'get' | 'all';
  /** Matching requests that still pass first. */
  after: number;
  /** Requests still to hit; null: all. */
  count: number | null;
  probability: number;
  /** Only calls that contain this customer: PUTs and DELETEs that change it, GETs that list it. Null: any request. */
  customer: number | null;
  /** Only calls to this one, such as `attribute-values`. Null: to any. */
  endpoint: string | null;
  /** Only GETs that ask for this e-mail address, whether or not a customer has it. Null: any request. */
  email: string | null;
}

/** What a request contains, worked out if a fault asks for it. */
export interface Contents {
  /** The last word of its path. */
  endpoint: string;
  /** The ids of its customers. */
  ids(): unknown[];
  /** The addresses in its `email:in`. */
  emails(): string[];
}

interface Switch extends Scope {
  turned: Switches;
}

const ENDPOINTS = ['customers', 'attributes', 'attribute-values', 'customer_groups', 'time'];

const MANY = 1_000_000_000;
const DAY_SECONDS = 86_400;

/** The faults that were requested, and which of them a request meets. */
export class Faults {
  #events: Event[] = [];
  #switches: Switch[] = [];

  /** Adds what `POST /_control/faults` sends, or throws BadInput and adds nothing. `hashes`: the stores there are. */
  add(input: unknown, hashes: string[]): void {
    const added = (Array.isArray(input) ? input : [input]).map((item) => readFault(item, hashes));
    for (const item of added) {
      if ('turned' in item) this.#switches.push(item);
      else this.#events.push(item);
    }
  }

  /** Ends the faults of one store, or all of them without a hash. */
  clear(hash?: string): void {
    const stays = ({ store }: Scope) => hash !== undefined && store !== hash;
    this.#events = this.#events.filter(stays);
    this.#switches = this.#switches.filter(stays);
  }

  /** The switches of a store; of two of the same kind the later one counts. */
  switches(hash: string): Switches {
    const on = this.#switches.filter((scope) => holds(scope, hash)).map(({ turned }) => turned);
    return Object.assign({}, ...on) as Switches;
  }

  /** Uses up the fault that this request meets, if any: the oldest that applies. A DELETE counts as a PUT. */
  take(hash: string, method: 'PUT' | 'GET', contents: Contents): Fault | undefined {
    let taken: Event | undefined;
    for (const event of this.#events) {
      if (!holds(event, hash) || (event.on !== 'all' && event.on.toUpperCase() !== method)) continue;
      if (event.customer !== null && !contents.ids().includes(event.customer)) continue;
      if (event.endpoint !== null && event.endpoint !== contents.endpoint) continue;
      if (event.email !== null && !contents.emails().includes(event.email)) continue;
      if (event.after > 0) event.after--;
      else if (!taken && Math.random() < event.probability) taken = event;
    }
    if (taken?.count) taken.count--;
    this.#events = this.#events.filter(({ count, until }) => count !== 0 && performance.now() < until);
    return taken?.fault;
  }
}

const holds = ({ store, until }: Scope, hash: string): boolean =>
  (store === null || store === hash) && performance.now() < until;

function readFault(item: unknown, hashes: string[]): Event | Switch {
  const { fault: kind } = read('a fault', item, z.looseObject({ fault: z.enum(Object.keys(KINDS)) }));
  const { parameters } = KINDS[kind] as (typeof KINDS)[string];
  const anyKind = {
    fault: z.string(),
    store: z.enum(hashes).optional(),
    seconds: z.number().min(0).max(DAY_SECONDS).optional(),
  };
  const scope = (store: string | undefined, seconds = Infinity): Scope => ({
    store: store ?? null,
    until: performance.now() + seconds * 1000,
  });
  if (Object.hasOwn(SWITCHES, kind)) {
    const { fault, store, seconds, ...given } = read(kind, item, z.strictObject({ ...parameters.shape, ...anyKind }));
    return { ...scope(store, seconds), turned: { [fault]: given } };
  }
  const event = z.strictObject({
    ...parameters.shape,
    ...anyKind,
    on: z.enum(['put', 'get', 'all']).optional(),
    after: whole(0, MANY).default(0),
    count: z
      .union([whole(1, MANY), z.enum(['always']), z.null()], { error: `expected 1 to ${MANY}, "always" or null` })
      .optional(),
    probability: z.number().min(0).max(1).optional(),
    customer: whole(1, MANY).optional(),
    email: z.string().optional(),
    endpoint: z.enum(ENDPOINTS).optional(),
  });
  const { store, seconds, on, after, count, probability, customer, email, endpoint, ...fault } = read(
    kind,
    item,
    event,
  );
  const lasting = seconds !== undefined || probability !== undefined;
  const most = count === undefined && !lasting ? 1 : (count ?? null);
  return {
    ...scope(store, seconds),
    fault: fault as Fault,
    on: on ?? (kind === 'suspended' ? 'all' : email === undefined ? 'put' : 'get'),
    after,
    count: most === 'always' ? null : most,
    probability: probability ?? 1,
    customer: customer ?? null,
    email: email ?? null,
    endpoint: endpoint ?? null,
  };
}
