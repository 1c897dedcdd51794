import type { Answer } from './answers.ts';
import { invalidFields, json, MALFORMED, NOT_JSON, problem, TOO_LARGE, updateFailed } from './answers.ts';
import type { Switches } from './fault-kinds.ts';
import type { Update } from './fields.ts';
import { checkUpdate } from './fields.ts';
import type { Store } from './stores.ts';

/** The most customers in one PUT, and in one page of a GET. */
const MAX_BATCH = 10;
const MAX_PAGE = 250;
const DEFAULT_PAGE = 50;

/** A call as the store sees it. `body` is undefined if it was too large to read. */
export interface Call {
  contentType: string;
  query: URLSearchParams;
  body: string | undefined;
}

/** The ids in the body of a PUT, unchecked; none if it is not a list of customers. */
export function idsSent(body: string | undefined): unknown[] {
  const sent = parse(body ?? '');
  return Array.isArray(sent) ? sent.map((customer: { id?: unknown } | null) => customer?.id) : [];
}

/** Answers `PUT /v3/customers` and applies its first `most` customers. */
export function putCustomers(store: Store, call: Call, switches: Switches, most: number): Answer {
  if (!call.contentType.startsWith('application/json')) return NOT_JSON;
  if (call.body === undefined) return TOO_LARGE;
  const sent = parse(call.body);
  if (sent === undefined) return MALFORMED;
  if (!Array.isArray(sent)) return invalidFields({ '': 'error.expected.jsarray' });
  if (sent.length > MAX_BATCH) {
    return switches['batch-422'] ? problem(422, `Max batch size is ${MAX_BATCH}`) : problem(413, 'Too many customers');
  }

  const updates: Update[] = [];
  for (const element of sent.slice(0, most)) {
    const checked = checkUpdate(element, switches['strict-fields'] !== undefined);
    if ('errors' in checked) return invalidFields(checked.errors);
    updates.push(checked.update);
  }
  const errors = store.customers.update(updates, switches);
  if (errors) return updateFailed(errors);
  return json(200, { data: updates.map(({ id }) => store.customers.get(id)), meta: {} });
}

/** Fields that a GET returns only if `include` asks for them, by their names there. */
const INCLUDED = { storecredit: 'store_credit_amounts', formfields: 'form_fields' };

/** Answers `GET /v3/customers`: a page of those in `id:in`, or of all. */
export function getCustomers({ customers }: Store, { query }: Call): Answer {
  const ids = query
    .get('id:in')
    ?.split(',')
    .map(Number)
    .filter((id) => customers.has(id));
  const total = ids ? ids.length : customers.count;
  const limit = Math.min(positive(query.get('limit')) ?? DEFAULT_PAGE, MAX_PAGE);
  const page = positive(query.get('page')) ?? 1;
  const first = Math.min((page - 1) * limit, total);
  const count = Math.min(limit, total - first);
  const include = query.get('include')?.split(',') ?? [];
  const left = Object.entries(INCLUDED).flatMap(([name, field]) => (include.includes(name) ? [] : [field]));
  const data = Array.from({ length: count }, (_, n) => {
    const customer = Object.entries(customers.get(ids?.[first + n] ?? first + n + 1));
    return Object.fromEntries(customer.filter(([field]) => !left.includes(field)));
  });
  customers.read += count;
  const pagination = {
    total,
    count,
    per_page: limit,
    current_page: page,
    total_pages: Math.ceil(total / limit),
  };
  return json(200, { data, meta: { pagination } });
}

/** Answers `GET /v2/time`. */
export const getTime = (): Answer => json(200, { time: Math.floor(Date.now() / 1000) });

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

const positive = (value: string | null): number | undefined =>
  Number.isInteger(Number(value)) && Number(value) > 0 ? Number(value) : undefined;
