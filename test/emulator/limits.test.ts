import { setTimeout as delay } from 'node:timers/promises';
import { openConnection, rawPut } from './raw.ts';
import { Rig } from './rig.ts';

let rig: Rig | undefined;
afterEach(() => rig?.close());

const start = async (options: Parameters<typeof Rig.start>[0]) => (rig = await Rig.start(options));
const one = [{ id: 1 }];

const rateLimit = (headers: Headers) =>
  Object.fromEntries(
    [...headers].filter(([name]) => /^x-(rate|retry)-/.test(name)).map(([name, value]) => [name, Number(value)]),
  );

describe('the quota', () => {
  test('is in the headers, on errors too, and counts requests of every kind', async () => {
    const rig = await start({ quota: 5, window: 60_000 });
    const answers = [
      await rig.put(one),
      await rig.put([{ id: 9_999 }]),
      await rig.call('GET', '/v2/time'),
      await rig.put(one, { token: null }),
      await rig.call('GET', '/v3/nothing'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 422, 200, 401, 404]);
    for (const [n, { headers }] of answers.entries()) {
      expect(rateLimit(headers)).toEqual({
        'x-rate-limit-requests-quota': 5,
        'x-rate-limit-requests-left': 4 - n,
        'x-rate-limit-time-window-ms': 60_000,
        'x-rate-limit-time-reset-ms': expect.any(Number),
      });
    }
  });

  test('once used up, gives 429 with x-retry-after in seconds, at that store only', async () => {
    const rig = await start({ quota: 1, window: 30_000 });
    await rig.put(one);
    const { status, headers, json } = await rig.put(one);
    expect([status, json.status]).toEqual([429, 429]);
    expect(rateLimit(headers)).toMatchObject({ 'x-rate-limit-requests-left': 0, 'x-retry-after': 30 });
    expect(rateLimit(headers)['x-rate-limit-time-reset-ms']).toBeGreaterThan(29_000);
    expect((await rig.put(one, { store: 'two' })).status).toBe(200);
    expect(await rig.stats()).toMatchObject({ requests: 2, throttled429: 1, customersApplied: 1 });
    await rig.fault({ fault: 'throttle-style', headers: false, body: false });
    const bare = await rig.put(one);
    expect({ status: bare.status, text: bare.text, ...rateLimit(bare.headers) }).toEqual({ status: 429, text: '' });
  });

  test('is full again when its window ends, and the next window starts with the next request', async () => {
    const rig = await start({ quota: 2, window: 3_000 });
    await rig.put(one);
    await rig.put(one);
    const { status, headers } = await rig.put(one);
    expect(status).toBe(429);
    await delay(Number(headers.get('x-rate-limit-time-reset-ms')) + 1_000);
    const next = await rig.put(one);
    expect(next.status).toBe(200);
    expect(rateLimit(next.headers)['x-rate-limit-requests-left']).toBe(1);
    expect(rateLimit(next.headers)['x-rate-limit-time-reset-ms']).toBeGreaterThan(2_000);
  });

  test('of an unlimited plan has no headers', async () => {
    const rig = await start({ quota: null });
    expect(rateLimit((await rig.put(one)).headers)).toEqual({});
  });

  test('is used up sooner by another app, until that is cleared', async () => {
    const rig = await start({ quota: 10, window: 60_000 });
    await rig.fault({ fault: 'other-app', quota: 8 });
    const left = [await rig.put(one), await rig.put(one)].map(({ headers }) =>
      headers.get('x-rate-limit-requests-left'),
    );
    expect(left).toEqual(['1', '0']);
    expect((await rig.put(one)).status).toBe(429);
    await rig.fault({ clear: true });
    expect((await rig.put(one)).status).toBe(200);
  });
});

describe('three at a time', () => {
  const hang = (rig: Rig, n: number) => {
    const controllers = Array.from({ length: n }, () => new AbortController());
    for (const { signal } of controllers) rig.put(one, { signal }).catch(() => undefined);
    return controllers;
  };

  test('is the most that a store takes, and stores do not share them', async () => {
    const rig = await start({});
    await rig.fault({ fault: 'hang', count: 'always', store: 'one' });
    hang(rig, 3);
    await rig.statsWhen(({ inFlight }) => inFlight === 3);
    const { status, headers } = await rig.put(one);
    expect([status, headers.get('x-retry-after')]).toEqual([429, '1']);
    expect((await rig.call('GET', '/v2/time')).status).toBe(429);
    expect((await rig.put(one, { store: 'two' })).status).toBe(200);
    expect(await rig.stats()).toMatchObject({ inFlight: 3, maxInFlight: 4, throttled429: 2 });
    expect(await rig.stats('two')).toMatchObject({ inFlight: 0, maxInFlight: 1 });
  });

  test('count until they are answered or their connection is closed', async () => {
    const rig = await start({});
    await rig.fault({ fault: 'hang', count: 3 });
    const [first] = hang(rig, 3);
    await rig.statsWhen(({ inFlight }) => inFlight === 3);
    first?.abort();
    await rig.statsWhen(({ inFlight }) => inFlight === 2);
    expect((await rig.put(one)).status).toBe(200);
    expect(await rig.stats()).toMatchObject({ requests: 4, inFlight: 2, maxInFlight: 3, unanswered: 1 });
  });

  test('count from the moment they arrive, before their body does', async () => {
    const rig = await start({});
    const connection = await openConnection(rig.url);
    connection.write(rawPut('[{"id":1}', 1_000));
    expect(await rig.statsWhen(({ inFlight }) => inFlight === 1)).toMatchObject({ puts: 1, unanswered: 0 });
    connection.destroy();
    expect(await rig.statsWhen(({ inFlight }) => inFlight === 0)).toMatchObject({ unanswered: 1, customersApplied: 0 });
  });

  test('never overlap when they follow one another on many connections', async () => {
    // Long enough for three to be in flight at once, even on a busy machine.
    const rig = await start({ latency: 20 });
    const loop = async () => {
      for (let n = 0; n < 50; n++) expect((await rig.put(one)).status).toBe(200);
    };
    await Promise.all([loop(), loop(), loop()]);
    expect(await rig.stats()).toMatchObject({ requests: 150, maxInFlight: 3, byStatus: { 200: 150 } });
  });

  test('are fewer while another app uses slots', async () => {
    const rig = await start({ latency: 1_000 });
    await rig.fault({ fault: 'other-app', slots: 2 });
    const statuses = (await Promise.all([1, 2, 3].map((id) => rig.put([{ id }])))).map(({ status }) => status);
    expect(statuses.filter((status) => status === 429)).toHaveLength(2);
  });
});

test.each([
  ['counted before that time is over', { retryAfter: 60 }, 120, 1],
  ['not counted after that time', { retryAfter: 1 }, 1_010, 0],
  ['not counted if no time was given', { headers: false }, 120, 0],
])('calls after a 429 that says how long to stay away are %s', async (_, parameters, waitMs, expected) => {
  const rig = await start({});
  await rig.fault({ fault: 'throttle', ...parameters });
  await rig.put(one);
  expect((await rig.stats()).callsAfterThrottle).toBe(0);
  await delay(waitMs);
  await rig.put(one);
  expect((await rig.stats()).callsAfterThrottle).toBe(expected);
});
