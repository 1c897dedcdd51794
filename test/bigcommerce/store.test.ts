import { Draining, LeaseLost, Refused, StoreError, Throttled, Unavailable } from '../../src/bigcommerce/errors.ts';
import { Api } from '../../src/bigcommerce/http.ts';
import type { IsolationState } from '../../src/bigcommerce/isolate.ts';
import type { Part } from '../../src/bigcommerce/parts.ts';
import { type CustomerUpdate, type Permit, type Store, Stores } from '../../src/bigcommerce/store.ts';
import type { Tokens } from '../../src/bigcommerce/tokens.ts';
import { idsIn, type Reply, type Seen, startTinyApi, type TinyApi } from './tiny-api.ts';

const TOKEN = 's3cret-token';

let api: TinyApi;
let stores: Stores;
let store: Store;
/** What the tokens file contains, and what is known of it before it is read again. */
let tokenInFile: string | undefined;
let tokenRead: string | undefined;
/** What the observer saw, in order. */
let observed: unknown[][];

beforeEach(async () => {
  api = await startTinyApi();
  tokenInFile = tokenRead = TOKEN;
  observed = [];
  stores = open(api.url);
  store = stores.get('abc');
});
afterEach(async () => {
  await api.close();
  await stores.close();
});

function open(apiUrl: string): Stores {
  const tokens = {
    tokenFor: () => tokenRead,
    reread: () => (tokenRead = tokenInFile),
    cures: { refused: 'give it another one', missing: 'add it to the file' },
  } as unknown as Tokens;
  const observe = (hash: string) => ({
    callStarted: () => void observed.push([hash, 'started']),
    callEnded: (_: string, outcome: string, ms: number) => void observed.push([hash, outcome, ms]),
    quotaLeft: (requests: number) => void observed.push([hash, 'left', requests]),
  });
  return new Stores({ api: new Api(apiUrl, '1.2.3'), tokens, quotaReservePercent: 0, observe });
}

/** A permit that a test can end. */
function permit(check: () => void = () => {}): Permit & { lose(): void; drain(): void } {
  const [lost, draining] = [new AbortController(), new AbortController()];
  return {
    lost: lost.signal,
    draining: draining.signal,
    check,
    lose: () => lost.abort(new Error('lost')),
    drain: () => draining.abort(new Error('draining')),
  };
}

const customers = (...ids: number[]) =>
  JSON.stringify(ids.map((id) => ({ id, email: `Customer${id}@example.com`, first_name: 'Ann', notes: 'long story' })));

const update = (options: Partial<CustomerUpdate> = {}) =>
  store.updateCustomers({ body: customers(1, 2, 3), permit: permit(), ...options });

async function failure<T extends StoreError>(kind: new (...args: never[]) => T, call: Promise<unknown>): Promise<T> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(kind);
  return error as T;
}

const unprocessable = (errors: unknown): Reply => ({
  status: 422,
  body: { status: 422, title: 'JSON data is missing or invalid', type: '', errors },
});

/** An API that knows customers 1 to 99, and stops at the first one it does not know. */
const unknownFrom100 = (seen: Seen): Reply | undefined => {
  const index = seen.method === 'PUT' ? idsIn(seen).findIndex((id) => id >= 100) : -1;
  return index < 0 ? undefined : unprocessable({ [`${index}.id`]: 'invalid customer ID' });
};

describe('an ordinary chunk', () => {
  test('is one PUT of the body as it is, and has no state to report', async () => {
    const body = '[ {"id":1, "notes":"ä\\u0041"},{"id":2.0} ]';
    const onState = jest.fn();
    expect(await update({ body, onState })).toEqual({ updated: [1, 2], rejected: [], failed: [], calls: 1 });
    expect(api.seen).toEqual([
      {
        method: 'PUT',
        url: '/stores/abc/v3/customers',
        body,
        headers: expect.objectContaining({
          'x-auth-token': TOKEN,
          accept: 'application/json',
          'content-type': 'application/json',
          'user-agent': 'bigcommerce-customer-updates/1.2.3',
        }) as object,
      },
    ]);
    expect(onState).not.toHaveBeenCalled();
  });

  test('reaches an API that has a path of its own', async () => {
    const proxied = open(`${api.url}/bigcommerce/`);
    await proxied.get('abc').updateCustomers({ body: customers(1), permit: permit() });
    expect(api.seen[0]?.url).toBe('/bigcommerce/stores/abc/v3/customers');
    await proxied.close();
  });

  test('can be sent in part', async () => {
    expect(await update({ only: [3, 1] })).toMatchObject({ updated: [1, 3], calls: 1 });
    expect(api.puts()).toEqual([[1, 3]]);
  });
});

