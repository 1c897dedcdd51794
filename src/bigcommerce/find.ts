/**
 * Finds customers by their ids or e-mail addresses, in lists of as many as a call takes. A list that the store refuses or
 * does not answer, or for which it answers something else, is asked for in halves, down to one: so a customer whom nobody
 * can read costs himself alone. Whether it is the list's fault, and not the store's, a question for nobody shows.
 */
import { addressKey, inUrl, isAddress, tracesOf } from '../contract/address.ts';
import type { Isolate, Listed, ListedCustomer, Taken } from './answer.ts';
import type { Attempt } from './attempt.ts';
import { Unavailable } from './errors.ts';

/** What became of the question for one customer. */
export type Found =
  | { kind: 'found'; customer: ListedCustomer }
  /** Nobody has this id or address. */
  | { kind: 'unknown' }
  /** So many customers have this address. */
  | { kind: 'ambiguous'; customers: number }
  /** The store would not be asked for it; the message is the store's, without what was asked for. */
  | { kind: 'refused'; message: string }
  /** It is not known: the store answers other questions, but not this one. */
  | { kind: 'unreadable'; message: string };

/** How customers are asked for: K is what tells them apart. */
export interface Question<K extends string | number> {
  filter: 'id:in' | 'email:in';
  /** What is written into the URL for each, by key. */
  texts: Map<K, string>;
  /** Most customers in one list. */
  most: number;
  /** The key of a listed customer; undefined if it has none. */
  keyOf(customer: ListedCustomer): K | undefined;
  /** What is asked for once more, if a customer may have been missed. */
  again(key: K): string;
  /** What must not be quoted. */
  secrets(keys: readonly K[]): string[];
  /** What nobody has. */
  nobody: string;
}

/** Asks for a page of a list. Throws any of errors.ts. */
export type AskPage = (query: string, page: number, secrets: () => string[]) => Promise<Taken<Listed> | Isolate>;

/** Most bytes of the values in a URL: with the rest of it, 4,000, which every server takes. */
const MAX_BYTES = 3_800;

/** BigCommerce documents no limit; the URL does not allow many more. */
const MOST_ADDRESSES = 100;
const MOST_IDS = 250;

/** The greatest id there may be, which no customer has. */
export const NOBODY_ID = 0x7fff_ffff;

/** More pages than a list of customers that were asked for can have. */
const MAX_PAGES = 1_000;

/** Leaves out what is no id, as below. */
export const byId = (ids: readonly number[]): Question<number> => ({
  filter: 'id:in',
  texts: new Map(ids.filter((id) => Number.isSafeInteger(id) && id > 0).map((id) => [id, String(id)])),
  most: MOST_IDS,
  keyOf: ({ id }) => id,
  again: String,
  secrets: () => [],
  nobody: String(NOBODY_ID),
});

/** Leaves out what is no address: a filter with nothing in it would list everyone. */
export const byEmail = (emails: readonly string[]): Question<string> => ({
  filter: 'email:in',
  texts: new Map(emails.filter(isAddress).map((email) => [addressKey(email), inUrl(email.trim().normalize('NFC'))])),
  most: MOST_ADDRESSES,
  keyOf: ({ email }) => (typeof email === 'string' ? addressKey(email) : undefined),
  again: inUrl,
  secrets: (keys) => emails.filter((email) => keys.includes(addressKey(email))).flatMap(tracesOf),
  nobody: inUrl('nobody@nowhere.invalid'),
});

/** How the question for a list ended, if the list can't be used. */
interface Fault {
  kind: 'refused' | 'unreadable';
  message: string;
  tooLong?: boolean;
}

/** Finds all customers of a question, one call after another. */
export class Finder<K extends string | number> {
  readonly found = new Map<K, Found>();
  readonly #question: Question<K>;
  readonly #ask: AskPage;
  readonly #attempt: Attempt;
  readonly #onFound: ((key: K, found: Found) => void) | undefined;
  readonly #lists: Lists<K>;
  readonly #askedAgain = new Set<K>();

  constructor(question: Question<K>, ask: AskPage, attempt: Attempt, onFound?: (key: K, found: Found) => void) {
    this.#question = question;
    this.#ask = ask;
    this.#attempt = attempt;
    this.#onFound = onFound;
    this.#lists = new Lists(question);
  }

