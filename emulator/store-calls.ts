import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from './answers.ts';
import { NO_ROUTE, NO_SCOPE, NO_TOKEN, NONSENSE_TOKEN, throttled, URL_TOO_LONG } from './answers.ts';
import {
  deleteValues,
  getAttributes,
  getValues,
  ownersListed,
  ownersRemoved,
  ownersSent,
  putValues,
} from './attribute-calls.ts';
import type { Call } from './customer-calls.ts';
import { getCustomerGroups, getCustomers, getTime, idsListed, idsSent, putCustomers } from './customer-calls.ts';
import type { Outcome } from './delivery.ts';
import { deliver } from './delivery.ts';
import { meet } from './fault-effects.ts';
import type { Faults } from './faults.ts';
import { address, readBody, valuesOf } from './requests.ts';
import type { Store } from './stores.ts';

/** Everything that is emulated. */
export interface BigCommerce {
  /** By hash. */
  stores: Map<string, Store>;
  faults: Faults;
  /** How long an answer takes, in milliseconds. */
  latency: number;
  /** The most bytes of path and query. */
  maxUrl: number;
}

// A client may replace a request whose connection it has just closed, and we see the close after the new request: a few
// turns of the event loop later, or milliseconds on a busy machine. A request over the limit waits this long for it.
const CLOSING_MS = 20;

interface Route {
  /** Answers a call and applies its first `most` customers or values. */
  serve(store: Store, call: Call, most: number): Answer;
  /** The customers that a call is about, unchecked. */
  ids?(store: Store, call: Call): unknown[];
}

const ROUTES: Record<string, Route> = {
  'PUT /v3/customers': { serve: putCustomers, ids: idsSent('id') },
  'GET /v3/customers': { serve: getCustomers, ids: idsListed },
  'GET /v3/customers/attributes': { serve: getAttributes },
  'PUT /v3/customers/attribute-values': { serve: putValues, ids: ownersSent },
  'GET /v3/customers/attribute-values': { serve: getValues, ids: ownersListed },
  'DELETE /v3/customers/attribute-values': { serve: deleteValues, ids: ownersRemoved },
  'GET /v2/customer_groups': { serve: getCustomerGroups },
  'GET /v2/time': { serve: getTime },
};

/** Serves `/stores/{hash}/…`: counts each request, applies the limits, and answers it or lets it meet a fault. */
export async function serveCall(
  { stores, faults, latency, maxUrl }: BigCommerce,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { path, query } = address(request);
  const [, hash = '', route = ''] = /^\/stores\/([^/]+)(\/.*)$/.exec(path) ?? [];
  const token = request.headers['x-auth-token'];
  const store = stores.get(hash);
  const refused = refusal(stores, store, token);
  if (!store) {
    const answer = hash ? (refused ?? NO_SCOPE) : NO_ROUTE;
    return deliver(response, { delivery: 'whole', answer }, () => undefined);
  }

  const now = performance.now();
  const { ended, inFlight } = store.stats.arrive(request, now);
  response.once('close', () => ended());
  const asked = `${request.method} ${route}`;
  const { serve, ids } = ROUTES[asked] ?? {};
  if (serve) store.stats.asked(asked);
  const switches = faults.switches(hash);
  const respond = (outcome: Outcome) => deliver(response, limited(store, outcome), ended);
  const answer = (answer: Answer) => respond({ delivery: 'whole', answer });

  // The gateway in front of the API refuses these, before anything counts them.
  if ((request.url ?? '').length > maxUrl) return answer(URL_TOO_LONG);

  const otherApp = switches['other-app'] ?? { slots: 0, quota: 0 };
  if (store.limits.isCrowded(inFlight(), otherApp)) await delay(CLOSING_MS, undefined, { ref: false });
  store.stats.saw(inFlight());
  const stayAway = store.limits.admit(now, inFlight(), otherApp);
  if (stayAway > 0) return answer(throttled(stayAway, switches['throttle-style'] ?? { headers: true, body: true }));

  const body = await readBody(request);
  if (refused) return answer(refused);
  if (!serve) return answer(NO_ROUTE);

  const call: Call = { contentType: request.headers['content-type'] ?? '', query, body, switches };
  const fault = faults.take(hash, request.method === 'GET' ? 'GET' : 'PUT', {
    endpoint: route.split('/').at(-1) ?? '',
    ids: () => ids?.(store, call) ?? [],
    emails: () => valuesOf(query, 'email:in') ?? [],
  });
  const { ms, jitter } = switches.latency ?? { ms: latency, jitter: 0 };
  await delay(ms + jitter * Math.random(), undefined, { ref: false });

  // Continues if the client has left meanwhile: a real store would not notice.
  const run = (most: number) => serve(store, call, most);
  return respond(fault ? meet(fault, run) : { delivery: 'whole', answer: run(Infinity) });
}

/** Why a store refuses a token. A store that does not exist is like one that the token is not for. */
function refusal(stores: Map<string, Store>, store: Store | undefined, token: unknown): Answer | undefined {
  if (!token) return NO_TOKEN;
  if (store && token === store.token) return store.scope ? undefined : NO_SCOPE;
  return [...stores.values()].some((other) => other.token === token) ? NO_SCOPE : NONSENSE_TOKEN;
}

/** Adds the request id and rate-limit headers that every answer of a store has, and notes if it says to stay away. */
function limited(store: Store, outcome: Outcome): Outcome {
  if (!('answer' in outcome) || outcome.answer.bare) return outcome;
  const now = performance.now();
  const headers: Record<string, string> = {
    'x-request-id': randomUUID(),
    ...store.limits.headers(now),
    ...outcome.answer.headers,
  };
  const retryAfter = headers['x-retry-after'];
  if (retryAfter) store.stats.toldToStayAway(now, Math.max(Number(retryAfter) * 1000, store.limits.resetIn(now)));
  return { ...outcome, answer: { ...outcome.answer, headers } };
}