test('the whole process shares one store per hash, with at most three calls in flight', async () => {
  expect(stores.get('abc')).toBe(store);
  const { release } = api.pause();
  const calls = Promise.all(
    Array.from({ length: 8 }, () => stores.get('abc').updateCustomers({ body: customers(1), permit: permit() })),
  );
  await api.arrived(3);
  expect(api.inFlight()).toBe(3);
  release();
  await calls;
  expect(api.seen).toHaveLength(8);
  expect(api.mostInFlight()).toBe(3);
  expect(store.concurrency()).toBe(3);
});

describe('customers that the store rejects', () => {
  test('are found by their index, and the others are updated', async () => {
    api.always(unknownFrom100);
    const states: IsolationState<Part>[] = [];
    const outcome = await update({ body: customers(1, 100, 2, 3), onState: (state) => states.push(state) });
    const rejected = [{ id: 100, code: 'unknown_id', message: 'id: invalid customer ID' }];
    expect(outcome).toEqual({ updated: [1, 2, 3], rejected, failed: [], calls: 2 });
    expect(JSON.parse(api.seen[1]?.body ?? '')).toEqual(JSON.parse(customers(1, 2, 3)));
    expect(states).toEqual([{ todo: [[1, 2, 3]], updated: [], rejected, failed: [], missing: [] }]);
  });

  test('are found by their e-mail address, which is masked', async () => {
    api.next(unprocessable({ '.customer_update': 'Failed: email customer2@example.com already in use' }));
    expect(await update()).toMatchObject({
      updated: [1, 3],
      rejected: [{ id: 2, code: 'email_taken', message: 'Failed: email *** already in use' }],
      calls: 2,
    });
  });

  test('are reported without the values sent', async () => {
    api.always(() => unprocessable({ '0.notes': 'long story is too long for Ann, s3cret-token' }));
    expect(await update({ body: customers(1) })).toMatchObject({
      rejected: [{ id: 1, message: 'notes: *** is too long for ***, ***' }],
    });
  });
});

describe('a call that fails is not sent again', () => {
  test('after a 429, which says how long to wait', async () => {
    api.next({ status: 429, headers: { 'X-Retry-After': '3' }, body: '' });
    const error = await failure(Throttled, update());
    expect(error.delayMs).toBeGreaterThan(2_900);
    expect(error.delayMs).toBeLessThanOrEqual(3_000);
    expect(error.attempt).toMatchObject({ tally: { calls: 1, throttled: 1 }, state: undefined });
    expect(api.seen).toHaveLength(1);
  });

  test('after a 503', async () => {
    api.next({ status: 503, body: '<html>secret@example.com</html>', headers: { 'x-retry-after': '9' } });
    expect(await failure(Unavailable, update())).toMatchObject({
      attempt: { tally: { calls: 1, throttled: 0 } },
      delayMs: 9_000,
      message: 'The store gave the status 503.',
    });
    expect(api.seen).toHaveLength(1);
  });

  test('after an answer that breaks off', async () => {
    api.next((response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"data":[{"id":1}', () => response.destroy());
    });
    expect(await failure(Unavailable, update())).toMatchObject({
      attempt: { tally: { calls: 1 } },
      message: `No answer from ${api.url} (UND_ERR_SOCKET).`,
    });
    expect(api.seen).toHaveLength(1);
  });

  test('after an answer of more than 4 MiB', async () => {
    api.next({ body: { data: [{ id: 1, notes: 'x'.repeat(4 * 1024 * 1024) }] } });
    expect(await failure(Unavailable, update())).toMatchObject({
      attempt: { tally: { calls: 1 } },
      message: `No answer from ${api.url} (UND_ERR_RES_EXCEEDED_MAX_SIZE).`,
    });
  });

  test('when nobody listens, and then nothing was sent', async () => {
    await api.close();
    expect(await failure(Unavailable, update())).toMatchObject({
      attempt: { tally: { calls: 0 } },
      message: `No answer from ${api.url} (ECONNREFUSED).`,
    });
    api = await startTinyApi();
  });

  test('after 75 s, however steadily bytes arrive', async () => {
    let drip: NodeJS.Timeout | undefined;
    jest.useFakeTimers({
      doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'setInterval', 'performance', 'Date'],
    });
    try {
      api.next((response) => {
        response.writeHead(200);
        drip = setInterval(() => response.write(' '), 5);
      });
      const aborted = api.aborted();
      const call = failure(Unavailable, update());
      await api.arrived(1);
      jest.advanceTimersByTime(74_999);
      expect(api.inFlight()).toBe(1);
      jest.advanceTimersByTime(1);
      expect(await call).toMatchObject({
        attempt: { tally: { calls: 1 } },
        message: `No answer from ${api.url} in 75 s.`,
      });
      await aborted;
    } finally {
      jest.useRealTimers();
      clearInterval(drip);
    }
  });
});

