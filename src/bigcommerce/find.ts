/**
 * Finds customers by their ids or e-mail addresses, and the values of their attributes, in lists of as many as a call takes. A list that the store refuses or
 * does not answer, or for which it answers something else, is asked for in halves, down to one: so a customer whom nobody
 * can read costs himself alone. Whether it is the list's fault, and not the store's, a question for nobody shows.
 */
import { addressKey, inUrl, isAddress, tracesOf } from '../contract/address.ts';
import {
  type Isolate,
  type Listed,
  type ListedCustomer,
  listedCustomers,
  type ListedValue,
  listedValues,
  type Taken,
} from './answer.ts';
import type { Attempt } from './attempt.ts';
import { Unavailable } from './errors.ts';

/** What became of the question for one customer. */
export type Found =
  | { kind: 'found'; customer: ListedCustomer }
  /** Nobody has this id or address. */
  | { kind: 'unknown' }
  /** So many customers have this address. */
  | { kind: 'ambiguous'; customers: number }
  | Unusable;

/** What became of the question for the values of one customer. */
export type FoundValues = { kind: 'found'; values: ListedValue[] } | Unusable;

export type Unusable =
  /** The store would not be asked for it; the message is the store's, without what was asked for. */
  | { kind: 'refused'; message: string }
  /** It is not known: the store answers other questions, but not this one. */
  | { kind: 'unreadable'; message: string };

/** How customers are asked for: K tells them apart, T is what is listed, and F what that says of one of them. */
export interface Question<K extends string | number, T extends { id: number }, F> {
  /** Where the list is, how a page of it is read, and what else is asked. */
  path: string;
  read: (body: unknown) => Listed<T> | undefined;
  more: string;
  filter: 'id:in' | 'email:in' | 'customer_id:in';
  /** What is written into the URL for each, by key. */
  texts: Map<K, string>;
  /** Most customers in one list. */
  most: number;
  /** The key that an item of the list is for; undefined if it has none. */
  keyOf(item: T): K | undefined;
  /** What the items for a key say. */
  found(items: T[]): F;
  /** Whether there may be more than these. */
  mayLack(items: T[]): boolean;
  /** What is asked for once more, if a customer may have been missed. */
  again(key: K): string;
  /** What must not be quoted. */
  secrets(keys: readonly K[]): string[];
  /** What nobody has. */
  nobody: string;
}

/** Asks for a page of a list. Throws any of errors.ts. */
export type AskPage<T> = (query: string, page: number, secrets: () => string[]) => Promise<Taken<Listed<T>> | Isolate>;

/** Most bytes of the values in a URL: with the rest of it, 4,000, which every server takes. */
const MAX_BYTES = 3_800;

/** BigCommerce documents no limit; the URL does not allow many more. */
const MOST_ADDRESSES = 100;
const MOST_IDS = 250;

/** The greatest id there may be, which no customer has. */
export const NOBODY_ID = 0x7fff_ffff;

/** More pages than a list of customers that were asked for can have. */
const MAX_PAGES = 1_000;

const customers = {
  path: '/v3/customers',
  read: listedCustomers,
  more: 'include=storecredit,formfields',
  found: ([customer, ...more]: ListedCustomer[]): Found => {
    if (more.length > 0) return { kind: 'ambiguous', customers: 1 + more.length };
    return customer ? { kind: 'found', customer } : { kind: 'unknown' };
  },
  mayLack: ({ length }: ListedCustomer[]) => length === 0,
};

/** Leaves out what is no id, as below. */
const ids = (ids: readonly number[]) => ({
  texts: new Map(ids.filter(isId).map((id) => [id, String(id)])),
  again: String,
  secrets: () => [],
  nobody: String(NOBODY_ID),
});

export const isId = (id: number): boolean => Number.isSafeInteger(id) && id > 0;

