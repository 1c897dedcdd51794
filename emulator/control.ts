import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Answer } from './answers.ts';
import { json } from './answers.ts';
import { deliver } from './delivery.ts';
import { checkUpdates } from './fields.ts';
import { attributes, BadInput, channels, groups, read, token, values, wholeText } from './input.ts';
import { address, readBody } from './requests.ts';
import type { BigCommerce } from './store-calls.ts';
import type { Store } from './stores.ts';

/** Serves `/_control/…`, which inspects and changes what is emulated; `--help` describes every endpoint. */
export async function serveControl(
  bigCommerce: BigCommerce,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { path, query } = address(request);
  const body = await readBody(request);
  const answer = answerControl(
    bigCommerce,
    `${request.method} ${path}`,
    new URLSearchParams(query).get('store') ?? undefined,
    body,
  );
  return deliver(response, { delivery: 'whole', answer }, () => undefined);
}

function answerControl(
  { stores, faults }: BigCommerce,
  route: string,
  queriedStore: string | undefined,
  body: string | undefined,
): Answer {
  const hashes = [...stores.keys()];
  const store = z.enum(hashes);
  const optionalStore = z.object({ store: store.optional() });
  const storeOf = (hash: unknown): Store => stores.get(read('store', hash, store)) as Store;
  try {
    switch (route) {
      case 'GET /_control/stats': {
        if (queriedStore !== undefined) return json(200, storeOf(queriedStore).report());
        return json(200, Object.fromEntries([...stores].map(([hash, one]) => [hash, one.report()])));
      }
      case 'POST /_control/faults': {
        const input = parse(body);
        if (z.object({ clear: z.literal(true) }).safeParse(input).success) {
          faults.clear(read('the body', input, optionalStore).store);
        } else {
          faults.add(input, hashes);
        }
        return json(200, { ok: true });
      }
      case 'POST /_control/tokens': {
        const tokens = z.object({ store, token: token.optional(), scope: z.boolean().optional() });
        const input = read('the body', parse(body), tokens);
        const one = storeOf(input.store);
        one.token = input.token ?? one.token;
        one.scope = input.scope ?? one.scope;
        return json(200, { ok: true });
      }
      case 'POST /_control/stores': {
        const settings = z.object({
          store,
          groups: groups.optional(),
          channels: channels.optional(),
          attributes: attributes.optional(),
        });
        const input = read('the body', parse(body), settings);
        const one = storeOf(input.store);
        one.groups = input.groups ?? one.groups;
        one.channels = input.channels ?? one.channels;
        one.definitions = input.attributes ?? one.definitions;
        return json(200, { ok: true });
      }
      case 'POST /_control/customers': {
        const input = read('the body', parse(body), z.object({ store, customers: z.array(z.unknown()) }));
        const one = storeOf(input.store);
        const checked = checkUpdates(input.customers, true);
        const errors = 'errors' in checked ? checked.errors : one.customers.change(checked.updates, one);
        if (errors) throw new BadInput(`customers: expected what the store accepts, got ${JSON.stringify(errors)}`);
        return json(200, { ok: true });
      }
      case 'POST /_control/attribute-values': {
        const input = read('the body', parse(body), z.object({ store, values }));
        storeOf(input.store).attributes.change(input.values);
        return json(200, { ok: true });
      }
      case 'POST /_control/reset': {
        const { store: hash } = body ? read('the body', parse(body), optionalStore) : {};
        for (const one of hash === undefined ? stores.values() : [storeOf(hash)]) one.reset();
        faults.clear(hash);
        return json(200, { ok: true });
      }
    }
    const [, hash, id] = /^GET \/_control\/customers\/([^/]+)\/([^/]+)$/.exec(route) ?? [];
    if (hash === undefined) throw new BadInput(`expected one of ${ENDPOINTS.join(', ')}, got ${route}`);
    const one = storeOf(hash);
    const known = read('id', id, wholeText(1, one.customers.count));
    return json(200, {
      ...one.customers.get(known),
      _applied: one.customers.timesWritten(known),
      _attributes: one.attributes.of(known),
      _valuesApplied: one.attributes.timesWritten(known),
    });
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
  'POST /_control/stores',
  'POST /_control/customers',
  'POST /_control/attribute-values',
  'POST /_control/reset',
];

function parse(body: string | undefined): unknown {
  try {
    return JSON.parse(body ?? '');
  } catch {
    throw new BadInput(`the body: expected JSON of at most 1 MiB, got ${body ? body.slice(0, 100) : 'nothing'}`);
  }
}
