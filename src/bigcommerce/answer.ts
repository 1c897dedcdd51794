/** What an answer from the store means. Pure. The classes are those of BigCommerce's error table, and no others. */
import { z } from 'zod';
import type { OutcomeCode } from '../contract/job.ts';
import { findEmails, isHtml, tidy } from './message.ts';
import { type Headers, readRetryAfterMs, readThrottleMs } from './headers.ts';
import { type Part, setPart } from './parts.ts';

/** An answer as received. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** What the store says is wrong with a customer. */
export interface Complaint {
  code: OutcomeCode;
  /** For people. Never contains an e-mail address. */
  message: string;
}

/** The store took the call. */
export interface Taken<T> {
  kind: 'ok';
  /** The body of its answer, as the request reads it. */
  body: T;
}

/** The call failed because of its content: the store does not accept one or more of its customers. */
export interface Isolate extends Complaint {
  kind: 'isolate';
  /** Complaints that name a customer by its index in the array sent. Usually one: the store stops at the first. */
  named: ({ index: number } & Complaint)[];
  /** E-mail addresses in the answer, lower-case: customers' data, which must not be kept. */
  emails: string[];
  /** The URL is too long. */
  tooLong?: boolean;
}

export type Verdict<T> =
  | Taken<T>
  /** `waitMs` is undefined if the headers do not say. */
  | { kind: 'throttled'; waitMs: number | undefined }
  /** Nobody knows what happened; `waitMs` is what the store asked for, if anything. */
  | { kind: 'unavailable'; reason: string; waitMs: number | undefined }
  | Isolate
  /** The message says how to fix it. `forToken`: another token may be accepted. */
  | { kind: 'refused'; message: string; forToken: boolean };

/** How to read the answer to a request. */
export interface Reading<T> {
  /** Reads the JSON of a 200; returns undefined if that is not what was expected. */
  read: (body: unknown) => T | undefined;
  /** What a 204 means, an answer without a body; left out if there is to be one. */
  none?: T;
  /** It asks for several customers: if its URL is too long, or has one that the store won't be asked for, fewer may do. */
  asksForSeveral?: true;
  /** What must not be quoted: the token, and the values sent. Called for errors only. */
  secrets: () => string[];
}

const updatedBody = z.looseObject({ data: z.array(z.looseObject({ id: z.int() })) });

/** Reads the ids in the answer to `PUT /v3/customers`, whose fields grow without notice. */
export function updatedIds(body: unknown): number[] | undefined {
  return updatedBody.safeParse(body).data?.data.map(({ id }) => id);
}

const valuesBody = z.looseObject({ data: z.array(z.looseObject({ customer_id: z.int(), attribute_id: z.int() })) });

/** Reads which values are in the answer to `PUT /v3/customers/attribute-values`. */
export function setValues(body: unknown): Part[] | undefined {
  return valuesBody.safeParse(body).data?.data.map((value) => setPart(value.customer_id, value.attribute_id));
}

const meta = z.looseObject({ pagination: z.looseObject({ count: z.int(), total_pages: z.int() }) });

/** How to read a page of a list. It must say how many items and pages there are, and contain that many. */
const listOf =
  <T>(item: z.ZodType<T>) =>
  (body: unknown): Listed<T> | undefined => {
    const { data } = z.looseObject({ data: z.array(item), meta }).safeParse(body);
    if (data?.meta.pagination.count !== data?.data.length) return undefined;
    return data && { items: data.data, pages: data.meta.pagination.total_pages };
  };

/** A customer with its current values. */
export type ListedCustomer = { id: number } & Record<string, unknown>;

/** A page of a list. */
export interface Listed<T> {
  items: T[];
  /** Number of pages in the list. */
  pages: number;
}

/** Reads the answer to `GET /v3/customers`: a customer counts as missing only if the list is known to be whole. */
export const listedCustomers = listOf<ListedCustomer>(z.looseObject({ id: z.int() }));

/** The value that a customer has of an attribute. */
export interface ListedValue {
  id: number;
  customer_id: number;
  attribute_id: number;
  /** The API calls it `value` when it takes one. */
  attribute_value: string;
}

const text = z.union([z.string(), z.number()]).transform(String);

/** Reads the answer to `GET /v3/customers/attribute-values`. */
export const listedValues = listOf<ListedValue>(
  z.object({ id: z.int().positive(), customer_id: z.int(), attribute_id: z.int(), attribute_value: text }),
);

/** An attribute of customers as the store defines it. */
export interface AttributeDefinition {
  id: number;
  name: string;
  type: 'string' | 'number' | 'date';
}

/** Reads the answer to `GET /v3/customers/attributes`. A type that is not known is text to us. */
export const listedAttributes = listOf<AttributeDefinition>(
  z.object({ id: z.int(), name: z.string(), type: z.enum(['string', 'number', 'date']).catch('string') }),
);

const groupsBody = z.array(z.looseObject({ id: z.int(), name: z.string() }));

/** Reads the answer to `GET /v2/customer_groups`: a page of a bare list. */
export function listedGroups(body: unknown): { id: number; name: string }[] | undefined {
  return groupsBody.safeParse(body).data?.map(({ id, name }) => ({ id, name }));
}

