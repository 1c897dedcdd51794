/** Sends parts of the rows of a chunk, each kind to its endpoint, and says which of them the store took. */
import { type Isolate, setValues, type Taken, updatedIds } from './answer.ts';
import type { Attempt } from './attempt.ts';
import type { Request } from './calls.ts';
import { Unavailable } from './errors.ts';
import type { Found, FoundValues } from './find.ts';
import { attributeIn, customerIn, fieldsBody, isValue, type Part, partsOf, type SentRow, valuesBody } from './parts.ts';

/** What is asked of a store; `secrets` are what its answers must not quote. Throws any of errors.ts. */
export interface Asking {
  call<T>(request: Request<T>): Promise<Taken<T> | Isolate>;
  customers(ids: number[], secrets: () => string[]): Promise<Map<number, Found>>;
  values(customers: number[], attributes: number[], secrets: () => string[]): Promise<Map<number, FoundValues>>;
}

type Answer = Taken<Part[]> | Isolate;

const VALUES = '/v3/customers/attribute-values';

export class Sender {
  readonly #rows: () => readonly SentRow[];
  readonly #store: Asking;
  readonly #attempt: Attempt;

  constructor(rows: () => readonly SentRow[], store: Asking, attempt: Attempt) {
    this.#rows = rows;
    this.#store = store;
    this.#attempt = attempt;
  }

  readonly #secrets = (): string[] => textsIn(this.#rows());

  /** Sends these parts, all of one kind. */
  send(parts: Part[]): Promise<Answer> {
    const [first] = parts as [Part];
    if (isValue(first, 'removed')) return this.#remove(parts);
    if (isValue(first)) return this.#put(VALUES, valuesBody(this.#rows(), parts), setValues);
    return this.sendFields(fieldsBody(this.#rows().filter(({ id }) => parts.includes(id))));
  }

  /** Sends this body of `PUT /v3/customers`. */
  sendFields(body: string): Promise<Answer> {
    return this.#put('/v3/customers', body, updatedIds);
  }

  #put(path: string, body: string, read: (body: unknown) => Part[] | undefined): Promise<Answer> {
    return this.#store.call({ method: 'PUT', path, body, needsScope: true, read, secrets: this.#secrets });
  }

  /** Values are removed by ids of their own, which have to be asked for. One that is not there is removed. */
  async #remove(parts: Part[]): Promise<Answer> {
    const there = await this.#find(parts);
    if ('kind' in there) return there;
    if (there.size === 0) return { kind: 'ok', body: parts };
    const answer = await this.#store.call<Part[]>({
      method: 'DELETE',
      path: `${VALUES}?id:in=${[...there.values()].join(',')}`,
      body: null,
      needsScope: true,
      read: () => parts,
      none: parts,
      asksForSeveral: true,
      secrets: this.#secrets,
    });
    if (answer.kind === 'ok') return answer;
    const left = parts.length > 1 ? there : await this.#find(parts);
    return 'size' in left && left.size === 0 ? { kind: 'ok', body: parts } : { ...answer, named: [] };
  }

  /** The ids of the values that are there, or whose they are, if the store does not say or does not know him. */
  async #find(parts: Part[]): Promise<Map<Part, number> | Isolate> {
    const [customers, attributes] = [[...new Set(parts.map(customerIn))], [...new Set(parts.map(attributeIn))]];
    const found = await this.#store.values(customers, attributes, this.#secrets);
    const named: Isolate['named'] = [];
    const there = new Map<Part, number>();
    for (const [index, part] of parts.entries()) {
      const answer = found.get(customerIn(part)) ?? { kind: 'unreadable', message: 'The store was not asked.' };
      if (answer.kind === 'unreadable') throw new Unavailable(answer.message, this.#attempt);
      if (answer.kind === 'refused') named.push({ index, code: 'rejected', message: answer.message });
      else {
        const value = answer.values.find((one) => one.attribute_id === attributeIn(part));
        if (value) there.set(part, value.id);
      }
    }
    const unknown = await this.#unknown(
      customers.filter((id) => !parts.some((part) => customerIn(part) === id && there.has(part))),
    );
    for (const [index, part] of parts.entries()) {
      if (unknown.has(customerIn(part)))
        named.push({ index, code: 'unknown_id', message: 'There is no customer with this id.' });
    }
    const [first] = named;
    return first ? { kind: 'isolate', emails: [], named, code: first.code, message: first.message } : there;
  }

  /** Who does not exist, of customers of whom nothing but values is removed, since nothing else would show it. */
  async #unknown(ids: number[]): Promise<Set<number>> {
    const rows = this.#rows().filter(({ id }) => ids.includes(id));
    const alone = rows.filter((row) => partsOf(row).every((part) => isValue(part, 'removed'))).map(({ id }) => id);
    const found = alone.length > 0 ? await this.#store.customers(alone, this.#secrets) : [];
    return new Set([...found].flatMap(([id, { kind }]) => (kind === 'unknown' ? [id] : [])));
  }
}

/** All texts in a value that are long enough to be recognised if the store quotes them. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return value.length >= 3 ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