export const byId = (those: readonly number[]): Question<number, ListedCustomer, Found> => ({
  ...{ ...ids(those), ...customers },
  filter: 'id:in',
  most: MOST_IDS,
  keyOf: ({ id }) => id,
});

/** The values that customers have of some attributes, as many customers to a list as fit on one page of it. */
export const valuesOf = (
  those: readonly number[],
  attributes: readonly number[],
): Question<number, ListedValue, FoundValues> => ({
  ...ids(those),
  path: '/v3/customers/attribute-values',
  read: listedValues,
  more: `attribute_id:in=${attributes.join(',')}`,
  filter: 'customer_id:in',
  most: Math.max(1, Math.floor(MOST_IDS / attributes.length)),
  keyOf: (value) => value.customer_id,
  // Others of their attributes are no sign of a filter that was ignored, and not of interest.
  found: (values) => ({ kind: 'found', values: values.filter((value) => attributes.includes(value.attribute_id)) }),
  mayLack: ({ length }) => length < attributes.length,
});

/** Leaves out what is no address: a filter with nothing in it would list everyone. */
export const byEmail = (emails: readonly string[]): Question<string, ListedCustomer, Found> => ({
  ...customers,
  filter: 'email:in',
  texts: new Map(emails.filter(isAddress).map((email) => [addressKey(email), inUrl(email.trim().normalize('NFC'))])),
  most: MOST_ADDRESSES,
  keyOf: ({ email }) => (typeof email === 'string' ? addressKey(email) : undefined),
  again: inUrl,
  secrets: (keys) => emails.filter((email) => keys.includes(addressKey(email))).flatMap(tracesOf),
  nobody: inUrl('nobody@nowhere.invalid'),
});

/** How the question for a list ended, if the list can't be used. */
type Fault = Unusable & { tooLong?: boolean };

/** Finds all customers of a question, one call after another. */
export class Finder<K extends string | number, T extends { id: number }, F> {
  readonly found = new Map<K, F | Unusable>();
  readonly #question: Question<K, T, F>;
  readonly #ask: AskPage<T>;
  readonly #attempt: Attempt;
  readonly #onFound: ((key: K, found: F | Unusable) => void) | undefined;
  readonly #lists: Lists<K>;
  readonly #askedAgain = new Set<K>();

  constructor(
    question: Question<K, T, F>,
    ask: AskPage<T>,
    attempt: Attempt,
    onFound?: (key: K, found: F | Unusable) => void,
  ) {
    this.#question = question;
    this.#ask = ask;
    this.#attempt = attempt;
    this.#onFound = onFound;
    this.#lists = new Lists(question);
  }

  /** Throws any of errors.ts; what is found by then is in `found`. */
  async findAll(): Promise<Map<K, F | Unusable>> {
    for (let list = this.#lists.next(); list; list = this.#lists.next()) await this.#find(list);
    return this.found;
  }

  async #find(list: K[]): Promise<void> {
    const { texts } = this.#question;
    const secrets = () => this.#question.secrets(list);
    const wanted = new Set(list);
    const isAsked = (item: T) => wanted.has(this.#question.keyOf(item) as K);
    const end = await this.#read(list.map((key) => texts.get(key) as string).join(','), isAsked, secrets);
    if ('items' in end) return this.#enter(list, end.items, end.pages);
    if (end.tooLong) this.#lists.shorten(list);
    else await this.#checkStore();
    if (list.length > 1) this.#lists.split(list);
    else this.#settle(list[0] as K, { kind: end.kind, message: end.message });
  }

  /** The customers of a list, from all of its pages; the fault of a list that can't be used. */
  async #read(values: string, isAsked: (item: T) => boolean, secrets: () => string[]): Promise<Listed<T> | Fault> {
    const items: T[] = [];
    try {
      for (let page = 1, pages = 1; page <= pages; page++) {
        const answer = await this.#ask(`${this.#question.filter}=${values}`, page, secrets);
        if (answer.kind === 'isolate') {
          const { message, tooLong = false } = answer;
          return { kind: 'refused', message, tooLong };
        }
        const listed = answer.body;
        // The filter was ignored: what follows would be the whole store.
        if (listed.pages > MAX_PAGES || !listed.items.every(isAsked)) return OTHERS;
        items.push(...listed.items);
        ({ pages } = listed);
        if (page >= pages || listed.items.length === 0) return { items, pages };
      }
    } catch (error) {
      // A store that says when to come back is to be asked then.
      if (!(error instanceof Unavailable) || error.delayMs !== undefined) throw error;
      return { kind: 'unreadable', message: error.message };
    }
    return { items, pages: 1 };
  }

