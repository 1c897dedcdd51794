/** The API may answer anything: what the real store client makes of it, over real HTTP. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import fc from 'fast-check';
import { lookUpPage } from '../../src/activities/look-up-page.ts';
import { StoreError, Throttled, Unavailable } from '../../src/bigcommerce/errors.ts';
import { Api } from '../../src/bigcommerce/http.ts';
import { type CallOptions, type Store, Stores } from '../../src/bigcommerce/store.ts';
import { Tokens } from '../../src/bigcommerce/tokens.ts';
import type { PageOutcome, PageRef } from '../../src/contract/activities.ts';
import type { Match } from '../../src/contract/job.ts';
import { backUpAllRead } from '../../src/jobs/backup.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import { LookUpFiles } from '../../src/jobs/look-ups.ts';
import { newSet, PageReader } from '../../src/jobs/pages.ts';
import { prepare } from '../../src/jobs/prepare.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { inline, newStorage } from '../jobs/support.ts';
import { cpuTimer } from '../support/cpu.ts';
import { FUZZ_MS, RUNS } from '../support/fuzz.ts';

const TOKEN = 's3cret-token-of-the-store';
const EMAIL = 'ann.miller@example.com';
const OTHER = 'bob@example.com';
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

/** What every message must be like, whoever wrote it; `sent` is what the call had in it. */
function expectFit(message: string, sent = [NOTES]): void {
  expect(message.length).toBeLessThanOrEqual(400);
  expect(message).not.toMatch(CONTROL);
  for (const secret of [TOKEN, EMAIL, ...sent]) expect(message).not.toContain(secret);
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

describe('whatever the API answers to a question,', () => {
  const set = {
    notes: 'x',
    company: '',
    customer_group_id: 2,
    authentication: { force_password_reset: true },
    store_credit_amounts: [{ amount: 1 }],
    channel_ids: [1, 2],
    form_fields: [
      { name: 'Size', value: 'XL' },
      { name: 'Likes', value: ['tea'] },
    ],
  };
  const anything = fc.oneof(fc.constant(null), fc.jsonValue({ maxDepth: 2 }));
  /** Nearly always this, so that the rest of the answer is looked at. */
  const mostly = <T>(usual: fc.Arbitrary<T>, weight = 40) => fc.oneof({ weight, arbitrary: usual }, anything);
  /** Mostly what a row sets, so that the fields after it are looked at. */
  const as = (wanted: unknown) => mostly(fc.constant(wanted), 8);
  const customer = fc.record(
    {
      id: mostly(fc.integer({ min: 1, max: 3 })),
      email: mostly(fc.constantFrom(EMAIL, EMAIL.toUpperCase(), OTHER)),
      notes: as(set.notes),
      company: as(set.company),
      customer_group_id: as(set.customer_group_id),
      authentication: as(set.authentication),
      store_credit_amounts: fc.oneof(as(set.store_credit_amounts), fc.array(mostly(fc.constant({ amount: 1 }), 1))),
      channel_ids: fc.oneof(as(set.channel_ids), fc.array(anything)),
      form_fields: fc.oneof(as(set.form_fields), fc.array(fc.oneof(anything, ...set.form_fields.map(as)))),
    },
    { requiredKeys: ['id', 'email', 'notes', 'company', 'customer_group_id', 'authentication'] },
  );
  /** Lists as the store gives them, of anything; most are read to their end. */
  const list = fc
    .record({
      data: fc.array(customer, { maxLength: 4 }),
      count: mostly(fc.constant(undefined)),
      pages: mostly(fc.integer({ min: 0, max: 2 })),
    })
    .map(({ data, count, pages }) =>
      jsonOf({ data, meta: { pagination: { count: count ?? data.length, total_pages: pages } } }),
    );
  const group = fc.record({ id: mostly(fc.integer()), name: mostly(fc.string()) });
  const groups = fc.array(mostly(group)).map(jsonOf);
  const read = fc.oneof({ weight: 10, arbitrary: fc.constant(200) }, status);
  const answers = fc.dictionary(fc.constantFrom(...HEADERS), headerValue);

  const ROWS = {
    id: [1, 2, 3].map((id) => ({ id, ...set })),
    email: [
      { email: EMAIL, ...set },
      { email: OTHER, new_email: 'new@example.com' },
    ],
  };
  const keysOf = (match: Match) => jobKeys({ storeHash: 'abc', key: match });
  let storage: Storage;
  let lookUps: () => LookUpFiles;

  beforeAll(async () => {
    storage = await newStorage();
    lookUps = () => new LookUpFiles(storage, new PageReader(storage));
    for (const match of ['id', 'email'] as const) {
      const records = inline(ROWS[match], { match });
      const keys = await newSet(storage, keysOf(match));
      await prepare({ storage, keys, records, limit: null, match });
    }
  });

  test.each(['id', 'email'] as const)(
    'a look-up by %s settles each row or says why not, and its backup can be written',
    async (match) => {
      const asking = async (skipUnchanged: boolean): Promise<PageOutcome> => {
        const store = freshStore();
        const parts = {
          store,
          permit: { ...permit(), draining: AbortSignal.timeout(500) },
          lookUps: lookUps(),
          storage,
        };
        const ref: PageRef = {
          job: { storeHash: 'abc', key: match },
          page: 0,
          asked: [[0, 1]],
          match,
          skipUnchanged,
          dryRun: false,
        };
        const quiet = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR', () => {}) });
        return quiet.run(lookUpPage as (...args: unknown[]) => Promise<PageOutcome>, parts, ref);
      };
      await fc.assert(
        fc.asyncProperty(
          read,
          answers,
          fc.oneof({ weight: 10, arbitrary: list }, answerBody),
          fc.boolean(),
          async (code, headers, content, skip) => {
            reply = { status: code, headers, body: [204, 304].includes(code) ? '' : content };
            await storage.deleteBelow(`${keysOf(match).folder}/look-ups`);
            try {
              const { chunks, lastSize, unchanged, fallen } = await asking(skip);
              expect(lastSize + unchanged + fallen.reduce((sum, { count }) => sum + count, 0)).toBe(ROWS[match].length);
              expect(chunks).toBe(lastSize > 0 ? 1 : 0);
              for (const { message } of fallen) expectFit(message, []);
              await backUpAllRead(storage, keysOf(match), null);
            } catch (error) {
              if (!(error instanceof ApplicationFailure)) throw error;
              expect(['Throttled', 'Unavailable', 'Refused', 'HandedOver']).toContain(error.type);
              expectFit(error.message, []);
            }
            await Promise.all(stores.splice(0).map((one) => one.close()));
          },
        ),
        { numRuns: RUNS },
      );
    },
    FUZZ_MS,
  );

  test.each<[string, (store: Store, own: CallOptions) => Promise<unknown>]>([
    [
      'the groups are a list of ids and names',
      async (store, own) => {
        for (const { id, name } of await store.readGroups(own))
          expect([Number.isInteger(id), typeof name]).toEqual([true, 'string']);
      },
    ],
    [
      'the check of a token says what quota there is, if any',
      async (store, own) => {
        const quota = await store.checkToken(own);
        for (const number of Object.values(quota ?? {})) expect(number).toEqual(expect.any(Number));
      },
    ],
  ])(
    '%s, or an error of ours says why not',
    async (_, ask) => {
      await fc.assert(
        fc.asyncProperty(read, answers, fc.oneof(groups, answerBody), async (code, headers, content) => {
          reply = { status: code, headers, body: [204, 304].includes(code) ? '' : content };
          await ask(freshStore(), { permit: { ...permit(), draining: AbortSignal.timeout(500) } }).catch(
            (error: unknown) => {
              if (!(error instanceof StoreError)) throw error;
              expectFit(error.message, []);
            },
          );
          await Promise.all(stores.splice(0).map((one) => one.close()));
        }),
        { numRuns: RUNS },
      );
    },
    FUZZ_MS,
  );
});

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
