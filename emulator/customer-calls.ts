import type { Answer } from './answers.ts';
import { invalidFields, json, MALFORMED, NOT_JSON, problem, TOO_LARGE, updateFailed } from './answers.ts';
import type { Switches } from './fault-kinds.ts';
import { checkUpdates } from './fields.ts';
import { pageOf, pagination } from './pages.ts';
import { valuesOf } from './requests.ts';
import type { Store } from './stores.ts';

/** The most customers in one PUT. */
const MAX_BATCH = 10;

/** A call as the store sees it. `body` is undefined if it was too large to read. */
export interface Call {
  contentType: string;
  query: string;
  body: string | undefined;
  /** What the store is like at the moment. */
  switches: Switches;
}

/** Finds the ids that the items in the body of a PUT have by this name, unchecked; none if it is not a list. */
export const idsSent =
  (name: string) =>
  (_store: Store, { body }: Call): unknown[] => {
    const sent = parse(body ?? '');
    return Array.isArray(sent) ? sent.map((item: Record<string, unknown> | null) => item?.[name]) : [];
  };

/** The list in the body of a PUT, its items unchecked, or the answer if it is none. */
export function listSent({ contentType, body }: Call): unknown[] | Answer {
  if (!contentType.startsWith('application/json')) return NOT_JSON;
  if (body === undefined) return TOO_LARGE;
  const sent = parse(body);
  if (sent === undefined) return MALFORMED;
  return Array.isArray(sent) ? sent : invalidFields({ '': 'error.expected.jsarray' });
}

/** Answers `PUT /v3/customers` and applies its first `most` customers. */
export function putCustomers(store: Store, call: Call, most: number): Answer {
  const { switches } = call;
  const sent = listSent(call);
  if (!Array.isArray(sent)) return sent;
  if (sent.length > MAX_BATCH) {
    return switches['batch-422'] ? problem(422, `Max batch size is ${MAX_BATCH}`) : problem(413, 'Too many customers');
  }

  const checked = checkUpdates(sent.slice(0, most), switches['strict-fields'] !== undefined);
  if ('errors' in checked) return invalidFields(checked.errors);
  const { updates } = checked;
  const errors = store.customers.update(updates, switches, store);
  if (errors) return updateFailed(errors);
  return json(200, { data: updates.map(({ id }) => store.customers.get(id)), meta: {} });
}

/** Fields that a GET returns only if `include` asks for them, by their names there. */
const INCLUDED = { storecredit: 'store_credit_amounts', formfields: 'form_fields' };

/** Answers `GET /v3/customers`: a page of those in `id:in` or `email:in`, or of all, in the order of their ids. */
export function getCustomers(store: Store, call: Call): Answer {
  const { customers } = store;
  const { ids, total, page } = listed(store, call);
  const include = new URLSearchParams(call.query).get('include')?.split(',') ?? [];
  const left = Object.entries(INCLUDED).flatMap(([name, field]) => (include.includes(name) ? [] : [field]));
  const data = ids.map((id) => {
    const customer = Object.entries(customers.get(id));
    return Object.fromEntries(customer.filter(([field]) => !left.includes(field)));
  });
  customers.read += data.length;
  // The documentation has cursors on the first page only. Asking for a page by cursor is not emulated.
  const ends = page.number === 1 && ids.length > 0;
  const cursors = ends && { start_cursor: cursor(ids[0]), end_cursor: cursor(ids.at(-1)) };
  const cursorPagination = { count: page.count, per_page: page.size, ...cursors };
  return json(200, { data, meta: { ...pagination(page, total), cursor_pagination: cursorPagination } });
}

/** The ids of the customers that the answer to a `GET /v3/customers` lists. */
export const idsListed = (store: Store, call: Call): number[] => listed(store, call).ids;

function listed(store: Store, call: Call) {
  const found = filtered(store, call);
  const total = found?.length ?? store.customers.count;
  const page = pageOf(total, call.query, store.pageSize);
  const ids = Array.from({ length: page.count }, (_, n) => found?.[page.first + n] ?? page.first + n + 1);
  return { ids, total, page };
}

/** The ids of all customers that the filters of a GET leave; undefined without a filter. */
function filtered({ customers }: Store, { query, switches }: Call): number[] | undefined {
  if (switches['filters-ignored']) return undefined;
  const byId = valuesOf(query, 'id:in')
    ?.map(Number)
    .filter((id) => customers.has(id));
  const byEmail = valuesOf(query, 'email:in')?.flatMap((email) =>
    customers.withEmail(email).filter((id) => !switches['exact-case'] || customers.get(id).email === email),
  );
  const found = byId && byEmail ? byId.filter((id) => byEmail.includes(id)) : (byId ?? byEmail);
  return found && [...new Set(found)].sort((a, b) => a - b);
}

const cursor = (id: number | undefined): string => Buffer.from(JSON.stringify({ id })).toString('base64url');

/** Answers `GET /v2/customer_groups`: a page of the store's groups as a bare array, or 204 if there is none on it. */
export function getCustomerGroups({ groups, pageSize }: Store, { query }: Call): Answer {
  const { first, count } = pageOf(groups.length, query, pageSize);
  if (count === 0) return { status: 204, headers: {}, body: '' };
  const rest = { is_default: false, category_access: { type: 'all' }, discount_rules: [], is_group_for_guests: false };
  return json(
    200,
    groups.slice(first, first + count).map((group) => ({ ...group, ...rest })),
  );
}

/** Answers `GET /v2/time`. */
export const getTime = (): Answer => json(200, { time: Math.floor(Date.now() / 1000) });

/** A body as JSON; undefined if it is not. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
