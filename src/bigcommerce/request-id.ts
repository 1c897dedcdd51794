import type { Headers } from './rate-limit.ts';

/**
 * `x-request-id`, by which whoever runs the API finds a call in its own logs. A guess, since BigCommerce documents none:
 * undefined where an answer has none, or what it has does not look like an id.
 */
export function readRequestId(headers: Headers): string | undefined {
  const id = headers['x-request-id'];
  return typeof id === 'string' && /^[\w.:+/=-]{1,100}$/.test(id) ? id : undefined;
}
