/**
 * Rows whose customers are found by e-mail address: who each one is about, once the store was asked, and what is sent for it.
 * `email` is the address that the customer has, `new_email` the one that he is to have. Pure.
 */
import { addressKey } from '../contract/address.ts';
import type { OutcomeCode } from '../contract/job.ts';
import type { AttributeValues } from './attributes.ts';
import type { Row, Values } from './fields.ts';

/** A prepared row: with an id, an e-mail address, or both. */
export type KeyedRow = {
  id?: number;
  email?: string;
  new_email?: string;
  attributes?: AttributeValues;
} & Values;

/** A customer as the store has it. */
export type StoreCustomer = { id: number } & Values;

/** What became of the question for one customer, as the store's room answers it. */
export type FoundCustomer =
  | { kind: 'found'; customer: StoreCustomer }
  | { kind: 'unknown' }
  | { kind: 'ambiguous'; customers: number }
  | { kind: 'refused' | 'unreadable'; message: string };

/** Why nothing is sent for a row. */
export interface NotMatched {
  outcome: 'rejected' | 'failed';
  code: OutcomeCode;
  message: string;
}

/** A row as a source has it, with its key as it is asked for. */
export function tidied(value: unknown): unknown {
  const { email } = (value ?? {}) as { email?: unknown };
  if (typeof email !== 'string') return value;
  const tidy = email.trim().normalize('NFC');
  return tidy === email ? value : { ...(value as Values), email: tidy };
}

/** Whether a row removes the value of an attribute. */
export const removesAny = ({ attributes }: KeyedRow): boolean =>
  attributes !== undefined && Object.values(attributes).includes(null);

/** Calls that a chunk takes at least, as its rows are sent: fields, values to set and values to remove go apart. */
export function callsFor(rows: readonly (Row & KeyedRow)[]): number {
  // `fields` have the id.
  const kinds = rows.flatMap(({ attributes = {}, ...fields }) => [
    ...(Object.keys(fields).length > 1 ? ['fields'] : []),
    ...Object.values(attributes).map((value) => (value === null ? 'removed' : 'set')),
  ]);
  return new Set(kinds).size;
}

/** What is sent for a row, once its customer is known. */
export function customerOf(row: KeyedRow, id: number): Row {
  const { id: _id, email: _email, new_email, ...fields } = row;
  return new_email === undefined ? { id, ...fields } : { id, email: new_email, ...fields };
}

/**
 * A row to send again, once its customer is known. Its key is left out: whatever became of the new address, the id finds him.
 */
export function retryRowOf(row: KeyedRow, id: number): KeyedRow {
  const { id: _id, email: _email, ...rest } = row;
  return { id, ...rest };
}

/** Whom the store has to be asked for: a row with an id by that, any other by its addresses. */
export function askedFor({ id, email, new_email }: KeyedRow): { id: number | undefined; emails: string[] } {
  if (id !== undefined) return { id, emails: [] };
  return { id: undefined, emails: [email, new_email].filter((address) => address !== undefined) };
}

/**
 * The customer of a row. `byId` and `byEmail`, by addressKey, are the answers for what askedFor says; `knew` says whether an earlier
 * run of the job knew a customer by an address.
 */
export function matched(
  row: KeyedRow,
  byId: (id: number) => FoundCustomer | undefined,
  byEmail: (key: string) => FoundCustomer | undefined,
  knew: (key: string, id: number) => boolean,
): { id: number; customer?: StoreCustomer } | NotMatched {
  const { id, email, new_email } = row;
  if (id !== undefined && email === undefined) return { id };
  if (id !== undefined) return matchedById(row, id, byId(id));
  const key = addressKey(email ?? '');
  const found = byEmail(key) ?? { kind: 'unreadable', message: 'The store was not asked.' };
  if (found.kind === 'found') return { id: found.customer.id, customer: found.customer };
  if (found.kind !== 'unknown') return unusable(found);
  const renamed = new_email === undefined ? undefined : byEmail(addressKey(new_email));
  if (renamed?.kind === 'ambiguous' || renamed?.kind === 'found') {
    // A run that was cancelled may have given him the new address already.
    if (renamed.kind === 'found' && knew(key, renamed.customer.id)) {
      return { id: renamed.customer.id, customer: renamed.customer };
    }
    return unknown('No customer has this e-mail address. A customer with the new address is there.');
  }
  return unknown('No customer has this e-mail address.');
}

/** An id alone says too little: in another store it is somebody else's. */
function matchedById(
  { email = '', new_email = email }: KeyedRow,
  id: number,
  found: FoundCustomer = { kind: 'unknown' },
): { id: number; customer: StoreCustomer } | NotMatched {
  if (found.kind === 'unknown')
    return { outcome: 'rejected', code: 'unknown_id', message: 'There is no customer with this id.' };
  if (found.kind !== 'found') return unusable(found);
  const { email: has } = found.customer;
  const key = typeof has === 'string' ? addressKey(has) : undefined;
  if (key === addressKey(email) || key === addressKey(new_email)) return { id, customer: found.customer };
  return unknown('The customer with this id has another e-mail address: the file may be of another store.');
}

const unknown = (message: string): NotMatched => ({ outcome: 'rejected', code: 'unknown_email', message });

function unusable(found: Exclude<FoundCustomer, { kind: 'found' | 'unknown' }>): NotMatched {
  if (found.kind === 'ambiguous') {
    const message = `${found.customers} customers have this e-mail address. Add the customer's id to the row.`;
    return { outcome: 'rejected', code: 'ambiguous_email', message };
  }
  const { message } = found;
  return found.kind === 'refused'
    ? { outcome: 'rejected', code: 'rejected', message }
    : { outcome: 'failed', code: 'unavailable', message };
}
