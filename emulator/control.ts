import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from './answers.ts';
import { json } from './answers.ts';
import { BadInput, checked, object, oneOf, spelt, token, trueOrFalse, wholeNumber } from './checks.ts';
import { deliver } from './delivery.ts';
import { address, readBody } from './requests.ts';
import type { BigCommerce } from './store-calls.ts';
import type { Store } from './stores.ts';

/** Takes a request to `/_control/…`, which watches and changes what is emulated; `--help` describes them all. */
export async function serveControl(
  bigCommerce: BigCommerce,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { path, query } = address(request);
  const body = await readBody(request);
  const answer = answerControl(bigCommerce, `${request.method} ${path}`, query.get('store') ?? undefined, body);
  return deliver(response, { delivery: 'whole', answer }, () => undefined);
}

function answerControl(
  { stores, faults }: BigCommerce,
  route: string,
  queriedStore: string | undefined,
  body: string | undefined,
): Answer {
  const hashes = [...stores.keys()];
  const storeOf = (hash: unknown): Store => stores.get(checked('store', hash, oneOf(...hashes))) as Store;
  try {
    switch (route) {
      case 'GET /_control/stats': {
        if (queriedStore !== undefined) return json(200, storeOf(queriedStore).report());
        return json(200, Object.fromEntries([...stores].map(([hash, store]) => [hash, store.report()])));
      }
      case 'POST /_control/faults': {
        const input = parse(body);
        if (object.accepts(input) && input['clear'] === true) faults.clear(optionalHash(input, storeOf));
        else faults.add(input, hashes);
        return json(200, { ok: true });
      }
      case 'POST /_control/tokens': {
        const input = checked('the body', parse(body), object);
        const store = storeOf(input['store']);
        const scope = input['scope'] === undefined ? store.scope : checked('scope', input['scope'], trueOrFalse);
        if (input['token'] !== undefined) store.token = checked('token', input['token'], token);
        store.scope = scope;
        return json(200, { ok: true });
      }
      case 'POST /_control/reset': {
        const hash = optionalHash(body ? checked('the body', parse(body), object) : {}, storeOf);
        for (const store of hash === undefined ? stores.values() : [storeOf(hash)]) store.reset();
        faults.clear(hash);
        return json(200, { ok: true });
      }
    }
    const [, hash, id] = /^GET \/_control\/customers\/([^/]+)\/([^/]+)$/.exec(route) ?? [];
    if (hash === undefined) throw new BadInput(`expected one of ${ENDPOINTS.join(', ')}, got ${route}`);
    const { customers } = storeOf(hash);
    const known = checked('id', spelt(id), wholeNumber(1, customers.count));
    return json(200, { ...customers.get(known), _applied: customers.timesWritten(known) });
  } catch (error) {
    if (error instanceof BadInput) return json(400, { error: error.message });
    throw error;
  }
}

const ENDPOINTS = [
  'GET /_control/stats',
  'GET /_control/customers/{store}/{id}',
  'POST /_control/faults',
  'POST /_control/tokens',
  'POST /_control/reset',
];

const optionalHash = (input: Record<string, unknown>, storeOf: (hash: unknown) => Store): string | undefined =>
  input['store'] === undefined ? undefined : storeOf(input['store']).hash;

function parse(body: string | undefined): unknown {
  try {
    return JSON.parse(body ?? '');
  } catch {
    throw new BadInput(`the body: expected JSON of at most 1 MiB, got ${body ? body.slice(0, 100) : 'nothing'}`);
  }
}
