/** What a look-up makes of what the store has: who is to be sent, in which chunk, and who falls out. Pure. */
import { CHUNK_SIZE, type Match } from '../contract/job.ts';
import { type Attributes, type AttributeValues, sameAttribute } from './attributes.ts';
import { isUnchanged, type Row, type Values } from './fields.ts';
import {
  customerOf,
  type FoundCustomer,
  type KeyedRow,
  matched,
  type NotMatched,
  type StoreCustomer,
} from './keyed-rows.ts';
import type { PageRow } from './pages.ts';

/** Why a row is in no chunk. */
export type FellOut = Omit<NotMatched, 'outcome'> & { outcome: NotMatched['outcome'] | 'invalid' };

/** What a look-up has found of a row. */
export interface LookedUp {
  /** The place of its chunk in the page, or why it is in none. */
  fate: number | 'unchanged' | FellOut;
  /** The customer's id; null if none was found. */
  id: number | null;
  /** The values that the row sets, as they were: null if the store did not have them, undefined if nobody can tell. */
  before?: Values | null | undefined;
  /**
   * What of a row with attributes the customer has already, so that it is not sent: ids of attributes, and FIELDS for
   * everything else. Absent if all of it is sent.
   */
  same?: string[] | undefined;
}

const FIELDS = 'fields';

/** What the store says of customers, by id or, as addressKey has it, by e-mail address. */
export type FoundCustomers = Map<number | string, FoundCustomer>;

/** How the rows of a page are looked up. */
export interface LookingUp {
  match: Match;
  /** The place of the first chunk that is left. */
  from: number;
  skipUnchanged: boolean;
  /** Nothing will be sent: compare. */
  dryRun: boolean;
  /** The store's attributes; undefined if the source has names of none. */
  attributes?: Attributes | undefined;
  /** Whether a row of the job names this id. */
  isNamed: (id: number) => boolean;
  /** Whether an earlier run of the job knew this customer by an address, as addressKey has it. */
  knew: (key: string, id: number) => boolean;
}

/** Packs the rows that are to be sent into chunks. Returns all, by row number. */
export function look(rows: readonly PageRow[], found: FoundCustomers, how: LookingUp): Map<number, LookedUp> {
  const looked = new Map<number, LookedUp>();
  const byAddress = new Set<number>();
  let sent = 0;
  const fateOf = (values: KeyedRow): LookedUp => {
    const match = matchOf(values, found, how);
    if ('code' in match) return { fate: match, id: values.id ?? null };
    const { id, customer } = match;
    if (values.id === undefined) {
      if (byAddress.has(id) || how.isNamed(id)) return { fate: SAME_CUSTOMER, id };
      byAddress.add(id);
    }
    const wanted = sentOf(values, id, how.match);
    const has = customer && valuesBefore(wanted, customer);
    // Of attributes that nobody could read a dry run would say that there are none.
    const before = how.dryRun && has && 'attributes' in wanted && !('attributes' in has) ? undefined : has;
    const same = how.skipUnchanged || how.dryRun ? sameIn(wanted, before, how.attributes) : undefined;
    const isSkipped = how.skipUnchanged && isUnchanged(sentOf(values, id, how.match, same), before);
    const fate = isSkipped ? 'unchanged' : how.from + Math.floor(sent++ / CHUNK_SIZE);
    return { fate, id, before, ...(same && { same }) };
  };
  for (const { row, values } of rows) looked.set(row, fateOf(values));
  return looked;
}

const SAME_CUSTOMER: FellOut = {
  outcome: 'invalid',
  code: 'same_customer',
  message: 'Expected one row a customer, got another one whose customer turned out to be the same.',
};

/** The customer of a row: null if the store has none with its id, undefined if it would not show him. */
function matchOf(
  values: KeyedRow,
  found: FoundCustomers,
  { match, knew }: LookingUp,
): { id: number; customer?: StoreCustomer | null | undefined } | NotMatched {
  const get = (key: number | string) => found.get(key);
  if (match === 'email' && values.email !== undefined) return matched(values, get, get, knew);
  // By an id alone, the store's answer to the PUT is what the row is told.
  const id = values.id as number;
  const answer = get(id);
  return { id, customer: answer?.kind === 'found' ? answer.customer : answer?.kind === 'unknown' ? null : undefined };
}

/** What is sent of a row, without what is the same. */
export function sentOf(values: KeyedRow, id: number, match: Match, same: readonly string[] = []): Row {
  const row: Row = match === 'email' ? customerOf(values, id) : { ...values, id };
  if (same.length === 0) return row;
  const { attributes = {}, ...fields } = row as Row & KeyedRow;
  const left = Object.entries(attributes).filter(([attribute]) => !same.includes(attribute));
  const sent: Row = same.includes(FIELDS) ? { id } : fields;
  return left.length > 0 ? { ...sent, attributes: Object.fromEntries(left) } : sent;
}

/** LookedUp.same; undefined for rows without attributes, and if nobody can tell. */
function sameIn(
  { attributes: wanted, ...fields }: Row & KeyedRow,
  before: Values | null | undefined,
  attributes: Attributes | undefined,
): string[] | undefined {
  const has = before?.['attributes'] as AttributeValues | undefined;
  if (!wanted || !has) return undefined;
  const isSame = ([id, value]: [string, string | null]) =>
    sameAttribute(value, has[id] ?? null, attributes?.get(id)?.type);
  const same = Object.entries(wanted).filter(isSame);
  return [...(isUnchanged(fields, before) ? [FIELDS] : []), ...same.map(([id]) => id)];
}

/** The values that a row sets, as a customer has them. */
export function valuesBefore(wanted: Values, customer: Values): Values {
  const fields = Object.keys(wanted).filter((field) => field !== 'id' && field in customer);
  return Object.fromEntries(fields.map((field) => [field, customer[field]]));
}

/** Of a customer what the look-up of a row may need. */
export function kept(values: KeyedRow, { id, ...customer }: StoreCustomer): StoreCustomer {
  return { id, ...valuesBefore({ ...values, email: '' }, customer) };
}
