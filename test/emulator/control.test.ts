import { openConnection, rawPut } from './raw.ts';
import { Rig } from './rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start({ quota: 1_000 });
});
afterAll(() => rig.close());
beforeEach(() => rig.reset());

const one = [{ id: 1, notes: 'new' }];

describe('counters', () => {
  test('start at zero', async () => {
    expect(await rig.stats()).toEqual({
      requests: 0,
      puts: 0,
      gets: 0,
      byStatus: {},
      unanswered: 0,
      inFlight: 0,
      maxInFlight: 0,
      throttled429: 0,
      callsAfterThrottle: 0,
      firstRequestAt: null,
      lastRequestAt: null,
      customersApplied: 0,
      customersUpdatedDistinct: 0,
      customersAppliedMoreThanOnce: 0,
      customersRead: 0,
    });
  });

  test('count the requests of every kind, but not control', async () => {
    await rig.put(one);
    await rig.put([{ id: 9_999 }]);
    await rig.call('GET', '/v2/time');
    await rig.call('PATCH', '/v3/customers', '[]');
    const stats = await rig.stats();
    expect(stats).toMatchObject({
      requests: 4,
      puts: 2,
      gets: 1,
      byStatus: { 200: 2, 404: 1, 422: 1 },
      maxInFlight: 1,
    });
    expect(Date.parse(stats.lastRequestAt)).toBeGreaterThanOrEqual(Date.parse(stats.firstRequestAt));
  });

  test('come for all stores by hash', async () => {
    await rig.put(one, { store: 'two' });
    const { json } = await rig.control('GET', 'stats');
    expect(json).toMatchObject({ one: { requests: 0 }, two: { requests: 1 } });
  });
});

describe('tokens', () => {
  test('are replaced, which revokes the old one', async () => {
    await rig.control('POST', 'tokens', { store: 'one', token: 'fresh' });
    expect((await rig.put(one)).status).toBe(401);
    expect((await rig.put(one, { token: 'fresh' })).status).toBe(200);
  });

  test('lose their scope and get it back', async () => {
    await rig.control('POST', 'tokens', { store: 'one', scope: false });
    expect((await rig.put(one)).status).toBe(403);
    expect((await rig.put(one, { store: 'two' })).status).toBe(200);
    await rig.control('POST', 'tokens', { store: 'one', scope: true });
    expect((await rig.put(one)).status).toBe(200);
  });
});

describe('reset', () => {
  const disturb = async (store: string) => {
    await rig.put(one, { store });
    await rig.control('POST', 'tokens', { store, token: 'fresh' });
    await rig.fault({ fault: 'status', store });
  };

  test('puts everything back', async () => {
    await disturb('one');
    expect((await rig.control('POST', 'reset')).status).toBe(200);
    expect(await rig.stats()).toMatchObject({ requests: 0, customersApplied: 0, firstRequestAt: null });
    expect(await rig.customer(1)).toMatchObject({ notes: '', _applied: 0 });
    const { status, headers } = await rig.put(one);
    expect(status).toBe(200);
    expect(headers.get('x-rate-limit-requests-left')).toBe('999');
  });

  test('leaves the other stores alone when one is named', async () => {
    await disturb('one');
    await disturb('two');
    await rig.control('POST', 'reset', { store: 'one' });
    expect(await rig.customer(1, 'one')).toMatchObject({ notes: '' });
    expect(await rig.customer(1, 'two')).toMatchObject({ notes: 'new' });
    expect((await rig.put(one)).status).toBe(200);
    expect((await rig.put(one, { store: 'two', token: 'fresh' })).status).toBe(500);
  });

  test('keeps what is in flight in flight', async () => {
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
  ['GET', 'stats?store=none', undefined, 'store: expected one of one, two, got "none"'],
  ['GET', 'customers/none/1', undefined, 'store: expected one of one, two, got "none"'],
  ['GET', 'customers/one/1001', undefined, 'id: expected a whole number from 1 to 1000, got 1001'],
  ['GET', 'customers/one/%zz', undefined, 'id: expected a whole number from 1 to 1000, got "%zz"'],
  ['GET', 'nothing', undefined, 'expected one of GET /_control/stats, GET /_control/customers/{store}/{id}, '],
  ['DELETE', 'faults', undefined, 'got DELETE /_control/faults'],
  ['POST', 'faults', '{', 'the body: expected JSON of at most 1 MiB, got {'],
  ['POST', 'faults', undefined, 'the body: expected JSON of at most 1 MiB, got nothing'],
  ['POST', 'faults', '5', 'a fault: expected a JSON object, got 5'],
  ['POST', 'faults', { fault: 'flood' }, 'fault: expected one of status, suspended, throttle, '],
  ['POST', 'faults', { fault: 'status', status: 99 }, 'status: expected a whole number from 200 to 599, got 99'],
  ['POST', 'faults', { fault: 'status', retryAfter: 1 }, 'status: expected members among fault, store, '],
  [
    'POST',
    'faults',
    { fault: 'reset', count: 0 },
    'count: expected a whole number from 1 to 1000000000 or "always" or null, got 0',
  ],
  ['POST', 'faults', { fault: 'reset', probability: 2 }, 'probability: expected a number from 0 to 1, got 2'],
  ['POST', 'faults', { fault: 'reset', store: 'none' }, 'store: expected one of one, two, got "none"'],
  ['POST', 'faults', { fault: 'reset', on: 'post' }, 'on: expected one of put, get, all, got "post"'],
  [
    'POST',
    'faults',
    { fault: 'partial', count: 1 },
    'partial: expected members among fault, store, seconds, got count',
  ],
  ['POST', 'faults', { clear: true, store: 'none' }, 'store: expected one of one, two, got "none"'],
  ['POST', 'faults', { clear: false }, 'fault: expected one of '],
  [
    'POST',
    'tokens',
    { store: 'one', token: '' },
    'token: expected a token, 1 to 200 letters, digits and _ . -, got ""',
  ],
  ['POST', 'tokens', { store: 'one', scope: 'no' }, 'scope: expected true or false, got "no"'],
  ['POST', 'tokens', { token: 'x' }, 'store: expected one of one, two, got nothing'],
  ['POST', 'reset', { store: 'none' }, 'store: expected one of one, two, got "none"'],
  ['POST', 'reset', '[]', 'the body: expected a JSON object, got []'],
])('control refuses %s %s %j, saying what was expected and what came', async (method, path, body, message) => {
  const { status, json } = await rig.control(method, path, body);
  expect(status).toBe(400);
  expect(json.error).toContain(message);
});

test('of several faults none is added when one is bad', async () => {
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

test('a request sent in place of one whose connection was closed is not counted beside it', async () => {
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

test('a hundred connections at a time are all answered', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, () => rig.put(one)));
  const throttled = answers.filter(({ status }) => status === 429).length;
  expect(await rig.stats()).toMatchObject({ requests: 100, inFlight: 0, byStatus: { 200: 100 - throttled } });
});
