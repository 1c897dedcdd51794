import { Rig } from './rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
});
afterAll(() => rig.close());
beforeEach(() => rig.reset());

const sent = [
  { id: 1, notes: 'new' },
  { id: 2, notes: 'new' },
  { id: 3, notes: 'new' },
];
const put = () => rig.put(sent);
const applied = async () => (await rig.stats()).customersApplied;
const status = async () => (await put()).status;
const statuses = async (n: number) => {
  const all: number[] = [];
  for (let i = 0; i < n; i++) all.push(await status());
  return all;
};

describe('status', () => {
  test.each([400, 401, 408, 409, 413, 423, 429, 499, 500, 501, 503, 505, 507])(
    '%d comes as a JSON problem, nothing applied',
    async (code) => {
      await rig.fault({ fault: 'status', status: code, title: 'As asked' });
      expect(await put()).toMatchObject({ status: code, json: { status: code, title: 'As asked', errors: {} } });
      expect(await applied()).toBe(0);
    },
  );

  test.each([502, 504])('%d comes in HTML', async (code) => {
    await rig.fault({ fault: 'status', status: code });
    const { status, text, headers } = await put();
    expect(status).toBe(code);
    expect(text).toMatch('<html>');
    expect(headers.get('content-type')).toBe('text/html');
  });

  test.each([301, 302, 307, 308])('%d comes with a location', async (code) => {
    const location = `${rig.url}/stores/two/v3/customers`;
    await rig.fault({ fault: 'status', status: code, location });
    const answer = await put();
    expect(answer.status).toBe(code);
    expect(answer.headers.get('location')).toBe(location);
  });

  test('after applying', async () => {
    await rig.fault({ fault: 'status', status: 504, applied: true });
    expect(await status()).toBe(504);
    expect(await rig.customer(3)).toMatchObject({ notes: 'new', _applied: 1 });
  });

  test('after applying some', async () => {
    await rig.fault({ fault: 'status', status: 500, applied: 2 });
    expect(await status()).toBe(500);
    expect(await rig.customer(2)).toMatchObject({ notes: 'new' });
    expect(await rig.customer(3)).toMatchObject({ notes: '' });
  });

  test('207 lists who was applied', async () => {
    await rig.fault([
      { fault: 'status', status: 207, applied: 1 },
      { fault: 'status', status: 207 },
    ]);
    const [some, none] = [await put(), await put()];
    expect(some).toMatchObject({ status: 207, json: { data: [{ id: 1, notes: 'new' }] } });
    expect(some.json.data).toHaveLength(1);
    expect(none).toMatchObject({ status: 207, json: { data: [], meta: {} } });
    expect(await applied()).toBe(1);
  });

  test('204 has no body', async () => {
    await rig.fault({ fault: 'status', status: 204, applied: true });
    expect(await put()).toMatchObject({ status: 204, text: '' });
    expect(await status()).toBe(200);
  });
});

test('suspended answers PUTs and GETs', async () => {
  await rig.fault({ fault: 'suspended', count: 'always' });
  const title = expect.stringMatching(/^The store is suspended/);
  expect(await put()).toMatchObject({ status: 503, json: { title } });
  expect(await rig.call('GET', '/v2/time')).toMatchObject({ status: 503, json: { title } });
});

test.each([
  [{}, { retryAfter: '1', empty: false }],
  [{ retryAfter: 7 }, { retryAfter: '7', empty: false }],
  [{ body: false }, { retryAfter: '1', empty: true }],
  [{ headers: false }, { retryAfter: null, empty: false }],
  [
    { headers: false, body: false },
    { retryAfter: null, empty: true },
  ],
])('throttle %j', async (parameters, { retryAfter, empty }) => {
  await rig.fault({ fault: 'throttle', ...parameters });
  const { status, text, headers } = await put();
  expect(status).toBe(429);
  expect(headers.get('x-retry-after')).toBe(retryAfter);
  expect(text === '').toBe(empty);
  expect(await rig.stats()).toMatchObject({ throttled429: 1, customersApplied: 0 });
});