describe('the next attempt continues where the last one failed', () => {
  test('with the customers that are still to be sent', async () => {
    api.next(unprocessable({ '0.id': 'invalid customer ID' }), { status: 502, body: '' });
    const { state, tally } = (await failure(Unavailable, update())).attempt;
    expect([tally.calls, state?.todo]).toEqual([2, [[2, 3]]]);
    const again = await update({ state: JSON.parse(JSON.stringify(state)) as IsolationState });
    expect(again).toMatchObject({ updated: [2, 3], rejected: [{ id: 1, code: 'unknown_id' }], calls: 1 });
  });

  test('and sends nothing when all are settled', async () => {
    const state = { todo: [], updated: [1, 2, 3], rejected: [], failed: [], missing: [] };
    expect(await update({ state })).toMatchObject({ updated: [1, 2, 3], calls: 0 });
    expect(api.seen).toHaveLength(0);
  });
});

describe('sent apart, when no answer comes,', () => {
  /** An API that fails whenever one of these customers is in a call. */
  const failsFor = (undigested: number[]) =>
    api.always((seen) => (idsIn(seen).some((id) => undigested.includes(id)) ? { status: 500, body: '' } : undefined));

  test('the neighbours of a customer that the store fails for are updated, and that one is left', async () => {
    failsFor([2]);
    const { state, tally } = (await failure(Unavailable, update({ apart: true }))).attempt;
    expect(api.puts()).toEqual([[1, 2, 3], [1], [2], [3], [2]]);
    expect(state).toMatchObject({ updated: [1, 3], todo: [[2]] });
    expect(tally.calls).toBe(5);
  });

  test('three calls in a row without an answer are enough, and the next attempt begins with others', async () => {
    failsFor([1, 2, 3, 4]);
    const body = customers(1, 2, 3, 4, 5);
    const first = (await failure(Unavailable, update({ apart: true, body }))).attempt;
    expect(api.puts()).toEqual([[1, 2, 3, 4, 5], [1], [2]]);
    const { state } = (await failure(Unavailable, update({ apart: true, body, state: first.state }))).attempt;
    expect(state).toMatchObject({ updated: [5], todo: [[3], [4], [1], [2]] });
  });

  test('a single customer is sent once', async () => {
    failsFor([1]);
    await failure(Unavailable, update({ apart: true, body: customers(1) }));
    expect(api.puts()).toEqual([[1]]);
  });
});

describe('the quota headers are obeyed', () => {
  const left = (requests: number) => ({
    'X-Rate-Limit-Requests-Quota': '150',
    'X-Rate-Limit-Requests-Left': String(requests),
    'X-Rate-Limit-Time-Window-Ms': '60000',
    'X-Rate-Limit-Time-Reset-Ms': '60000',
  });

  /** The next call waits, while the other store of this API, which has a quota of its own, is called and answers. */
  async function expectNextWaits(): Promise<void> {
    const sent = api.seen.length;
    const ending = permit();
    const waiting = update({ permit: ending });
    await stores.get('def').updateCustomers({ body: customers(1), permit: permit() });
    expect(api.seen).toHaveLength(sent + 1);
    ending.drain();
    await failure(Draining, waiting);
  }

  test.each<[string, Reply]>([
    ['a success', { headers: left(0) }],
    ['an error', { ...unprocessable({}), headers: left(0) }],
    ['an outage', { status: 503, body: '', headers: left(0) }],
    ['a 429', { status: 429, body: '', headers: left(0) }],
  ])('on %s, whatever their case', async (_, reply) => {
    api.next(reply);
    await update({ body: customers(1) }).catch(() => undefined);
    await expectNextWaits();
  });

  test('and a call that broke off counts as used', async () => {
    api.next({ headers: left(1) }, (response) => response.destroy());
    await update();
    await failure(Unavailable, update());
    await expectNextWaits();
  });
});