/** Reads the answer to `GET /v2/time`, of which nothing is used. */
export function anyObject(body: unknown): object | undefined {
  return typeof body === 'object' && body !== null ? body : undefined;
}

const errorBody = z.looseObject({
  title: z.string().optional().catch(undefined),
  errors: z.record(z.string(), z.unknown()).optional().catch(undefined),
});

const ISOLATE = new Set([207, 400, 409, 413, 422]);
const TOO_LONG = new Set([413, 414, 431]);
const UNAVAILABLE = new Set([408, 423, 499]);
const REFUSED_5XX = new Set([501, 505, 507]);

/** Each is followed by how to set another token. */
const TOKEN_REFUSED: Record<number, string> = {
  401: 'The store refuses its access token: ',
  403:
    'The access token does not have the scope "Customers: modify" or belongs to another store: ' +
    'give its API account the scope, or ',
};
const CURES: Record<number, string> = {
  404: 'The API does not know this address: check BIGCOMMERCE_API_URL and the store hash.',
  503: 'The store is suspended: have it reopened, then resume.',
  507: "The store has reached its plan's limit: raise the limit, then resume.",
};
const REDIRECT_CURE = 'Redirects are not followed, because they would pass on the token: check BIGCOMMERCE_API_URL.';
const OTHER_CURE = 'The store does not accept such a call: check BIGCOMMERCE_API_URL, then resume.';

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Classifies an answer. `tokenCure` says how to set another token: the end of a sentence. */
export function classify<T>(answer: Answer, reading: Reading<T>, tokenCure: string): Verdict<T> {
  const { read, none, secrets, asksForSeveral } = reading;
  const { status, headers, text } = answer;
  if (status === 429) return { kind: 'throttled', waitMs: readThrottleMs(headers) };
  if (status === 204 && none !== undefined) return { kind: 'ok', body: none };
  if (status === 200) {
    const body = read(parseJson(text));
    return body === undefined ? unavailable(answer, 'an answer that cannot be read') : { kind: 'ok', body };
  }
  const error = errorBody.safeParse(parseJson(text)).data;
  if (asksForSeveral && TOO_LONG.has(status)) return { ...isolate(answer, error, secrets()), tooLong: true };
  if (ISOLATE.has(status) || (status === 404 && error)) return isolate(answer, error, secrets());
  // A page, or JSON without a title: something in front of the API has answered, and for as long as it likes.
  const foreign = error?.title === undefined && (isHtml(text) || error !== undefined);
  if (foreign && TOKEN_REFUSED[status])
    return unavailable(answer, `the status ${status}, but not in the API's own words`);
  const says = error?.title ?? (isHtml(text) ? '' : text);
  const suspended = status === 503 && /^\s*the store is suspended/i.test(says);
  if (suspended || REFUSED_5XX.has(status) || (status >= 300 && status < 500 && !UNAVAILABLE.has(status))) {
    const token = TOKEN_REFUSED[status];
    const cure = token ? `${token}${tokenCure}.` : status < 400 ? REDIRECT_CURE : (CURES[status] ?? OTHER_CURE);
    const message = `${cure} It answered ${status}${says ? `: ${tidy(says, secrets())}` : '.'}`;
    return { kind: 'refused', message, forToken: token !== undefined };
  }
  return unavailable(answer, `the status ${status}`);
}

function unavailable({ headers }: Answer, what: string): Verdict<never> {
  return { kind: 'unavailable', reason: `The store gave ${what}.`, waitMs: readRetryAfterMs(headers) };
}

// Far more than there is to say about ten customers; an answer could have a hundred thousand.
const MAX_COMPLAINTS = 100;

/** A value of an answer as text; empty if it is nested too deeply to be written as JSON. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value);
  } catch {
    return '';
  }
}

function isolate({ status, text }: Answer, error: z.infer<typeof errorBody> | undefined, secrets: string[]): Isolate {
  const complaints = Object.entries(error?.errors ?? {}).slice(0, MAX_COMPLAINTS);
  const entries = complaints.map(([key, value]) => {
    const said = textOf(value);
    // "0.id" is the field `id` of the first customer; ".customer_update" is not a field.
    const [, index, field = ''] = /^(?:\[?(\d+)\]?(?:\.|$))?(.*)$/s.exec(key) ?? [];
    const named = field === '' || field.startsWith('.') ? said : `${field}: ${said}`;
    return { index: index === undefined ? undefined : Number(index), said: named };
  });
  const quoted = entries.map(({ said }) => said).join('; ') || error?.title || (isHtml(text) ? '' : text);
  const complaint = (said: string): Complaint => ({ code: codeOf(said), message: tidy(said, secrets) });
  return {
    kind: 'isolate',
    // A partial success that names nobody leaves open who was updated.
    ...(status === 207 && entries.length === 0
      ? { code: 'unavailable', message: 'The store answered 207, partly done, without saying for whom.' }
      : complaint(quoted || `The store answered ${status}.`)),
    named: entries.flatMap(({ index, said }) => (index === undefined ? [] : [{ index, ...complaint(said) }])),
    emails: findEmails(quoted),
  };
}

function codeOf(said: string): OutcomeCode {
  if (/invalid customer id/i.test(said)) return 'unknown_id';
  if (/e-?mail|@/i.test(said) && /already (in use|exists|taken|registered)/i.test(said)) return 'email_taken';
  return 'rejected';
}