describe('the connection', () => {
  test.each([
    ['reset', 0],
    ['reset-after', 3],
    ['truncate', 3],
  ])('%s fails the call with %d customers applied', async (fault, customers) => {
    await rig.fault({ fault });
    await expect(put()).rejects.toThrow();
    expect(await rig.stats()).toMatchObject({ customersApplied: customers, unanswered: 1, inFlight: 0, byStatus: {} });
    expect(await status()).toBe(200);
  });

  test('is reset rather than closed by reset', async () => {
    await rig.fault({ fault: 'reset' });
    await expect(put()).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
  });

  test.each([
    [false, 0],
    [true, 3],
    [1, 1],
  ])('hangs until the client closes it, applied %s', async (partly, customers) => {
    await rig.fault({ fault: 'hang', applied: partly });
    const client = new AbortController();
    const call = rig.put(sent, { signal: client.signal });
    await rig.statsWhen(({ inFlight, customersApplied }) => inFlight === 1 && customersApplied === customers);
    client.abort();
    await expect(call).rejects.toThrow('abort');
    await rig.statsWhen(({ inFlight, unanswered }) => inFlight === 0 && unanswered === 1);
  });

  test('gets headers at once and the body slowly with slow-body', async () => {
    await rig.fault({ fault: 'slow-body', ms: 300 });
    const started = performance.now();
    const response = await fetch(`${rig.url}/stores/one/v3/customers`, {
      method: 'PUT',
      headers: { 'x-auth-token': 'token-one', 'content-type': 'application/json' },
      body: JSON.stringify(sent),
    });
    const headersAfter = performance.now() - started;
    expect(await rig.stats()).toMatchObject({ customersApplied: 3, inFlight: 1 });
    expect(await response.json()).toMatchObject({ data: sent });
    expect(performance.now() - started - headersAfter).toBeGreaterThan(150);
    expect(await rig.stats()).toMatchObject({ inFlight: 0, byStatus: { 200: 1 } });
  });

  test('may be closed in a slow body', async () => {
    await rig.fault({ fault: 'slow-body', ms: 60_000 });
    const client = new AbortController();
    const call = rig.put(sent, { signal: client.signal });
    await rig.statsWhen(({ customersApplied }) => customersApplied === 3);
    client.abort();
    await expect(call).rejects.toThrow('abort');
    await rig.statsWhen(({ inFlight, unanswered }) => inFlight === 0 && unanswered === 1);
  });
});

describe('a 200', () => {
  test('that is not JSON', async () => {
    await rig.fault({ fault: 'unreadable' });
    expect(await put()).toMatchObject({ status: 200, json: undefined });
    expect(await applied()).toBe(3);
  });

  test('that leaves customers out', async () => {
    await rig.fault({ fault: 'missing-customers', missing: 2 });
    expect((await put()).json.data.map(({ id }: { id: number }) => id)).toEqual([1]);
    expect(await applied()).toBe(3);
  });

  test('that lists them in reverse', async () => {
    await rig.fault({ fault: 'wrong-order' });
    expect((await put()).json.data.map(({ id }: { id: number }) => id)).toEqual([3, 2, 1]);
  });

  test.each(['missing-customers', 'wrong-order'])('only: a 422 stays one with %s', async (fault) => {
    await rig.fault({ fault });
    expect((await rig.put([{ id: 9_999 }])).json.errors).toEqual({ '0.id': 'invalid customer ID' });
  });
});

test('latency holds an answer back, and the update until just before it', async () => {
  await rig.fault({ fault: 'latency', ms: 150, jitter: 1 });
  const started = performance.now();
  const call = put();
  await rig.statsWhen(({ inFlight }) => inFlight === 1);
  expect(await applied()).toBe(0);
  expect((await call).status).toBe(200);
  expect(performance.now() - started).toBeGreaterThan(148);
  expect(await applied()).toBe(3);
});

test('an update is applied although its client left meanwhile', async () => {
  await rig.fault({ fault: 'latency', ms: 100 });
  const client = new AbortController();
  const call = rig.put(sent, { signal: client.signal });
  await rig.statsWhen(({ inFlight }) => inFlight === 1);
  client.abort();
  await expect(call).rejects.toThrow('abort');
  await rig.statsWhen(({ customersApplied, inFlight }) => inFlight === 0 && customersApplied === 3);
});

