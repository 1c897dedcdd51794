import { EVENTS } from '../../emulator/fault-kinds.ts';
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
  test.each([400, 429, 503])('%d comes as a JSON problem, with nothing applied', async (code) => {
    await rig.fault({ fault: 'status', status: code, title: 'As asked' });
    expect(await put()).toMatchObject({ status: code, json: { status: code, title: 'As asked', errors: {} } });
    expect(await applied()).toBe(0);
  });

  test.each([
    [502, {}],
    [504, {}],
    [403, { html: true }],
  ])('%d comes in HTML (%j)', async (code, how) => {
    await rig.fault({ fault: 'status', status: code, ...how });
    const { status, text, headers } = await put();
    expect([status, headers.get('content-type')]).toEqual([code, 'text/html']);
    expect(text).toMatch('<html>');
  });

  test('307 comes with a location', async () => {
    const location = `${rig.url}/stores/two/v3/customers`;
    await rig.fault({ fault: 'status', status: 307, location });
    const answer = await put();
    expect([answer.status, answer.headers.get('location')]).toEqual([307, location]);
  });

  test.each([
    [504, true, 3],
    [500, 2, 2],
    [204, true, 3],
  ])('%d comes after applying (%s)', async (code, some, customers) => {
    await rig.fault({ fault: 'status', status: code, applied: some });
    expect(await status()).toBe(code);
    expect(await applied()).toBe(customers);
  });

  test('207 lists who was updated', async () => {
    await rig.fault([
      { fault: 'status', status: 207, applied: 1 },
      { fault: 'status', status: 207 },
    ]);
    expect(await put()).toMatchObject({ status: 207, json: { data: [{ id: 1, notes: 'new' }] } });
    expect(await put()).toMatchObject({ status: 207, json: { data: [], meta: {} } });
    expect(await applied()).toBe(1);
  });
});

test('suspended answers PUTs and GETs', async () => {
  await rig.fault({ fault: 'suspended', count: 'always' });
  const title = expect.stringMatching(/^The store is suspended/);
  expect(await put()).toMatchObject({ status: 503, json: { title } });
  expect(await rig.call('GET', '/v2/time')).toMatchObject({ status: 503, json: { title } });
});

test.each([
  [{}, '1', false],
  [{ retryAfter: 7, body: false }, '7', true],
  [{ headers: false }, null, false],
])('throttle %j', async (parameters, retryAfter, empty) => {
  await rig.fault({ fault: 'throttle', ...parameters });
  const { status, text, headers } = await put();
  expect([status, headers.get('x-retry-after'), text === '']).toEqual([429, retryAfter, empty]);
  expect(await rig.stats()).toMatchObject({ throttled429: 1, customersApplied: 0 });
});

