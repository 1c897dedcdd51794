import { setTimeout as delay } from 'node:timers/promises';
import { openConnection, rawPut } from './raw.ts';
import { Rig } from './rig.ts';

let rig: Rig | undefined;
afterEach(() => rig?.close());

const start = async (options: Parameters<typeof Rig.start>[0]) => (rig = await Rig.start(options));

const rateLimit = (headers: Headers) =>
  Object.fromEntries(
    [...headers].filter(([name]) => /^x-(rate|retry)-/.test(name)).map(([name, value]) => [name, Number(value)]),
  );

describe('the quota', () => {
  test('shows in headers, on errors too, and counts requests of every kind', async () => {
    const rig = await start({ quota: 5, window: 60_000 });
    const answers = [
      await rig.put([{ id: 1 }]),
      await rig.put([{ id: 9_999 }]),
      await rig.call('GET', '/v2/time'),
      await rig.put([{ id: 1 }], { token: null }),
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

  test('used up makes 429, with x-retry-after in seconds, for that store only', async () => {
    const rig = await start({ quota: 1, window: 30_000 });
    await rig.put([{ id: 1 }]);
    const { status, headers, json } = await rig.put([{ id: 1 }]);
    expect(status).toBe(429);
    expect(json).toMatchObject({ status: 429 });
    expect(rateLimit(headers)).toMatchObject({ 'x-rate-limit-requests-left': 0, 'x-retry-after': 30 });
    expect(rateLimit(headers)['x-rate-limit-time-reset-ms']).toBeGreaterThan(29_000);
    expect((await rig.put([{ id: 1 }], { store: 'two' })).status).toBe(200);
    expect(await rig.stats()).toMatchObject({ requests: 2, throttled429: 1, customersApplied: 1 });
  });

  test('is whole again when its window ends, and the next one starts with the next request', async () => {
    const rig = await start({ quota: 2, window: 300 });
    await rig.put([{ id: 1 }]);
    await rig.put([{ id: 1 }]);
    const { status, headers } = await rig.put([{ id: 1 }]);
    expect(status).toBe(429);
    await delay(Number(headers.get('x-rate-limit-time-reset-ms')) + 100);
    const next = await rig.put([{ id: 1 }]);
    expect(next.status).toBe(200);
    expect(rateLimit(next.headers)['x-rate-limit-requests-left']).toBe(1);
    expect(rateLimit(next.headers)['x-rate-limit-time-reset-ms']).toBeGreaterThan(200);
  });

  test('of an unlimited plan has no headers', async () => {
    const rig = await start({ quota: null });
    expect(rateLimit((await rig.put([{ id: 1 }])).headers)).toEqual({});
  });

  test('is used up sooner by another app, until that is cleared', async () => {
    const rig = await start({ quota: 10, window: 60_000 });
    await rig.fault({ fault: 'other-app', quota: 8 });
    const left = [await rig.put([{ id: 1 }]), await rig.put([{ id: 1 }])].map(({ headers }) =>
      headers.get('x-rate-limit-requests-left'),
    );
    expect(left).toEqual(['1', '0']);
    expect((await rig.put([{ id: 1 }])).status).toBe(429);
    await rig.fault({ clear: true });
    expect((await rig.put([{ id: 1 }])).status).toBe(200);
  });
});

describe('three at a time', () => {
  const hang = (rig: Rig, n: number) => {
    const controllers = Array.from({ length: n }, () => new AbortController());
    for (const { signal } of controllers) rig.put([{ id: 1 }], { signal }).catch(() => undefined);
    return controllers;
  };

  test('is the most that a store takes, and stores do not share them', async () => {
    const rig = await start({});
    await rig.fault({ fault: 'hang', count: 'always', store: 'one' });
    hang(rig, 3);
    await rig.statsWhen(({ inFlight }) => inFlight === 3);
    const { status, headers } = await rig.put([{ id: 1 }]);
    expect(status).toBe(429);
    expect(headers.get('x-retry-after')).toBe('1');
    expect((await rig.call('GET', '/v2/time')).status).toBe(429);
    expect((await rig.put([{ id: 1 }], { store: 'two' })).status).toBe(200);
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
    expect((await rig.put([{ id: 1 }])).status).toBe(200);
    expect(await rig.stats()).toMatchObject({ requests: 4, inFlight: 2, maxInFlight: 3, unanswered: 1 });
  });

  test('count from the moment they arrive, before their body is there', async () => {
    const rig = await start({});
    const connection = await openConnection(rig.url);
    connection.write(rawPut('[{"id":1}', 1_000));
    expect(await rig.statsWhen(({ inFlight }) => inFlight === 1)).toMatchObject({ puts: 1, unanswered: 0 });
    connection.destroy();
    expect(await rig.statsWhen(({ inFlight }) => inFlight === 0)).toMatchObject({ unanswered: 1, customersApplied: 0 });
  });

  test('one after another on many connections never overlap', async () => {
    // Long enough for three to be there at once, on a busy machine too.
    const rig = await start({ latency: 20 });
    const loop = async () => {
      for (let n = 0; n < 50; n++) expect((await rig.put([{ id: 1 }])).status).toBe(200);
    };
    await Promise.all([loop(), loop(), loop()]);
    expect(await rig.stats()).toMatchObject({ requests: 150, maxInFlight: 3, byStatus: { 200: 150 } });
  });

  test('are fewer while another app uses slots', async () => {
    const rig = await start({ latency: 20 });
    await rig.fault({ fault: 'other-app', slots: 2 });
    const statuses = (await Promise.all([1, 2, 3].map((id) => rig.put([{ id }])))).map(({ status }) => status);
    expect(statuses.filter((status) => status === 429)).toHaveLength(2);
  });
});

test('429s of the limits come without headers or body if asked for', async () => {
  const rig = await start({ quota: 1, window: 60_000 });
  await rig.put([{ id: 1 }]);
  await rig.fault({ fault: 'throttle-style', headers: false, body: false });
  const { status, headers, text } = await rig.put([{ id: 1 }]);
  expect({ status, text, ...rateLimit(headers) }).toEqual({ status: 429, text: '' });
});

describe('calls after a throttle', () => {
  test('are counted when they arrive before the time is over', async () => {
    const rig = await start({ quota: 1, window: 60_000 });
    await rig.put([{ id: 1 }]);
    await rig.put([{ id: 1 }]);
    expect((await rig.stats()).callsAfterThrottle).toBe(0);
    await delay(120);
    await rig.put([{ id: 1 }]);
    expect((await rig.stats()).callsAfterThrottle).toBe(1);
  });

  test('are not counted when nobody said for how long', async () => {
    const rig = await start({});
    await rig.fault({ fault: 'throttle', headers: false });
    await rig.put([{ id: 1 }]);
    await delay(120);
    await rig.put([{ id: 1 }]);
    expect((await rig.stats()).callsAfterThrottle).toBe(0);
  });

  test('are not counted when they wait as long as told', async () => {
    const rig = await start({});
    await rig.fault({ fault: 'throttle', retryAfter: 1 });
    const { headers } = await rig.put([{ id: 1 }]);
    await delay(Number(headers.get('x-retry-after')) * 1000 + 10);
    await rig.put([{ id: 1 }]);
    expect((await rig.stats()).callsAfterThrottle).toBe(0);
  });
});
