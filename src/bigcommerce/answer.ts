/** What an answer of the store means. Pure. The classes are those of BigCommerce's error table, and there are no others. */
import { z } from 'zod';
import type { OutcomeCode } from '../contract/job.ts';
import { findEmails, isHtml, tidy } from './message.ts';
import { type Headers, readRetryAfterMs, readThrottleMs } from './headers.ts';

/** An answer as it came. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** What the store says against a customer. */
export interface Complaint {
  code: OutcomeCode;
  /** For people. Never holds an e-mail address. */
  message: string;
}

/** A call that failed for what it carries: some of its customers, or one, are not acceptable. */
export interface Isolate extends Complaint {
  kind: 'isolate';
  /** Complaints about customers named by their index in the array sent. Usually one: the store stops at the first. */
  named: ({ index: number } & Complaint)[];
  /** E-mail addresses in the answer, lower-case: customers' data, not to be kept. */
  emails: string[];
}

export type Verdict =
  /** Ids of the customers in the answer. */
  | { kind: 'ok'; ids: number[] }
  /** `waitMs` is undefined where the headers say nothing. */
  | { kind: 'throttled'; waitMs: number | undefined }
  /** Nobody knows what happened; `waitMs` is what the store asked for, if it did. */
  | { kind: 'unavailable'; reason: string; waitMs: number | undefined }
  | Isolate
  /** The message says what to do. `forToken`: another token may be taken. */
  | { kind: 'refused'; message: string; forToken: boolean };

/** What a 200 is expected to hold, and how to quote the store. */
export interface Reading {
  /** The ids of a 200, undefined where the body is not the one expected. */
  ids: (body: unknown) => number[] | undefined;
  /** What must not be quoted: the token, and the values sent. Asked for errors only. */
  secrets: () => string[];
}

const updatedBody = z.looseObject({ data: z.array(z.looseObject({ id: z.int() })) });

const errorBody = z.looseObject({
  title: z.string().optional().catch(undefined),
  errors: z.record(z.string(), z.unknown()).optional().catch(undefined),
});

/** Reads the answer of `PUT /v3/customers`; fields are added there without notice. */
export function updatedIds(body: unknown): number[] | undefined {
  return updatedBody.safeParse(body).data?.data.map(({ id }) => id);
}

const listedBody = z.looseObject({
  data: z.array(z.looseObject({ id: z.int() })),
  meta: z.looseObject({ pagination: z.looseObject({ count: z.int(), total_pages: z.int() }) }),
});

/** A customer with the values that it has at present. */
export type ListedCustomer = { id: number } & Record<string, unknown>;

/** A page of a list of customers. */
export interface Listed {
  customers: ListedCustomer[];
  /** How many pages the list has. */
  pages: number;
}

/**
 * Reads the answer of `GET /v3/customers`, a page of a list. One that does not say how many customers and pages there are,
 * or holds fewer, is not the one expected: whoever is missing from a list has to be known to be missing.
 */
export function listedCustomers(body: unknown): Listed | undefined {
  const { data } = listedBody.safeParse(body);
  if (data?.meta.pagination.count !== data?.data.length) return undefined;
  return data && { customers: data.data, pages: data.meta.pagination.total_pages };
}

/** Reads the answer of `GET /v2/time`. */
export function noIds(body: unknown): number[] | undefined {
  return typeof body === 'object' && body !== null ? [] : undefined;
}

const ISOLATE = new Set([207, 400, 409, 413, 422]);
const UNAVAILABLE = new Set([408, 423, 499]);
const REFUSED_5XX = new Set([501, 505, 507]);

/** What stands before what is to be done for another token. */
const TOKEN_REFUSED: Record<number, string> = {
  401: 'The store does not take its access token: ',
  403: 'The access token lacks the scope "Customers: modify" or belongs to another store: give its API account the scope, or ',
};
const CURES: Record<number, string> = {
  404: 'There is no such address: check BIGCOMMERCE_API_URL and the store hash.',
  503: 'The store is suspended: have it reopened, then resume.',
  507: "The store's plan is at its limit: raise it, then resume.",
};
const REDIRECT_CURE = 'Redirects are not followed, since the token would go along: check BIGCOMMERCE_API_URL.';
const OTHER_CURE = 'The store takes no such call: check BIGCOMMERCE_API_URL, then resume.';

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The class of an answer, and what is to be known of it. `tokenCure` says what a person does for another token. */
export function classify(answer: Answer, { ids: read, secrets }: Reading, tokenCure: string): Verdict {
  const { status, headers, text } = answer;
  if (status === 429) return { kind: 'throttled', waitMs: readThrottleMs(headers) };
  if (status === 200) {
    const ids = read(parseJson(text));
    return ids ? { kind: 'ok', ids } : unavailable(answer, 'an answer that cannot be read');
  }
  const error = errorBody.safeParse(parseJson(text)).data;
  if (ISOLATE.has(status) || (status === 404 && error)) return isolate(answer, error, secrets());
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

function unavailable({ headers }: Answer, what: string): Verdict {
  return { kind: 'unavailable', reason: `The store gave ${what}.`, waitMs: readRetryAfterMs(headers) };
}

// Far more than there is to say of ten customers, in an answer that may have a hundred thousand.
const MAX_COMPLAINTS = 100;

/** A value of an answer as text: nothing where it is nested too deeply to be one. */
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
    // "0.id" is the field `id` of the first customer; ".customer_update" is no field.
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
      ? { code: 'unavailable', message: 'The store answered 207, partly done, and did not say who.' }
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