describe('the fence', () => {
  /** Lets everything happen that a call does before it has a connection, which takes a turn of the event loop. */
  const whileConnecting = async () => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };

  test('is checked once per request', async () => {
    const check = jest.fn();
    for (let i = 0; i < 3; i++) await update({ permit: permit(check) });
    expect(check).toHaveBeenCalledTimes(3);
  });

  test('is checked once there is a connection, in the instant before the request is written', async () => {
    let over = false;
    const ending = permit(() => {
      if (over) throw new Error('over');
    });
    const call = failure(LeaseLost, update({ permit: ending }));
    await whileConnecting();
    over = true;
    expect((await call).attempt.tally.calls).toBe(0);
    await update();
    expect(api.seen).toHaveLength(1);
  });

  test.each(['lose', 'drain'] as const)(
    'lets nothing be written after %s, even while it was already connecting',
    async (end) => {
      const ending = permit();
      const call = failure(end === 'lose' ? LeaseLost : Draining, update({ permit: ending }));
      await whileConnecting();
      ending[end]();
      expect((await call).attempt.tally.calls).toBe(0);
      await update();
      expect(api.seen).toHaveLength(1);
    },
  );

  test('keeps a request from being written, and its place is free again', async () => {
    const closed = permit(() => {
      throw new Error('it ended 2 s ago');
    });
    for (let i = 0; i < 4; i++) {
      const { attempt, message } = await failure(LeaseLost, update({ permit: closed }));
      expect([attempt.tally.calls, message]).toEqual([0, 'The lease on the store is not valid: it ended 2 s ago']);
    }
    expect(api.seen).toHaveLength(0);
    await update();
  });

  test('applies to isolating calls too', async () => {
    api.always(unknownFrom100);
    let checks = 0;
    const once = permit(() => {
      if (++checks > 1) throw new Error('over');
    });
    const { attempt } = await failure(LeaseLost, update({ body: customers(1, 100), permit: once }));
    expect(attempt).toMatchObject({ tally: { calls: 1 }, state: { todo: [[1]], rejected: [{ id: 100 }] } });
    expect(api.seen).toHaveLength(1);
  });

  test('aborts requests in flight at once when the lease is lost', async () => {
    const { release } = api.pause();
    const mine = permit();
    const call = failure(LeaseLost, update({ permit: mine }));
    await api.arrived(1);
    const aborted = api.aborted();
    mine.lose();
    expect((await call).attempt).toMatchObject({ tally: { calls: 1 }, state: undefined });
    await aborted;
    expect(api.inFlight()).toBe(0);
    release();
  });

  test('ends waits when the lease is lost', async () => {
    const { release } = api.pause();
    const others = [update(), update(), update()];
    await api.arrived(3);
    const mine = permit();
    const call = failure(LeaseLost, update({ permit: mine }));
    mine.lose();
    expect((await call).attempt.tally.calls).toBe(0);
    release();
    await Promise.all(others);
    expect(api.seen).toHaveLength(3);
  });
});

describe('a process that hands the queue over', () => {
  test('sends nothing new', async () => {
    const leaving = permit();
    leaving.drain();
    expect((await failure(Draining, update({ permit: leaving }))).attempt.tally.calls).toBe(0);
    expect(api.seen).toHaveLength(0);
  });

  test('lets what is in flight finish', async () => {
    const { release } = api.pause();
    const leaving = permit();
    const call = update({ permit: leaving });
    await api.arrived(1);
    leaving.drain();
    release();
    expect(await call).toMatchObject({ updated: [1, 2, 3] });
  });

  test('stops finding rejected customers after the call in flight, and says how far it got', async () => {
    api.always(unknownFrom100);
    const { release } = api.pause();
    const leaving = permit();
    const call = failure(Draining, update({ body: customers(1, 100), permit: leaving }));
    await api.arrived(1);
    leaving.drain();
    release();
    expect((await call).attempt).toMatchObject({
      tally: { calls: 1 },
      state: { todo: [[1]], rejected: [{ id: 100 }] },
    });
    expect(api.seen).toHaveLength(1);
  });
});

