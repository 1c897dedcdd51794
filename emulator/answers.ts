/** An answer before it is sent. */
export interface Answer {
  status: number;
  /** Names in lower case, as on the wire. */
  headers: Record<string, string>;
  body: string;
  /** Sent without rate-limit headers. */
  bare?: boolean;
}

// The `type` of every error body seen.
const TYPE = 'https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes';

/** An answer whose body is `value` as JSON. */
export const json = (status: number, value: unknown): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
});

/** An answer in plain text, as the gateway in front of the API sends it. */
const text = (status: number, body: string): Answer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body,
});

/** An answer in HTML, as proxies send it. */
export const html = (status: number, title: string): Answer => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: `<html><head><title>${status} ${title}</title></head><body><h1>${status} ${title}</h1></body></html>`,
});

/** An error of the API, with its four members; `errors` are keyed by what they are about. */
export const problem = (status: number, title: string, errors: Record<string, string> = {}): Answer =>
  json(status, { status, title, type: TYPE, errors });

/** The answer to a call with a field that is missing or has the wrong type or length. */
export const invalidFields = (errors: Record<string, string>): Answer =>
  problem(422, 'JSON data is missing or invalid', errors);

/** The answer to a well-formed update that the store rejects. */
export const updateFailed = (errors: Record<string, string>): Answer =>
  problem(422, 'Update customers failed.', errors);

export const NO_TOKEN = text(401, 'Unauthorized: X-Auth-Token is missing');
export const NONSENSE_TOKEN = problem(401, 'Unauthorized');
export const NO_SCOPE = problem(403, "You don't have a required scope to access the endpoint");
export const NO_ROUTE = text(404, 'The route is not found, check the URL');
export const MALFORMED = problem(400, 'Input is invalid');
export const TOO_LARGE = problem(413, 'The request is too large');
export const URL_TOO_LONG: Answer = { ...html(414, 'Request-URI Too Large'), bare: true };
export const NOT_JSON = problem(415, 'Unsupported Media Type');
export const SUSPENDED = problem(503, 'The store is suspended. Contact support.');

/** The answer to a request over a limit: stay away for `retryAfter` seconds. It may lack its headers or its body. */
export function throttled(retryAfter: number, style: { headers: boolean; body: boolean }): Answer {
  const { status, headers, body } = problem(429, 'Too Many Requests');
  return {
    status,
    headers: style.headers ? { ...headers, 'x-retry-after': String(retryAfter) } : headers,
    body: style.body ? body : '',
    bare: !style.headers,
  };
}
