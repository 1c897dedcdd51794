import type { Check } from './checks.ts';
import { BadInput, checked, either, number, object, oneOf, wholeNumber } from './checks.ts';
import type { Fault, Switches } from './fault-kinds.ts';
import { KINDS, PARAMETERS, SWITCHES } from './fault-kinds.ts';

/** When a switch holds, or an event may happen. */
interface Scope {
  /** Null: every store. */
  store: string | null;
  /** In milliseconds of a monotonic clock. */
  until: number;
}

interface Event extends Scope {
  fault: Fault;
  on: 'put' | 'get' | 'all';
  /** Matching requests to let pass first. */
  after: number;
  /** Requests still to hit; null: all. */
  count: number | null;
  probability: number;
  /** Only PUTs that carry this customer; null: whomever they carry. */
  customer: number | null;
}

interface Switch extends Scope {
  turned: Switches;
}

const MANY = 1_000_000_000;
const DAY_SECONDS = 86_400;

const always: Check<'always' | null> = {
  expected: '"always" or null',
  accepts: (value): value is 'always' | null => value === 'always' || value === null,
};

/** The faults asked for, and which of them a request meets. */
export class Faults {
  #events: Event[] = [];
  #switches: Switch[] = [];

  /** Takes what `POST /_control/faults` takes; throws BadInput, and then adds none. `hashes`: the stores there are. */
  add(input: unknown, hashes: string[]): void {
    const read = (Array.isArray(input) ? input : [input]).map((item) => readFault(item, hashes));
    for (const item of read) {
      if ('turned' in item) this.#switches.push(item);
      else this.#events.push(item);
    }
  }

  /** Ends the faults of one store, or without a hash all of them. */
  clear(hash?: string): void {
    const stays = ({ store }: Scope) => hash !== undefined && store !== hash;
    this.#events = this.#events.filter(stays);
    this.#switches = this.#switches.filter(stays);
  }

  /** The switches of a store; of two of a kind the later one counts. */
  switches(hash: string): Switches {
    const on = this.#switches.filter((scope) => holds(scope, hash)).map(({ turned }) => turned);
    return Object.assign({}, ...on) as Switches;
  }

  /** The fault that this request meets, if any: the oldest that applies, which is used up by it. `ids`: whom it carries. */
  take(hash: string, method: 'PUT' | 'GET', ids: () => unknown[]): Fault | undefined {
    let taken: Event | undefined;
    for (const event of this.#events) {
      if (!holds(event, hash) || (event.on !== 'all' && event.on.toUpperCase() !== method)) continue;
      if (event.customer !== null && !ids().includes(event.customer)) continue;
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
  const input = checked('a fault', item, object);
  const kind = checked('fault', input['fault'], oneOf(...Object.keys(KINDS)));
  const parameters: Record<string, unknown> = { ...KINDS[kind]?.parameters };
  const isSwitch = Object.hasOwn(SWITCHES, kind);

  const general = ['store', 'seconds', ...(isSwitch ? [] : ['on', 'count', 'after', 'probability', 'customer'])];
  const known = ['fault', ...general, ...Object.keys(parameters)];
  const unknown = Object.keys(input).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new BadInput(`${kind}: expected members among ${known.join(', ')}, got ${unknown}`);

  const given = <T>(name: string, check: Check<T>, otherwise: T): T =>
    input[name] === undefined ? otherwise : checked(name, input[name], check);
  for (const [name, check] of Object.entries(PARAMETERS)) {
    if (name in parameters) parameters[name] = given<unknown>(name, check, parameters[name]);
  }
  const scope: Scope = {
    store: given<string | null>('store', oneOf(...hashes), null),
    until: performance.now() + given('seconds', number(0, DAY_SECONDS), Infinity) * 1000,
  };
  if (isSwitch) return { ...scope, turned: { [kind]: parameters } };

  const lasting = input['seconds'] !== undefined || input['probability'] !== undefined;
  const count = given('count', either(wholeNumber(1, MANY), always), lasting ? null : 1);
  return {
    ...scope,
    fault: { fault: kind, ...parameters } as Fault,
    on: given('on', oneOf('put', 'get', 'all'), kind === 'suspended' ? 'all' : 'put'),
    after: given('after', wholeNumber(0, MANY), 0),
    count: count === 'always' ? null : count,
    probability: given('probability', number(0, 1), 1),
    customer: given<number | null>('customer', wholeNumber(1, MANY), null),
  };
}
