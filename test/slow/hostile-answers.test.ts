/** The API may answer anything: what the real store client makes of it, over real HTTP. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { StoreError, Throttled, Unavailable } from '../../src/bigcommerce/errors.ts';
import { Api } from '../../src/bigcommerce/http.ts';
import { type Store, Stores } from '../../src/bigcommerce/store.ts';
import { Tokens } from '../../src/bigcommerce/tokens.ts';
import { cpuTimer } from '../support/cpu.ts';
import { FUZZ_MS, RUNS } from '../support/fuzz.ts';

const TOKEN = 's3cret-token-of-the-store';
const EMAIL = 'ann.miller@example.com';
const NOTES = 'a long story of hers';

/** The answer to every request. */
let reply: { status: number; headers: Record<string, string | string[]>; body: string | Buffer };
let url: string;
let stores: Stores[] = [];

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response.writeHead(reply.status, reply.headers);
    response.end(reply.body);
  });
});

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await Promise.all(stores.splice(0).map((one) => one.close()));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** A store that has not answered anything yet. */
function freshStore(apiUrl = url): Store {
  const tokens = new Tokens({ storeHash: 'abc', token: TOKEN }, () => {});
  const observe = () => ({ callStarted: () => {}, callEnded: () => {}, quotaLeft: () => {} });
  const made = new Stores({ api: new Api(apiUrl, '1.2.3'), tokens, quotaReservePercent: 0, observe });
  stores.push(made);
  return made.get('abc');
}

/** A permit that ends, because an answer may ask to wait an hour before the next call. */
const permit = () => ({ lost: new AbortController().signal, draining: AbortSignal.timeout(10_000), check: () => {} });
const body = JSON.stringify([
  { id: 1, email: EMAIL, notes: NOTES },
  { id: 2, first_name: 'Bob' },
  { id: 3, notes: 'x' },
]);
/** The same with values to set and to remove, and one customer of whom nothing else is sent: seven parts. */
const withAttributes = JSON.stringify([
  { id: 1, email: EMAIL, attributes: { 1: NOTES, 2: null } },
  { id: 2, first_name: 'Bob', attributes: { 1: 'x' } },
  { id: 3, attributes: { 1: EMAIL, 2: null } },
]);
const CONTROL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** What every message must be like, whoever wrote it. */
function expectFit(message: string): void {
  expect(message.length).toBeLessThanOrEqual(400);
  expect(message).not.toMatch(CONTROL);
  for (const secret of [TOKEN, EMAIL, NOTES]) expect(message).not.toContain(secret);
}

/** Sends three customers: all of them are settled, or an error of ours, which it returns, says why not. */
async function send(
  store = freshStore(),
  own: { draining?: AbortSignal } = {},
  sent = body,
): Promise<StoreError | undefined> {
  try {
    const outcome = await store.updateCustomers({ body: sent, permit: { ...permit(), ...own } });
    const { updated, rejected, failed, calls } = outcome;
    expect([...updated, ...[...rejected, ...failed].map(({ id }) => id)].sort((a, b) => a - b)).toEqual([1, 2, 3]);
    // 3 n - 1, as isolate.ts says.
    expect(calls).toBeLessThanOrEqual(sent === body ? 8 : 20);
    for (const { message } of [...rejected, ...failed]) expectFit(message);
    return undefined;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    expectFit(error.message);
    if (error instanceof Throttled || error instanceof Unavailable) {
      expect(error.delayMs ?? 0).toBeGreaterThanOrEqual(0);
      expect(error.delayMs ?? 0).toBeLessThanOrEqual(3_600_000 + 1);
    }
    expect(JSON.stringify(error.attempt.state ?? null).length).toBeLessThan(10_000);
    return error;
  }
}

const HEADERS = [
  'x-rate-limit-requests-quota',
  'x-rate-limit-requests-left',
  'x-rate-limit-time-window-ms',
  'x-rate-limit-time-reset-ms',
  'x-retry-after',
  'x-request-id',
  'location',
  'content-type',
];