  /** Throws any of errors.ts; what is found by then is in `found`. */
  async findAll(): Promise<Map<K, Found>> {
    for (let list = this.#lists.next(); list; list = this.#lists.next()) await this.#find(list);
    return this.found;
  }

  async #find(list: K[]): Promise<void> {
    const { texts } = this.#question;
    const secrets = () => this.#question.secrets(list);
    const wanted = new Set(list);
    const isAsked = (customer: ListedCustomer) => wanted.has(this.#question.keyOf(customer) as K);
    const end = await this.#read(list.map((key) => texts.get(key) as string).join(','), isAsked, secrets);
    if ('customers' in end) return this.#enter(list, end.customers, end.pages);
    if (end.tooLong) this.#lists.shorten(list);
    else await this.#checkStore();
    if (list.length > 1) this.#lists.split(list);
    else this.#settle(list[0] as K, { kind: end.kind, message: end.message });
  }

  /** The customers of a list, from all of its pages; the fault of a list that can't be used. */
  async #read(
    values: string,
    isAsked: (customer: ListedCustomer) => boolean,
    secrets: () => string[],
  ): Promise<Listed | Fault> {
    const customers: ListedCustomer[] = [];
    try {
      for (let page = 1, pages = 1; page <= pages; page++) {
        const answer = await this.#ask(`${this.#question.filter}=${values}`, page, secrets);
        if (answer.kind === 'isolate') {
          const { message, tooLong = false } = answer;
          return { kind: 'refused', message, tooLong };
        }
        const listed = answer.body;
        // The filter was ignored: what follows would be the whole store.
        if (listed.pages > MAX_PAGES || !listed.customers.every(isAsked)) return OTHERS;
        customers.push(...listed.customers);
        ({ pages } = listed);
        if (page >= pages || listed.customers.length === 0) return { customers, pages };
      }
    } catch (error) {
      // A store that says when to come back is to be asked then.
      if (!(error instanceof Unavailable) || error.delayMs !== undefined) throw error;
      return { kind: 'unreadable', message: error.message };
    }
    return { customers, pages: 1 };
  }

  /** Throws Unavailable, with the words of that answer, unless the store answers a question for nobody as it should. */
  async #checkStore(): Promise<void> {
    const end = await this.#read(
      this.#question.nobody,
      () => false,
      () => [],
    );
    if ('message' in end) throw new Unavailable(end.message, this.#attempt);
  }

  #enter(list: readonly K[], customers: readonly ListedCustomer[], pages: number): void {
    // Once it is lost, the next holder may have changed any of them.
    this.#attempt.checkLease();
    const { keyOf, texts, again } = this.#question;
    const byKey = new Map<K, Map<number, ListedCustomer>>(list.map((key) => [key, new Map()]));
    for (const customer of customers) byKey.get(keyOf(customer) as K)?.set(customer.id, customer);
    const missed: K[] = [];
    for (const [key, those] of byKey) {
      const [customer] = those.values();
      // While a list is read page by page, it may shift; and a store may mind the case of an address.
      const mayBeMissed = !this.#askedAgain.has(key) && (pages > 1 || texts.get(key) !== again(key));
      if (those.size > 1) this.#settle(key, { kind: 'ambiguous', customers: those.size });
      else if (customer) this.#settle(key, { kind: 'found', customer });
      else if (mayBeMissed) missed.push(key);
      else this.#settle(key, { kind: 'unknown' });
    }
    for (const key of missed) {
      this.#askedAgain.add(key);
      texts.set(key, again(key));
    }
    this.#lists.add(missed);
  }

  #settle(key: K, found: Found): void {
    this.found.set(key, found);
    this.#onFound?.(key, found);
  }
}

const OTHERS: Fault = { kind: 'unreadable', message: 'The store listed customers who were not asked for.' };

/** The lists that are still to be asked for. */
class Lists<K extends string | number> {
  readonly #question: Question<K>;
  #todo: K[][];
  #maxBytes = MAX_BYTES;

  constructor(question: Question<K>) {
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