describe('a refusal', () => {
  const refuse: Reply = { status: 401, body: 'Unauthorized' };

  test('stops every call to the store, from any job, but not to other stores', async () => {
    api.next(refuse);
    const { attempt, message } = await failure(Refused, update());
    expect(attempt.tally.calls).toBe(1);
    const second = await failure(Refused, update());
    expect([second.attempt.tally.calls, second.message]).toEqual([0, message]);
    await failure(Refused, update({ probe: 'check' }));
    expect(api.seen).toHaveLength(1);
    await stores.get('def').updateCustomers({ body: customers(1), permit: permit() });
  });

  test('stops the calls that were waiting when it came', async () => {
    const { release } = api.pause();
    api.next(refuse, refuse, refuse);
    const calls = [1, 2, 3, 4, 5].map(() => failure(Refused, update()));
    await api.arrived(3);
    release();
    await Promise.all(calls);
    expect(api.seen).toHaveLength(3);
  });

  test('ends when the token changes, and is back with the token that was refused', async () => {
    api.next(refuse);
    await failure(Refused, update());
    tokenRead = tokenInFile = 'new-token';
    await update({ probe: 'check' });
    await update();
    tokenRead = tokenInFile = TOKEN;
    await failure(Refused, update());
    expect(api.seen.map(({ headers }) => headers['x-auth-token'])).toEqual([TOKEN, 'new-token', 'new-token']);
  });

  test('ends when a probe succeeds', async () => {
    api.next(refuse, refuse);
    await failure(Refused, update());
    await failure(Refused, update({ probe: 'resume' }));
    await failure(Refused, update());
    expect(api.seen).toHaveLength(2);
    await update({ probe: 'resume' });
    await update();
    expect(api.seen).toHaveLength(4);
  });

  test('does not end with a probe that gets no answer', async () => {
    api.next(refuse, { status: 502, body: '' });
    await failure(Refused, update());
    await failure(Unavailable, update({ probe: 'resume' }));
    await failure(Refused, update());
  });

  test('does not end with the success of a call sent before it', async () => {
    let answerFirst = () => {};
    api.next((response) => {
      answerFirst = () => response.end('{"data":[{"id":1},{"id":2},{"id":3}]}');
    }, refuse);
    const before = update();
    await api.arrived(1);
    await failure(Refused, update());
    answerFirst();
    await before;
    await failure(Refused, update());
    expect(api.seen).toHaveLength(2);
  });

  test('of a token that has been replaced meanwhile does not count: the call goes out again with the new one', async () => {
    api.always(({ headers }) => (headers['x-auth-token'] === 'new-token' ? undefined : refuse));
    tokenInFile = 'new-token';
    expect(await update()).toMatchObject({ updated: [1, 2, 3], calls: 2 });
    expect(await update()).toMatchObject({ calls: 1 });
  });

  test('of the new token too is final', async () => {
    api.always(() => refuse);
    tokenInFile = 'new-token';
    expect((await failure(Refused, update())).attempt.tally.calls).toBe(2);
    expect((await failure(Refused, update())).attempt.tally.calls).toBe(0);
  });

  test('is put to the test again with the same token after five minutes, then after ten, at most after an hour', async () => {
    let minutes = 0;
    const begun = Math.ceil(performance.now());
    jest.spyOn(performance, 'now').mockImplementation(() => begun + minutes * 60_000);
    try {
      api.always(() => refuse);
      await failure(Refused, update());
      const askedAfter: number[] = [];
      for (minutes = 1; minutes <= 240; minutes++) {
        const { attempt } = await failure(Refused, update({ probe: 'check' }));
        if (attempt.tally.calls > 0) askedAfter.push(minutes);
      }
      expect(askedAfter).toEqual([5, 15, 35, 75, 135, 195]);
      await failure(Refused, update());
      api.always(() => undefined);
      minutes = 256;
      await update({ probe: 'check' });
      await update();
    } finally {
      jest.restoreAllMocks();
    }
  });

  test.each<[string, () => Promise<unknown>, (probe?: 'resume') => Promise<unknown>]>([
    ['of GETs', () => store.readGroups({ permit: permit() }), (probe) => update({ probe })],
    ['of PUTs', () => update(), (probe) => store.readGroups({ permit: permit(), probe })],
  ])(
    '%s stops no other calls, and does not end with one: a token may allow to read and not to write',
    async (_, call, other) => {
      api.next({ status: 403, body: 'Forbidden' }, { body: '' });
      await failure(Refused, call());
      api.always(({ method }) => (method === 'GET' ? { body: [] } : undefined));
      await other().catch(() => undefined);
      await other('resume').catch(() => undefined);
      const { length } = api.seen;
      await failure(Refused, call());
      expect(api.seen).toHaveLength(length);
    },
  );

  test('comes before any call if there is no token', async () => {
    tokenRead = undefined;
    const { attempt, message } = await failure(Refused, update());
    expect(attempt.tally.calls).toBe(0);
    expect(message).toBe('There is no access token for the store abc: add it to the file.');
    tokenRead = TOKEN;
    await update();
  });
});