const status = fc.oneof(
  fc.constantFrom(200, 207, 400, 401, 403, 404, 409, 413, 422, 429, 500, 501, 502, 503, 504, 507, 301, 302, 307, 308),
  fc.integer({ min: 200, max: 999 }),
);
const headerValue = fc.oneof(
  fc.constantFrom('0', '1', '150', '30000', '-1', 'NaN', '1e99', 'Infinity', '9'.repeat(400), '0.0001', '', '3600000'),
  fc.integer().map(String),
  fc.string({ maxLength: 60 }).map((text) => text.replace(/[^\x20-\x7e]/g, '').trim()),
);
const said = fc.oneof(
  fc.constantFrom(
    `${EMAIL} already in use`,
    'Invalid customer id',
    `${TOKEN} is bad`,
    `${NOTES}!`,
    '\u001b[2J\u202E',
    '',
  ),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.json(),
  fc.jsonValue(),
);
const complaints = fc.dictionary(
  fc.oneof(fc.constantFrom('0.id', '1', '[2]', '.customer_update', '99.email', '__proto__', 'email'), fc.string()),
  said,
);
const answerBody = fc.oneof(
  fc.record({ status: fc.integer(), title: said, type: said, errors: complaints }, { requiredKeys: [] }).map(jsonOf),
  fc
    .record({ data: fc.array(fc.oneof(fc.record({ id: fc.integer({ min: 0, max: 4 }) }), fc.jsonValue())) })
    .map(jsonOf),
  fc.json(),
  fc.string({ unit: 'binary' }),
  fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom('', '<html>nope</html>', 'the store is suspended', '{"data":', '[]', 'null', '{"data":[]}'),
);

function jsonOf(value: unknown): string {
  return JSON.stringify(value);
}

test(
  'whatever the API answers, each customer is settled or an error of ours says why not, and quotes no secret',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        status,
        fc.dictionary(fc.constantFrom(...HEADERS), headerValue),
        answerBody,
        async (code, headers, content) => {
          reply = { status: code, headers, body: [204, 304].includes(code) ? '' : content };
          await send(freshStore(), { draining: AbortSignal.timeout(500) });
          await send(freshStore(), { draining: AbortSignal.timeout(500) }, withAttributes);
          await Promise.all(stores.splice(0).map((one) => one.close()));
        },
      ),
      { numRuns: RUNS },
    );
  },
  FUZZ_MS,
);

describe('an answer that is', () => {
  const deep = `${'['.repeat(1_900_000)}${']'.repeat(1_900_000)}`;
  const many = Object.fromEntries(Array.from({ length: 200_000 }, (_, index) => [String(index), 'no']));

  test.each<[string, number, string | Buffer]>([
    ['an error of 3.9 MB', 422, JSON.stringify({ title: 'x'.repeat(3_900_000) })],
    ['an error page of 3.9 MB', 422, `<html>${'x'.repeat(3_900_000)}`],
    ['nested a million deep', 200, deep],
    ['an error nested a million deep', 422, `{"errors":{"0.id":${deep}}}`],
    ['an error with 200,000 complaints', 422, JSON.stringify({ title: 'x', errors: many })],
    ['200,000 customers', 200, JSON.stringify({ data: Array.from({ length: 200_000 }, (_, id) => ({ id })) })],
    ['white space only', 503, ' '.repeat(3_900_000)],
    [
      '200,000 values',
      200,
      JSON.stringify({ data: Array.from({ length: 200_000 }, () => ({ customer_id: 1, attribute_id: 1 })) }),
    ],
    ['gzip', 200, gzipSync('{"data":[{"id":1},{"id":2},{"id":3}]}')],
  ])('%s neither takes long nor crashes the process', async (_, code, content) => {
    reply = {
      status: code,
      headers: { 'content-encoding': Buffer.isBuffer(content) ? 'gzip' : 'identity' },
      body: content,
    };
    const cpuMs = cpuTimer();
    await send();
    expect(cpuMs()).toBeLessThan(20_000);
  });

  test('of 100 MB is not read to its end', async () => {
    reply = { status: 422, headers: {}, body: Buffer.alloc(100_000_000, 'x') };
    expect(await send()).toBeInstanceOf(Unavailable);
  });

  test('full of headers counts as no answer', async () => {
    reply = { status: 200, headers: { 'x-nonsense': 'x'.repeat(100_000) }, body: '{}' };
    expect(await send()).toBeInstanceOf(Unavailable);
  });

  test.each([301, 302, 303, 307, 308])('a redirect (%i) is not followed', async (code) => {
    let followed = 0;
    const elsewhere = createServer(() => void followed++).listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;
    reply = { status: code, headers: { location }, body: '' };
    expect((await send())?.message).toMatch(/Redirects are not followed/);
    expect(followed).toBe(0);
    elsewhere.close();
  });
});

test('endless quota numbers do not stop the next call', async () => {
  const store = freshStore();
  const nines = '9'.repeat(400);
  const headers = Object.fromEntries(HEADERS.slice(0, 5).map((name) => [name, nines]));
  reply = { status: 200, headers, body: JSON.stringify({ data: [{ id: 1 }, { id: 2 }, { id: 3 }] }) };
  expect(await send(store)).toBeUndefined();
  expect(await send(store)).toBeUndefined();
});
