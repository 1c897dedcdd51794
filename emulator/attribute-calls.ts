import { type Answer, json, problem } from './answers.ts';
import type { Definition, Value, ValueUpdate } from './attributes.ts';
import { type Call, idsSent, listSent } from './customer-calls.ts';
import { pageOf, pagination } from './pages.ts';
import { valuesOf } from './requests.ts';
import type { Store } from './stores.ts';

/** The most customers, or values with the switch `ten-values`, in one PUT. */
const MAX_BATCH = 10;

const MAX_VALUE = 255;

const BORN = '2024-01-01T00:00:00Z';

/** Answers `GET /v3/customers/attributes`: a page of the definitions. */
export function getAttributes({ definitions, pageSize }: Store, { query }: Call): Answer {
  const page = pageOf(definitions.length, query, pageSize);
  const data = definitions
    .slice(page.first, page.first + page.count)
    .map((definition) => ({ ...definition, date_created: BORN, date_modified: BORN }));
  return json(200, { data, meta: pagination(page, definitions.length) });
}

/** Answers `GET /v3/customers/attribute-values`: a page of those in `customer_id:in` and `attribute_id:in`, or of all. */
export function getValues(store: Store, call: Call): Answer {
  const { values, all, page } = listed(store, call);
  store.attributes.count.read += values.length;
  return json(200, { data: values.map(asListed), meta: pagination(page, all.length) });
}

/** The customers whose values the answer lists. */
export const ownersListed = (store: Store, call: Call): number[] =>
  listed(store, call).values.map((value) => value.customer);

function listed({ attributes, pageSize }: Store, { query, switches }: Call) {
  const filter = (name: string) => (switches['filters-ignored'] ? undefined : valuesOf(query, name)?.map(Number));
  const wanted = filter('attribute_id:in');
  const all = attributes
    .list(filter('customer_id:in'))
    .filter(({ attribute }) => wanted === undefined || wanted.includes(attribute));
  const page = pageOf(all.length, query, pageSize);
  return { all, page, values: all.slice(page.first, page.first + page.count) };
}

const asListed = ({ id, customer, attribute, value }: Value) => ({
  ...{ id, customer_id: customer, attribute_id: attribute, attribute_value: value },
  ...{ date_created: BORN, date_modified: BORN },
});

/** The customers in the body of a PUT, unchecked. */
export const ownersSent = idsSent('customer_id');

/** Answers `PUT /v3/customers/attribute-values` and applies its first `most` values. */
export function putValues(store: Store, call: Call, most: number): Answer {
  const { switches } = call;
  const sent = listSent(call);
  if (!Array.isArray(sent)) return sent;
  const size = switches['ten-values'] ? sent.length : new Set(ownersSent(store, call)).size;
  if (size > MAX_BATCH) return problem(422, `Max batch size is ${MAX_BATCH}`);

  const updates = sent.slice(0, most) as Partial<ValueUpdate>[];
  for (const [index, update] of updates.entries()) {
    const error = errorIn(update, store, switches['refused-value']?.text);
    if (!error) continue;
    if (switches.partial) store.attributes.set(updates.slice(0, index) as ValueUpdate[]);
    const [field, says] = error;
    const key = switches['names-no-value'] ? '.attribute_values' : `${index}.${field}`;
    return problem(422, 'Upsert attribute values failed.', { [key]: says });
  }
  store.attributes.set(updates as ValueUpdate[]);
  const data = updates.map((update) => {
    const [value] = store.attributes
      .list([update.customer_id ?? 0])
      .filter((one) => one.attribute === update.attribute_id);
    return asListed(value as Value);
  });
  return json(200, { data, meta: {} });
}

/** What is wrong with a value, and where; the words are a guess. */
function errorIn(
  { customer_id: customer, attribute_id: attribute, value }: Partial<ValueUpdate>,
  { customers, definitions }: Store,
  refused: string | undefined,
): [field: string, says: string] | undefined {
  if (customer === undefined || !customers.has(customer)) return ['customer_id', 'invalid customer ID'];
  const definition = definitions.find(({ id }) => id === attribute);
  if (!definition) return ['attribute_id', 'invalid attribute ID'];
  if (typeof value !== 'string') return ['value', 'error.expected.jsstring'];
  if (value.length > MAX_VALUE) return ['value', 'error.maxLength'];
  if (refused !== undefined && value.includes(refused)) return ['value', `"${value}" is not allowed`];
  return fits(definition.type, value) ? undefined : ['value', `expected a ${definition.type}`];
}

/** A blank is a value of every type. */
function fits(type: Definition['type'], value: string): boolean {
  if (type === 'string' || value === '') return true;
  if (type === 'number') return value.trim() !== '' && Number.isFinite(Number(value));
  return /^\d{4}-\d\d-\d\d(T.+)?$/.test(value) && !Number.isNaN(Date.parse(value));
}

/** The values that a DELETE names. */
const idsToRemove = (query: string): number[] => (valuesOf(query, 'id:in') ?? []).filter((id) => id !== '').map(Number);

/** The customers whose values a DELETE removes. */
export const ownersRemoved = ({ attributes }: Store, { query }: Call): number[] =>
  attributes.ownersOf(idsToRemove(query));

/** Answers `DELETE /v3/customers/attribute-values`, which removes the values in `id:in`: all there are, if it names none. */
export function deleteValues({ attributes }: Store, { query }: Call, most: number): Answer {
  const ids = idsToRemove(query);
  attributes.remove(ids.length === 0 ? attributes.list().map(({ id }) => id) : ids.slice(0, most));
  return { status: 204, headers: {}, body: '' };
}