describe('a token check', () => {
  test('returns the quota, if the store states one', async () => {
    expect(await store.checkToken({ permit: permit() })).toBeNull();
    const left = { 'x-rate-limit-requests-left': '149', 'x-rate-limit-time-reset-ms': '29000' };
    const quota = { 'x-rate-limit-requests-quota': '150', 'x-rate-limit-time-window-ms': '30000' };
    api.next({ body: '{}', headers: { ...quota, ...left } });
    expect(await store.checkToken({ permit: permit() })).toEqual({ requests: 150, windowMs: 30_000 });
  });

  test('asks for the time', async () => {
    await store.checkToken({ permit: permit() });
    expect(api.seen).toEqual([expect.objectContaining({ method: 'GET', url: '/stores/abc/v2/time', body: '' })]);
  });

  test.each<[number, new (...args: never[]) => StoreError]>([
    [429, Throttled],
    [400, Unavailable],
    [401, Refused],
  ])('answered with %i fails as a call does, and counts as a read', async (status, kind) => {
    api.next({ status, body: '' });
    const { attempt } = await failure(kind, store.checkToken({ permit: permit() }));
    expect(attempt.tally).toEqual({ calls: 0, reads: 1, throttled: Number(status === 429) });
  });

  test('neither causes nor ends the refusal of other calls', async () => {
    api.next({ status: 403, body: 'Forbidden' });
    await failure(Refused, store.checkToken({ permit: permit() }));
    api.next({ status: 403, body: 'Forbidden' });
    await failure(Refused, update());
    await store.checkToken({ permit: permit(), probe: 'resume' });
    await failure(Refused, update());
    expect(api.puts()).toHaveLength(1);
  });
});

describe('reading customer groups', () => {
  const groups = (...ids: number[]) => ({ body: ids.map((id) => ({ id, name: `Group ${id}`, is_default: false })) });
  const read = () => store.readGroups({ permit: permit() });

  test('asks for pages until one has no more, whatever their size, and counts no call', async () => {
    api.next(groups(1, 2), groups(3), { status: 204 });
    expect(await read()).toEqual([1, 2, 3].map((id) => ({ id, name: `Group ${id}` })));
    const url = '/stores/abc/v2/customer_groups?page=1&limit=250';
    expect(api.seen[0]).toMatchObject({ method: 'GET', url, body: '' });
    expect(api.seen.map(({ url: path }) => /page=(\d)/.exec(path)?.[1])).toEqual(['1', '2', '3']);
  });

  test.each([
    ['none are there', [{ status: 204 }], []],
    ['the list is empty', [groups()], []],
    ['the store minds no page', [groups(1), groups(1)], [{ id: 1, name: 'Group 1' }]],
  ])('ends if %s', async (_, replies, expected) => {
    api.next(...replies);
    expect(await read()).toEqual(expected);
    expect(api.seen).toHaveLength(replies.length);
  });

  test('gives up on a list without end', async () => {
    let id = 0;
    api.always(() => groups(...Array.from({ length: 250 }, () => ++id)));
    await expect(read()).rejects.toThrow('The store lists groups without end.');
  });

  test.each([
    ['no list', { body: { data: [] } }, Unavailable],
    ['groups without names', { body: [{ id: 1 }] }, Unavailable],
    ['no body and 200', { status: 200 }, Unavailable],
    ['a complaint', { status: 422, body: { title: 'no' } }, Unavailable],
    ['a missing scope', { status: 403, body: { title: 'no' } }, Refused],
    ['429', { status: 429 }, Throttled],
  ])('fails on %s', async (_, reply, kind) => {
    api.next(groups(1), reply);
    await expect(read()).rejects.toThrow(kind);
  });
});