  /** Throws Unavailable, with the words of that answer, unless the store answers a question for nobody as it should. */
  async #checkStore(): Promise<void> {
    const end = await this.#read(
      this.#question.nobody,
      () => false,
      () => this.#question.secrets([]),
    );
    if ('message' in end) throw new Unavailable(end.message, this.#attempt);
  }

  #enter(list: readonly K[], items: readonly T[], pages: number): void {
    // Once it is lost, the next holder may have changed any of them.
    this.#attempt.checkLease();
    const { keyOf, texts, again, found, mayLack } = this.#question;
    const byKey = new Map<K, Map<number, T>>(list.map((key) => [key, new Map()]));
    for (const item of items) byKey.get(keyOf(item) as K)?.set(item.id, item);
    const missed: K[] = [];
    for (const [key, those] of byKey) {
      const listed = [...those.values()];
      // While a list is read page by page, it may shift; and a store may mind the case of an address.
      const mayBeMissed = !this.#askedAgain.has(key) && (pages > 1 || texts.get(key) !== again(key));
      if (mayBeMissed && mayLack(listed)) missed.push(key);
      else this.#settle(key, found(listed));
    }
    for (const key of missed) {
      this.#askedAgain.add(key);
      texts.set(key, again(key));
    }
    this.#lists.add(missed);
  }

  #settle(key: K, found: F | Unusable): void {
    this.found.set(key, found);
    this.#onFound?.(key, found);
  }
}

const OTHERS: Fault = { kind: 'unreadable', message: 'The store listed customers who were not asked for.' };

/** The lists that are still to be asked for. */
class Lists<K extends string | number> {
  readonly #question: Pick<Question<K, never, never>, 'texts' | 'most'>;
  #todo: K[][];
  #maxBytes = MAX_BYTES;

  constructor(question: Pick<Question<K, never, never>, 'texts' | 'most'>) {
    this.#question = question;
    this.#todo = [[...question.texts.keys()]];
  }

  /** As many as fit into one call; undefined once there are none. */
  next(): K[] | undefined {
    const [list = [], ...rest] = this.#todo;
    if (list.length === 0 && rest.length === 0) return undefined;
    let bytes = 0;
    const end = list.findIndex((key, index) => {
      bytes += this.#bytesOf(key);
      return index > 0 && (bytes > this.#maxBytes || index === this.#question.most);
    });
    this.#todo = end < 0 ? rest : [list.slice(end), ...rest];
    return end < 0 ? list : list.slice(0, end);
  }

  add(list: K[]): void {
    if (list.length > 0) this.#todo.push(list);
  }

  split(list: readonly K[]): void {
    const middle = Math.ceil(list.length / 2);
    this.#todo.unshift(list.slice(0, middle), list.slice(middle));
  }

  /** URLs as long as that of this list are too long for the store. */
  shorten(list: readonly K[]): void {
    const bytes = list.reduce((sum, key) => sum + this.#bytesOf(key), 0);
    this.#maxBytes = Math.min(this.#maxBytes, Math.ceil(bytes / 2));
  }

  #bytesOf(key: K): number {
    return (this.#question.texts.get(key)?.length ?? 0) + 1;
  }
}