describe('faults happen', () => {
  test('once by default', async () => {
    await rig.fault({ fault: 'status' });
    expect(await statuses(3)).toEqual([500, 200, 200]);
  });

  test('to as many requests as told, after as many as told', async () => {
    await rig.fault({ fault: 'status', count: 2, after: 1 });
    expect(await statuses(4)).toEqual([200, 500, 500, 200]);
  });

  test('one after another when several are given', async () => {
    await rig.fault([
      { fault: 'status', status: 500, count: 2 },
      { fault: 'status', status: 503 },
    ]);
    expect(await statuses(4)).toEqual([500, 500, 503, 200]);
  });

  test.each([null, 'always'])('until cleared with count %s', async (count) => {
    await rig.fault({ fault: 'status', count });
    expect(await statuses(5)).toEqual([500, 500, 500, 500, 500]);
    await rig.fault({ clear: true });
    expect(await statuses(1)).toEqual([200]);
  });

  test('for as many seconds as told', async () => {
    await rig.fault({ fault: 'status', seconds: 0.3 });
    expect(await statuses(2)).toEqual([500, 500]);
    while ((await status()) === 500);
    expect(await statuses(2)).toEqual([200, 200]);
  });

  test('now and then with a probability', async () => {
    await rig.fault({ fault: 'status', probability: 0.5 });
    const failed = (await statuses(200)).filter((code) => code === 500).length;
    expect(failed).toBeGreaterThan(50);
    expect(failed).toBeLessThan(150);
  });

  test('at one store when it is named, otherwise at all', async () => {
    await rig.fault({ fault: 'status', store: 'two', count: 'always' });
    expect([await status(), (await rig.put(sent, { store: 'two' })).status]).toEqual([200, 500]);
    await rig.fault({ fault: 'status', status: 503, count: 'always' });
    expect([await status(), (await rig.put(sent, { store: 'two' })).status]).toEqual([503, 500]);
    await rig.fault({ clear: true, store: 'two' });
    expect([await status(), (await rig.put(sent, { store: 'two' })).status]).toEqual([503, 503]);
  });

  test('to PUTs unless told otherwise', async () => {
    const get = async () => (await rig.call('GET', '/v2/time')).status;
    await rig.fault({ fault: 'status' });
    expect([await get(), await status()]).toEqual([200, 500]);
    await rig.fault({ fault: 'status', on: 'get' });
    expect([await status(), await get()]).toEqual([200, 500]);
    await rig.fault({ fault: 'status', on: 'all', count: 2 });
    expect([await status(), await get()]).toEqual([500, 500]);
  });

  test('to PUTs that carry a customer, when one is named', async () => {
    const putOf = async (...ids: number[]) => (await rig.put(ids.map((id) => ({ id })))).status;
    await rig.fault({ fault: 'status', customer: 7, after: 1, count: 2 });
    expect([await putOf(1, 2), await putOf(6, 7), await putOf(8)]).toEqual([200, 200, 200]);
    expect([await putOf(7), await putOf(6, 8), await putOf(1, 7), await putOf(7)]).toEqual([500, 200, 500, 200]);
    await rig.fault({ fault: 'status', on: 'all', customer: 7 });
    expect((await rig.call('GET', '/v2/time')).status).toBe(200);
    expect((await rig.put('nobody')).status).toBe(422);
  });

  test('to no request that the store turns away', async () => {
    await rig.fault({ fault: 'status' });
    expect((await rig.put(sent, { token: 'nonsense' })).status).toBe(401);
    expect(await status()).toBe(500);
  });

  test('switches hold for as long as told, and the later of two of a kind counts', async () => {
    await rig.fault([
      { fault: 'strict-fields', seconds: 0.2 },
      { fault: 'latency', ms: 3_600_000 },
      { fault: 'latency' },
    ]);
    const strict = async () => (await rig.put([{ id: 1, nots: 'typo' }])).status;
    expect(await strict()).toBe(422);
    while ((await strict()) === 422);
    expect(await strict()).toBe(200);
  });
});
