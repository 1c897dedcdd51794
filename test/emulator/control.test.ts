import { openConnection, rawPut } from './raw.ts';
import { Rig } from './rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start({ quota: 1_000 });
});
afterAll(() => rig.close());
beforeEach(() => rig.reset());

const one = [{ id: 1, notes: 'new' }];

test('counters count the requests of every kind by store, but not those to control', async () => {
  await rig.put(one);
  await rig.put([{ id: 9_999 }]);
  await rig.call('GET', '/v2/time');
  await rig.call('PATCH', '/v3/customers', '[]');
  const stats = await rig.stats();
  expect(stats).toEqual({
    requests: 4,
    puts: 2,
    gets: 1,
    deletes: 0,
    byCall: { 'PUT /v3/customers': 2, 'GET /v2/time': 1 },
    longestUrl: '/stores/one/v3/customers'.length,
    byStatus: { 200: 2, 404: 1, 422: 1 },
    unanswered: 0,
    inFlight: 0,
    maxInFlight: 1,
    throttled429: 0,
    callsAfterThrottle: 0,
    firstRequestAt: expect.any(String),
    lastRequestAt: expect.any(String),
    customersApplied: 1,
    customersUpdatedDistinct: 1,
    customersAppliedMoreThanOnce: 0,
    customersRead: 0,
    valuesApplied: 0,
    valuesRemoved: 0,
    valuesRead: 0,
  });
  expect(Date.parse(stats.lastRequestAt)).toBeGreaterThanOrEqual(Date.parse(stats.firstRequestAt));
  expect((await rig.control('GET', 'stats')).json).toMatchObject({ one: { requests: 4 }, two: { requests: 0 } });
});

test('a token can be replaced, and can lose its scope and get it back', async () => {
  await rig.control('POST', 'tokens', { store: 'one', token: 'fresh' });
  expect((await rig.put(one)).status).toBe(401);
  expect((await rig.put(one, { token: 'fresh' })).status).toBe(200);
  await rig.control('POST', 'tokens', { store: 'one', scope: false });
  expect((await rig.put(one, { token: 'fresh' })).status).toBe(403);
  expect((await rig.put(one, { store: 'two' })).status).toBe(200);
  await rig.control('POST', 'tokens', { store: 'one', scope: true });
  expect((await rig.put(one, { token: 'fresh' })).status).toBe(200);
});

test("someone else's changes are made, but neither counted nor limited", async () => {
  await rig.fault({ fault: 'status', count: 'always' });
  const customers = Array.from({ length: 20 }, (_, n) => ({ id: n + 1, notes: 'by someone else' }));
  expect((await rig.control('POST', 'customers', { store: 'one', customers })).status).toBe(200);
  expect(await rig.customer(20)).toMatchObject({ notes: 'by someone else', _applied: 0 });
  expect(await rig.stats()).toMatchObject({ requests: 0, customersApplied: 0, customersUpdatedDistinct: 0 });
});

describe('reset', () => {
  const disturb = async (store: string) => {
    await rig.put(one, { store });
    await rig.control('POST', 'tokens', { store, token: 'fresh' });
    await rig.fault({ fault: 'status', store });
  };

  test('puts everything back, in one store or in all', async () => {
    await disturb('one');
    await disturb('two');
    await rig.control('POST', 'reset', { store: 'one' });
    expect(await rig.stats()).toMatchObject({ requests: 0, customersApplied: 0, firstRequestAt: null });
    expect(await rig.customer(1)).toMatchObject({ notes: '', _applied: 0 });
    const { status, headers } = await rig.put(one);
    expect([status, headers.get('x-rate-limit-requests-left')]).toEqual([200, '999']);
    expect(await rig.customer(1, 'two')).toMatchObject({ notes: 'new' });
    expect((await rig.put(one, { store: 'two', token: 'fresh' })).status).toBe(500);
    expect((await rig.control('POST', 'reset')).status).toBe(200);
    expect(await rig.customer(1, 'two')).toMatchObject({ notes: '' });
  });

  test('leaves requests in flight in flight', async () => {
    await rig.fault({ fault: 'hang' });
    const client = new AbortController();
    rig.put(one, { signal: client.signal }).catch(() => undefined);
    await rig.statsWhen(({ inFlight }) => inFlight === 1);
    await rig.reset();
    expect(await rig.stats()).toMatchObject({ requests: 0, inFlight: 1, maxInFlight: 1 });
    client.abort();
    expect(await rig.statsWhen(({ inFlight }) => inFlight === 0)).toMatchObject({ unanswered: 0 });
  });
});