describe('the connection', () => {
  test.each([
    ['reset', 0],
    ['reset-after', 3],
    ['truncate', 3],
  ])('%s fails the call with %d customers applied', async (fault, customers) => {
    await rig.fault({ fault });
    const code = fault === 'truncate' ? 'UND_ERR_SOCKET' : 'ECONNRESET';
    await expect(put()).rejects.toMatchObject({ cause: { code } });
    expect(await rig.stats()).toMatchObject({ customersApplied: customers, unanswered: 1, inFlight: 0, byStatus: {} });
    expect(await status()).toBe(200);
  });

  test.each([
    [{ fault: 'hang' }, 0],
    [{ fault: 'hang', applied: 1 }, 1],
    [{ fault: 'slow-body', ms: 60_000 }, 3],
  ])('lasts until the client closes it with %j', async (fault, customers) => {
    await rig.fault(fault);
    const client = new AbortController();
    const call = rig.put(sent, { signal: client.signal });
    await rig.statsWhen(({ inFlight, customersApplied }) => inFlight === 1 && customersApplied === customers);
    client.abort();
    await expect(call).rejects.toThrow('abort');
    await rig.statsWhen(({ inFlight, unanswered }) => inFlight === 0 && unanswered === 1);
  });

  test('gets the headers at once and the body slowly with slow-body', async () => {
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
});

describe('a 200', () => {
  const ids = async () => (await put()).json.data.map(({ id }: { id: number }) => id);

  test('that is not JSON', async () => {
    await rig.fault({ fault: 'unreadable' });
    expect(await put()).toMatchObject({ status: 200, json: undefined });
    expect(await applied()).toBe(3);
  });

  test('that leaves customers out, or lists them in reverse order; a 422 is unchanged', async () => {
    await rig.fault([
      { fault: 'missing-customers', missing: 2 },
      { fault: 'wrong-order', count: 2 },
    ]);
    expect(await ids()).toEqual([1]);
    expect(await applied()).toBe(3);
    expect(await ids()).toEqual([3, 2, 1]);
    expect((await rig.put([{ id: 9_999 }])).json.errors).toEqual({ '0.id': 'invalid customer ID' });
  });
});

test('latency delays an answer, and the update until just before it, even if the client has left by then', async () => {
  await rig.fault({ fault: 'latency', ms: 150, jitter: 1 });
  const started = performance.now();
  const client = new AbortController();
  const calls = [put(), rig.put(sent, { signal: client.signal })] as const;
  await rig.statsWhen(({ inFlight }) => inFlight === 2);
  expect(await applied()).toBe(0);
  client.abort();
  await expect(calls[1]).rejects.toThrow('abort');
  expect((await calls[0]).status).toBe(200);
  expect(performance.now() - started).toBeGreaterThan(148);
  await rig.statsWhen(({ customersApplied, inFlight }) => inFlight === 0 && customersApplied === 6);
});

describe('faults happen', () => {
  test('once by default, to the given number of requests after the given number', async () => {
    await rig.fault({ fault: 'status' });
    expect(await statuses(2)).toEqual([500, 200]);
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

  test.each([null, 'always'])('until they are cleared with count %s', async (count) => {
    await rig.fault({ fault: 'status', count });
    expect(await statuses(3)).toEqual([500, 500, 500]);
    await rig.fault({ clear: true });
    expect(await status()).toBe(200);
  });

  test('for the given number of seconds', async () => {
    await rig.fault({ fault: 'status', seconds: 0.3 });
    expect(await statuses(2)).toEqual([500, 500]);
    while ((await status()) === 500);
    expect(await statuses(2)).toEqual([200, 200]);
  });

  test('with the given probability', async () => {
    await rig.fault({ fault: 'status', probability: 0.5 });
    const failed = (await statuses(200)).filter((code) => code === 500).length;
    expect(failed).toBeGreaterThan(50);
    expect(failed).toBeLessThan(150);
  });

  test('at one store if it is named, otherwise at all', async () => {
    const both = async () => [await status(), (await rig.put(sent, { store: 'two' })).status];
    await rig.fault({ fault: 'status', store: 'two', count: 'always' });
    expect(await both()).toEqual([200, 500]);
    await rig.fault({ fault: 'status', status: 503, count: 'always' });
    expect(await both()).toEqual([503, 500]);
    await rig.fault({ clear: true, store: 'two' });
    expect(await both()).toEqual([503, 503]);
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

  test('to PUTs that contain a customer, if one is named', async () => {
    const putOf = async (...ids: number[]) => (await rig.put(ids.map((id) => ({ id })))).status;
    await rig.fault({ fault: 'status', on: 'all', customer: 7, after: 1, count: 2 });
    expect([await putOf(1, 2), await putOf(6, 7), await putOf(8)]).toEqual([200, 200, 200]);
    expect((await rig.call('GET', '/v2/time')).status).toBe(200);
    expect((await rig.put('nobody')).status).toBe(422);
    expect([await putOf(7), await putOf(6, 8), await putOf(1, 7), await putOf(7)]).toEqual([500, 200, 500, 200]);
  });

  test('to any call that contains a customer: PUTs that change it, and GETs that list it', async () => {
    const get = async (query: string) => (await rig.call('GET', `/v3/customers${query}`)).status;
    const putOf = async (...ids: number[]) => (await rig.put(ids.map((id) => ({ id })))).status;
    await rig.fault({ fault: 'status', customer: 7, on: 'all', count: 'always' });
    expect([await putOf(6, 7), await putOf(7), await putOf(6, 8)]).toEqual([500, 500, 200]);
    expect([await get('?id:in=6,7'), await get('?id:in=6,8')]).toEqual([500, 200]);
    expect([await get('?email:in=Customer7@example.com'), await get('?email:in=customer8@example.com')]).toEqual([
      500, 200,
    ]);
    expect([await get('?limit=6'), await get('?limit=6&page=2'), await get('')]).toEqual([200, 500, 500]);
    expect((await rig.call('GET', '/v2/customer_groups')).status).toBe(200);
    expect(await rig.customer(7)).toMatchObject({ _applied: 0 });
  });

  test('to GETs that ask for an e-mail address, whether or not a customer has it', async () => {
    const get = async (...emails: string[]) =>
      (await rig.call('GET', `/v3/customers?email:in=${emails.map(encodeURIComponent).join(',')}`)).status;
    await rig.fault({ fault: 'status', status: 400, email: 'a+b@example.com', count: 'always' });
    expect([await get('b@example.com'), await get('b@example.com', 'a+b@example.com')]).toEqual([200, 400]);
    expect([await get('A+b@example.com'), await status()]).toEqual([200, 200]);
  });

  test.each(Object.keys(EVENTS))('to reads as well as writes: %s', async (fault) => {
    const read = (path: string) => {
      const signal = AbortSignal.timeout(fault === 'hang' ? 200 : 10_000);
      return rig.call('GET', path, undefined, { signal }).then(({ status, text }) => `${status} ${text}`, String);
    };
    const met = async (path: string) => {
      await rig.fault({ fault, on: 'get', ...(fault === 'slow-body' && { ms: 50 }) });
      return read(path);
    };
    const path = '/v3/customers?id:in=1,2';
    const usual = await read(path);
    // Its answer is as usual, only late.
    if (fault === 'slow-body') expect(await met(path)).toBe(usual);
    else expect(await met(path)).not.toBe(usual);
    expect(await read(path)).toBe(usual);
    const groups = await read('/v2/customer_groups');
    if (['missing-customers', 'wrong-order'].includes(fault)) expect(await met('/v2/customer_groups')).toBe(groups);
  });

  test('to no request that the store refuses', async () => {
    await rig.fault({ fault: 'status' });
    expect((await rig.put(sent, { token: 'nonsense' })).status).toBe(401);
    expect(await status()).toBe(500);
  });

  test('for as long as a switch is on; the later of two of the same kind counts', async () => {
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
