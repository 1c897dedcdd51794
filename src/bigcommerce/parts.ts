/**
 * The rows of a chunk in the parts that the API takes apart: a customer's fields, and each of his attribute values. Pure.
 * A part names what it is about and holds no value.
 */
import type { Fates, IsolationState, NotTaken } from './isolate.ts';

/** A customer's fields, by his id; `id:attribute`, a value to set; `id:-attribute`, a value to remove. */
export type Part = number | `${number}:${number}`;

/** A row as it is sent: `null` removes the value of an attribute. */
export interface SentRow {
  id: number;
  email?: string;
  attributes?: Record<string, string | null>;
}

/** Most customers whose values are set in one call, BigCommerce's limit; and as many values as it surely takes. */
export const TEN = 10;

/** Most values that are removed in one call. */
const MOST_REMOVED = 100;

export const customerIn = (part: Part): number => (typeof part === 'number' ? part : Number.parseInt(part, 10));

/** The attribute of a value; 0 for fields. */
export const attributeIn = (part: Part): number => Math.abs(signed(part));

/** Whether a part is a value, and not fields; of this kind, if one is given. */
export const isValue = (part: Part, kind?: 'set' | 'removed'): boolean =>
  typeof part !== 'number' && (kind === undefined || signed(part) > 0 === (kind === 'set'));

const signed = (part: Part): number => (typeof part === 'number' ? 0 : Number(part.slice(part.indexOf(':') + 1)));

export const setPart = (customer: number, attribute: number): Part => `${customer}:${attribute}`;

/** Whether a row has fields to send. */
export const hasFields = (row: SentRow): boolean =>
  Object.keys(row).some((key) => key !== 'id' && key !== 'attributes');

/** The parts of a row, in the order in which they are sent. */
export function partsOf(row: SentRow): Part[] {
  const { id, attributes = {} } = row;
  const values = Object.entries(attributes);
  const set = values.flatMap(([attribute, value]) => (value === null ? [] : [setPart(id, Number(attribute))]));
  const removed = values.flatMap(([attribute, value]): Part[] =>
    value === null ? [`${id}:${-Number(attribute)}`] : [],
  );
  return [...(hasFields(row) || values.length === 0 ? [id] : []), ...set, ...removed];
}

/** The rows in the body of a chunk. */
export const rowsIn = (body: string): SentRow[] => JSON.parse(body) as SentRow[];

/** Whether some row in a body has attributes: in JSON, a quotation mark in a text is not followed by a colon and a brace. */
export const hasAttributes = (body: string): boolean => body.includes('"attributes":{');

/** What is sent of some rows, call by call: first the fields, then values, then what is to be removed. */
export function inCalls(rows: readonly SentRow[], tensOfValues: boolean): Part[][] {
  const parts = rows.flatMap(partsOf);
  const ofCustomers = cut(rows, TEN).map((some) => some.flatMap(partsOf).filter((part) => isValue(part, 'set')));
  return [
    parts.filter((part) => !isValue(part)),
    ...(tensOfValues ? ofCustomers.flatMap((values) => cut(values, TEN)) : ofCustomers),
    ...cut(
      parts.filter((part) => isValue(part, 'removed')),
      MOST_REMOVED,
    ),
  ];
}

/** In pieces of at most `most`. */
export const cut = <T>(list: readonly T[], most: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / most) }, (_, index) => list.slice(index * most, (index + 1) * most));

/** The body of `PUT /v3/customers`: attributes have an endpoint of their own. */
export const fieldsBody = (rows: readonly SentRow[]): string =>
  JSON.stringify(rows.map((row) => ({ ...row, attributes: undefined })));

/** The body of `PUT /v3/customers/attribute-values` for these parts. */
export function valuesBody(rows: readonly SentRow[], parts: readonly Part[]): string {
  const byId = new Map(rows.map((row) => [row.id, row.attributes]));
  const values = parts.map((part) => {
    const [customer_id, attribute_id] = [customerIn(part), attributeIn(part)];
    return { customer_id, attribute_id, value: byId.get(customer_id)?.[attribute_id] };
  });
  return JSON.stringify(values);
}

/** What became of the customers, as far as that is known of all of their parts. */
export function fatesOf({ todo, updated, rejected, failed }: IsolationState<Part>, rows: readonly SentRow[]): Fates {
  const fates: Fates = { updated: [], rejected: [], failed: [] };
  const open = new Set(todo.flat().map(customerIn));
  const known = new Set([...updated, ...[...rejected, ...failed].map(({ id }) => id)].map(customerIn));
  const of = (list: NotTaken<Part>[], id: number) => list.filter((part) => customerIn(part.id) === id);
  for (const { id } of rows) {
    const [refused, [unknown]] = [of(rejected, id), of(failed, id)];
    const whole = refused.find(({ id: part, code }) => !isValue(part) || code === 'unknown_id');
    const [first] = refused;
    if (whole) fates.rejected.push({ ...whole, id });
    else if (open.has(id) || !known.has(id)) continue;
    else if (unknown) fates.failed.push({ ...unknown, id });
    else if (first) {
      const attributes = refused.map(({ id: part }) => attributeIn(part));
      fates.rejected.push({ id, code: 'attributes_rejected', message: first.message, attributes });
    } else fates.updated.push(id);
  }
  return fates;
}