test('the slowest call is known, while it runs and afterwards', async () => {
  expect(store.slowestRecentMs()).toBe(0);
  const { release } = api.pause();
  const call = update();
  await api.arrived(1);
  const sooner = store.slowestRecentMs();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(store.slowestRecentMs()).toBeGreaterThan(sooner + 20);
  release();
  await call;
  await update();
  expect(store.slowestRecentMs()).toBeGreaterThan(25);
});

test('a minute in which the machine slept is no latency of the store', async () => {
  const { release } = api.pause();
  const call = update();
  await api.arrived(1);
  const woken = performance.now() + 60_000;
  jest.spyOn(performance, 'now').mockImplementation(() => woken);
  try {
    expect(store.slowestRecentMs()).toBeLessThan(6_000);
    release();
    await call;
    expect(store.slowestRecentMs()).toBeLessThan(6_000);
  } finally {
    jest.restoreAllMocks();
  }
});

test('the observer of a store sees each call, its duration, and the quota left', async () => {
  const headers = {
    'x-rate-limit-requests-quota': '150',
    'x-rate-limit-requests-left': '7',
    'x-rate-limit-time-window-ms': '30000',
    'x-rate-limit-time-reset-ms': '20',
  };
  api.next({ headers }, { status: 502, body: '' }, (response) => void response.socket?.destroy());
  await update();
  await failure(Unavailable, update());
  await failure(Unavailable, update());
  const took = expect.any(Number) as number;
  expect(observed).toEqual([
    ['abc', 'started'],
    ['abc', 'left', 7],
    ['abc', 'ok', took],
    ...[1, 2].flatMap(() => [
      ['abc', 'started'],
      ['abc', 'unavailable', took],
    ]),
  ]);
});

test('the observer sees a call that ends with the lease as aborted, and an unwritten one not at all', async () => {
  api.pause();
  const mine = permit();
  const call = update({ permit: mine });
  await api.arrived(1);
  mine.lose();
  await failure(LeaseLost, call);
  await failure(LeaseLost, update({ permit: mine }));
  expect(observed).toEqual([
    ['abc', 'started'],
    ['abc', 'aborted', expect.any(Number)],
  ]);
});

test("the API's id of the last call comes with its outcome or failure, if it looks like an id", async () => {
  const id = (value: string) => ({ headers: { 'x-request-id': value } });
  api.next(id('7f3c-1'), { status: 502, body: '', ...id('7f3c-2') }, id('who@example.com'));
  expect(await update()).toMatchObject({ requestId: '7f3c-1' });
  expect((await failure(Unavailable, update())).attempt).toMatchObject({ requestId: '7f3c-2' });
  expect(await update()).toMatchObject({ requestId: undefined });
  api.next({ status: 422, body: '{"errors":{"0.id":"invalid customer ID"}}', ...id('7f3c-3') });
  expect(await update()).toMatchObject({ calls: 2, requestId: undefined });
});

// Here, and not in a suite of its own: that would end before V8 has compiled undici's parser, and then hang at its exit.
test('an exchange that is aborted while it connects is never written, and `beforeWrite` is not called', async () => {
  const http = new Api(api.url, '1.2.3');
  const beforeWrite = jest.fn();
  const stop = new AbortController();
  const call = { method: 'PUT', path: '/', token: TOKEN, body: '[]', signal: stop.signal, beforeWrite } as const;
  const stopped = http.exchange(call);
  stop.abort(new Error('enough'));
  await expect(stopped).rejects.toThrow('enough');
  await expect(http.exchange(call)).rejects.toThrow('enough');
  await http.exchange({ ...call, signal: new AbortController().signal });
  expect(api.seen).toHaveLength(1);
  expect(beforeWrite).toHaveBeenCalledTimes(1);
  await http.close();
});