test.each<[string, string, unknown, string]>([
  ['GET', 'stats?store=none', undefined, 'store: Invalid option: expected one of "one"|"two", got "none"'],
  ['GET', 'customers/one/1001', undefined, 'id: expected a whole number from 1 to 1000, got 1001'],
  ['GET', 'customers/one/%zz', undefined, 'id: expected a whole number from 1 to 1000, got "%zz"'],
  [
    'DELETE',
    'faults',
    undefined,
    '/{id}, POST /_control/faults, POST /_control/tokens, POST /_control/stores, POST /_control/customers, POST /_control/attribute-values, POST /_control/reset,',
  ],
  ['POST', 'faults', '{', 'the body: expected JSON of at most 1 MiB, got {'],
  ['POST', 'faults', undefined, 'the body: expected JSON of at most 1 MiB, got nothing'],
  ['POST', 'faults', '5', 'a fault: Invalid input: expected object, received number, got 5'],
  ['POST', 'faults', { fault: 'flood' }, 'fault: Invalid option: expected one of "status"|"suspended"|'],
  ['POST', 'faults', { fault: 'status', status: 99 }, 'status: expected a whole number from 200 to 599, got 99'],
  ['POST', 'faults', { fault: 'status', retryAfter: 1 }, 'status: Unrecognized key: "retryAfter"'],
  ['POST', 'faults', { fault: 'partial', count: 1 }, 'partial: Unrecognized key: "count"'],
  ['POST', 'faults', { fault: 'reset', count: 0 }, 'count: expected a whole number from 1 to 1000000000, got 0'],
  ['POST', 'faults', { fault: 'reset', store: 'none' }, 'store: Invalid option'],
  ['POST', 'faults', { clear: true, store: 'none' }, 'store: Invalid option'],
  ['POST', 'faults', { clear: false }, 'fault: Invalid option'],
  ['POST', 'tokens', { store: 'one', token: '' }, 'token: expected a token, 1 to 200 letters'],
  ['POST', 'tokens', { token: 'x' }, 'store: Invalid option: expected one of "one"|"two", got nothing'],
  ['POST', 'stores', { groups: [] }, 'store: Invalid option: expected one of "one"|"two", got nothing'],
  [
    'POST',
    'stores',
    { store: 'one', groups: [{ id: 0, name: 'x' }] },
    'groups.0.id: expected a whole number from 1 to',
  ],
  ['POST', 'stores', { store: 'one', channels: ['1'] }, 'channels.0: expected a whole number from 1 to'],
  ['POST', 'customers', { store: 'one', customers: [{ id: 1, nots: 'x' }] }, 'got {"nots":"error.unknown.field"}'],
  [
    'POST',
    'customers',
    { store: 'one', customers: [{ id: 1, notes: 'x' }, { id: 1_001 }] },
    'customers: expected what the store accepts, got {"1.id":"invalid customer ID"}',
  ],
  ['POST', 'reset', { store: 'none' }, 'store: Invalid option'],
])('control refuses %s %s %j, and says what it expected and what it got', async (method, path, body, message) => {
  const { status, json } = await rig.control(method, path, body);
  expect(status).toBe(400);
  expect(json.error).toContain(message);
});

test('no fault of several is added when one of them is bad', async () => {
  expect((await rig.control('POST', 'faults', [{ fault: 'status' }, { fault: 'flood' }])).status).toBe(400);
  expect((await rig.put(one)).status).toBe(200);
});

test('clients that leave, write nonsense or write at length do no harm', async () => {
  for (const text of [
    'this is not HTTP\r\n\r\n',
    rawPut('[{"id"', 1_000_000),
    rawPut('x'.repeat(2_000_000), 4_000_000),
  ]) {
    const connection = await openConnection(rig.url);
    connection.write(text);
    connection.destroy();
  }
  await rig.statsWhen(({ inFlight }) => inFlight === 0);
  expect((await rig.put(one)).status).toBe(200);
  expect(await rig.stats()).toMatchObject({ customersApplied: 1 });
});

test('a request that replaces one whose connection was closed is not counted in addition to it', async () => {
  await rig.fault({ fault: 'hang', count: 'always' });
  const connections = await Promise.all(Array.from({ length: 60 }, () => openConnection(rig.url)));
  for (const [n, connection] of connections.entries()) {
    connections[n - 3]?.destroy();
    connection.write(rawPut('[{"id":1}]'));
    if (n % 3 === 0) await rig.statsWhen(({ requests }) => requests === n + 1);
  }
  for (const connection of connections) connection.destroy();
  expect(await rig.statsWhen(({ inFlight, requests }) => inFlight === 0 && requests === 60)).toMatchObject({
    maxInFlight: 3,
    throttled429: 0,
    unanswered: 60,
  });
});
