import type { Isolate, Listed, ListedCustomer, Taken } from '../../src/bigcommerce/answer.ts';
import { Attempt } from '../../src/bigcommerce/attempt.ts';
import { StoreError, Unavailable } from '../../src/bigcommerce/errors.ts';
import { byEmail, byId, Finder, type Found } from '../../src/bigcommerce/find.ts';
import { Api } from '../../src/bigcommerce/http.ts';
import { type Store, Stores } from '../../src/bigcommerce/store.ts';
import type { Tokens } from '../../src/bigcommerce/tokens.ts';
import { addressKey, tracesOf } from '../../src/contract/address.ts';
import { Rig } from '../emulator/rig.ts';

const permit = { lost: new AbortController().signal, draining: new AbortController().signal, check: () => {} };
const attempt = new Attempt({ permit });
const unavailable = (delayMs?: number) => new Unavailable('The store gave the status 500.', attempt, delayMs);
const refusal = (message: string, tooLong = false): Isolate => ({
  ...{ kind: 'isolate', code: 'rejected', message, named: [], emails: [] },
  tooLong,
});

/** A store of customers by id, and what goes wrong when somebody is asked for; `calls` are the values asked for. */
function pretend(
  customers: Record<number, string>,
  faults: Record<string, () => Isolate | Error> = {},
  pageSize = 250,
) {
  const calls: string[][] = [];
  async function ask(query: string, page: number): Promise<Taken<Listed<ListedCustomer>> | Isolate> {
    const [filter, values = ''] = query.split('=');
    const asked = values.split(',').map(decodeURIComponent);
    calls.push(asked);
    const fault = asked.map((value) => faults[value]?.()).find((fault) => fault !== undefined);
    if (fault instanceof Error) throw fault;
    if (fault) return fault;
    const lower = asked.map(addressKey);
    const all = Object.entries(customers).map(([id, email]) => ({ id: Number(id), email }));
    const ignored = asked.some((value) => value === 'ignored@example.com');
    const found = all.filter(({ id, email }) =>
      filter === 'id:in' ? asked.includes(String(id)) : lower.includes(addressKey(email)),
    );
    const listed = ignored ? all : found;
    const body = { items: listed.slice((page - 1) * pageSize, page * pageSize) };
    return { kind: 'ok', body: { ...body, pages: Math.ceil(listed.length / pageSize) } };
  }
  return { ask, calls };
}

const kinds = (found: Map<unknown, Found>) =>
  Object.fromEntries([...found].map(([key, one]) => [key, one.kind === 'found' ? one.customer.id : one.kind]));

async function find(emails: string[], store: ReturnType<typeof pretend>) {
  return kinds(await new Finder(byEmail(emails), store.ask, attempt).findAll());
}

const many = (count: number, name = 'customer') => Array.from({ length: count }, (_, n) => `${name}${n}@example.com`);
const NOBODY = ['nobody@nowhere.invalid'];

describe('customers are found by e-mail address', () => {
  test('whatever its case, one, none or several', async () => {
    const store = pretend({ 1: 'Ann@Example.com', 2: 'two@example.com', 3: 'TWO@example.com' });
    expect(await find(['ann@example.com', 'TWO@example.com', 'nobody@example.com'], store)).toEqual({
      'ann@example.com': 1,
      'two@example.com': 'ambiguous',
      'nobody@example.com': 'unknown',
    });
    expect(store.calls).toHaveLength(1);
  });

  test('in lists of at most a hundred', async () => {
    const store = pretend({});
    await find(many(250), store);
    expect(store.calls.map(({ length }) => length)).toEqual([100, 100, 50]);
  });

  test('and of at most 3,800 bytes', async () => {
    const store = pretend({});
    await find(many(100, 'ü'.repeat(30)), store);
    expect(store.calls.length).toBe(6);
    for (const asked of store.calls) expect(encodeURIComponent(asked.join(',')).length).toBeLessThan(4_000);
  });

  test('without a call for what is no address, and never without a value', async () => {
    const store = pretend({ 1: 'ann@example.com' });
    expect(await find(['', 'ann', '@', 'half\uD800@example.com'], store)).toEqual({});
    expect(kinds(await new Finder(byId([0, -1, 1.5, NaN]), store.ask, attempt).findAll())).toEqual({});
    expect(store.calls).toEqual([]);
  });

  test('and by id, 250 a call', async () => {
    const store = pretend({ 7: 'ann@example.com' });
    const ids = Array.from({ length: 300 }, (_, n) => n + 1);
    const found = await new Finder(byId(ids), store.ask, attempt).findAll();
    expect([found.size, found.get(7)?.kind, found.get(8)?.kind]).toEqual([300, 'found', 'unknown']);
    expect(store.calls.map(({ length }) => length)).toEqual([250, 50]);
  });
});

describe('who was not found is asked for once more', () => {
  test('in lower case, if he was asked for in another one', async () => {
    const store = pretend({});
    expect(await find(['Ann@Example.com', 'bob@example.com'], store)).toEqual({
      'ann@example.com': 'unknown',
      'bob@example.com': 'unknown',
    });
    expect(store.calls).toEqual([['Ann@Example.com', 'bob@example.com'], ['ann@example.com']]);
  });

  test('if the answer had several pages, between which the list may have shifted', async () => {
    const store = pretend({ 1: 'a@x', 2: 'b@x', 3: 'c@x' }, {}, 2);
    let pages = 0;
    const shifting: typeof store.ask = async (query, page) => {
      const answer = await store.ask(query, page);
      // The third customer is on neither page.
      if (++pages === 2 && answer.kind === 'ok') return { kind: 'ok', body: { ...answer.body, items: [] } };
      return answer;
    };
    const found = await new Finder(byEmail(['a@x', 'b@x', 'c@x', 'd@x']), shifting, attempt).findAll();
    expect(kinds(found)).toEqual({ 'a@x': 1, 'b@x': 2, 'c@x': 3, 'd@x': 'unknown' });
    expect(store.calls.at(-1)).toEqual(['c@x', 'd@x']);
  });
});

test('several customers with one address are counted over all pages, each once', async () => {
  const store = pretend({ 1: 'a@x', 2: 'b@x', 3: 'A@x', 4: 'a@X' }, {}, 1);
  const found = await new Finder(byEmail(['a@x', 'b@x']), store.ask, attempt).findAll();
  expect(found.get('a@x')).toEqual({ kind: 'ambiguous', customers: 3 });
  expect(kinds(found)['b@x']).toBe(2);
});

describe('a list that can not be used is asked for in halves', () => {
  const customers = { 1: 'a@x', 2: 'b@x', 3: 'c@x', 4: 'd@x' };
  const emails = Object.values(customers);

  test.each([
    ['is refused', () => refusal('Bad filter.'), { kind: 'refused', message: 'Bad filter.' }],
    ['gets no answer', () => unavailable(), { kind: 'unreadable', message: 'The store gave the status 500.' }],
  ])('down to the one that %s alone', async (_, fault, expected) => {
    const store = pretend(customers, { 'c@x': fault });
    const found = await new Finder(byEmail(emails), store.ask, attempt).findAll();
    expect(kinds(found)).toEqual({ 'a@x': 1, 'b@x': 2, 'c@x': expected.kind, 'd@x': 4 });
    expect(found.get('c@x')).toEqual(expected);
    expect(store.calls).toEqual([emails, NOBODY, ['a@x', 'b@x'], ['c@x', 'd@x'], NOBODY, ['c@x'], NOBODY, ['d@x']]);
  });

  test('if its URL is too long, and the others are shorter from then on', async () => {
    const lengths: number[] = [];
    const strict = pretend({});
    const ask: typeof strict.ask = async (query, page) => {
      lengths.push(query.length);
      return query.length > 1_000 ? refusal('Too long.', true) : strict.ask(query, page);
    };
    const found = await new Finder(byEmail(many(200)), ask, attempt).findAll();
    expect(found.size).toBe(200);
    // 100 and 50 addresses are too many.
    expect(lengths.filter((length) => length > 1_000)).toHaveLength(2);
    expect(lengths.length).toBeLessThan(14);
  });

  test('if it lists somebody who was not asked for: it is not read on, and never used', async () => {
    const store = pretend({ ...customers, 5: 'e@x' }, {}, 2);
    const found = await new Finder(byEmail(['a@x', 'ignored@example.com']), store.ask, attempt).findAll();
    expect(kinds(found)).toEqual({ 'a@x': 1, 'ignored@example.com': 'unreadable' });
    expect(store.calls.map((asked) => asked.length)).toEqual([2, 1, 1, 1, 1]);
  });
});

describe('nobody is blamed if it is the store', () => {
  test.each([
    ['answers nothing at all', () => unavailable()],
    ['refuses every question', () => refusal('The API has changed.')],
  ])('that %s', async (_, fault) => {
    const store = pretend({}, { 'a@x': fault, 'nobody@nowhere.invalid': fault });
    await expect(find(['a@x', 'b@x'], store)).rejects.toThrow(Unavailable);
    expect(store.calls).toEqual([['a@x', 'b@x'], NOBODY]);
  });

  test('that lists everybody, whoever is asked for', async () => {
    const ask = async (): Promise<Taken<Listed<ListedCustomer>>> => ({
      kind: 'ok',
      body: { items: [{ id: 9, email: 'z@x' }], pages: 9 },
    });
    const finder = new Finder(byId([1, 2]), ask, attempt);
    await expect(finder.findAll()).rejects.toThrow('The store listed customers who were not asked for.');
  });

  test('while the list was refused, and what is said is what the store answered last', async () => {
    const faults = { 'a@x': () => refusal('Bad a.'), 'nobody@nowhere.invalid': () => unavailable() };
    await expect(find(['a@x', 'b@x'], pretend({}, faults))).rejects.toThrow('The store gave the status 500.');
  });

  test('that says when to come back', async () => {
    const store = pretend({}, { 'a@x': () => unavailable(60_000) });
    await expect(find(['a@x', 'b@x'], store)).rejects.toMatchObject({ delayMs: 60_000 });
    expect(store.calls).toEqual([['a@x', 'b@x']]);
  });
});

test('what was found before a failure is known to the caller', async () => {
  const fault = () => unavailable(1);
  const store = pretend({ 1: 'customer0@example.com' }, { 'customer100@example.com': fault });
  const told = new Map<string, Found>();
  const finder = new Finder(byEmail(many(101)), store.ask, attempt, (key, found) => told.set(key, found));
  await expect(finder.findAll()).rejects.toThrow(Unavailable);
  expect([told.size, kinds(told)['customer0@example.com']]).toEqual([100, 1]);
});

describe('at a store', () => {
  let rig: Rig;
  let stores: Stores;
  let store: Store;
  beforeAll(async () => {
    rig = await Rig.start({ maxUrl: 1_500, pageSize: 7 });
    const tokens = { tokenFor: () => 'token-one', reread: () => 'token-one', cures: {} } as unknown as Tokens;
    const observe = () => ({ callStarted() {}, callEnded() {}, quotaLeft() {} });
    stores = new Stores({ api: new Api(rig.url, '1'), tokens, quotaReservePercent: 0, observe });
    store = stores.get('one');
  });
  afterAll(async () => {
    await stores.close();
    await rig.close();
  });
  beforeEach(() => rig.reset());

  const findAt = async (emails: string[]) => store.findByEmail({ emails, permit });

  test.each(['a+b@example.com', `o'neil"!(x)*@example.com`, 'Jürgen@Exämple.de', 'a,b&c=d%#?@example.com'])(
    '%s is found',
    async (email) => {
      await rig.put([{ id: 5, email }]);
      expect(kinds(await findAt([email, 'customer6@example.com']))).toEqual({
        [addressKey(email)]: 5,
        'customer6@example.com': 6,
      });
      expect(kinds(await findAt([` ${email.toUpperCase()} `]))).toEqual({ [addressKey(email)]: 5 });
    },
  );

  test('a hundred are, whatever its pages and its longest URL', async () => {
    const emails = Array.from({ length: 300 }, (_, n) => `CUSTOMER${n + 901}@example.com`);
    const found = [...(await findAt(emails)).values()].map(({ kind }) => kind);
    expect([found.filter((kind) => kind === 'found'), found.filter((kind) => kind === 'unknown')]).toMatchObject([
      { length: 100 },
      { length: 200 },
    ]);
    expect((await rig.stats()).maxInFlight).toBe(1);
  });

  test('no URL is longer than 4,000 bytes', async () => {
    const long = await Rig.start();
    const tokens = { tokenFor: () => 'token-one', reread: () => 'token-one', cures: {} } as unknown as Tokens;
    const observe = () => ({ callStarted() {}, callEnded() {}, quotaLeft() {} });
    const others = new Stores({ api: new Api(long.url, '1'), tokens, quotaReservePercent: 0, observe });
    await others.get('one').findByEmail({ emails: many(300, 'ö'.repeat(40)), permit });
    expect((await long.stats()).longestUrl).toBeLessThanOrEqual(4_000);
    await others.close();
    await long.close();
  });

  test('the store quotes nobody', async () => {
    const title = 'No customer QUOTED.NAME, quoted.name@example.com or quoted.NAME%40example.com';
    await rig.fault({ fault: 'status', status: 400, title, email: 'Quoted.Name@Example.com', count: 'always' });
    const found = await findAt(['Quoted.Name@Example.com', 'customer1@example.com']);
    expect(found.get('quoted.name@example.com')).toEqual({ kind: 'refused', message: 'No customer ***, *** or ***' });
    expect(kinds(found)['customer1@example.com']).toBe(1);
  });

  test('an error holds no address, whatever it is', async () => {
    for (const status of [400, 401, 403, 404, 500, 503, 507]) {
      await rig.fault({ fault: 'status', status, on: 'get', title: 'quoted.name@example.com', count: 'always' });
      const error: unknown = await findAt(['quoted.name@example.com']).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(StoreError);
      expect(JSON.stringify([error, String(error)])).not.toMatch(/quoted/i);
      await rig.fault({ clear: true });
    }
  });
});

test('an address is hidden in each of its spellings', () => {
  const traces = tracesOf("Anne-Marie.O'Neil+shop@Example.com");
  for (const trace of [
    "Anne-Marie.O'Neil+shop@Example.com",
    "anne-marie.o'neil+shop@example.com",
    "Anne-Marie.O'Neil+shop",
    'anne-marie.o%27neil%2Bshop%40example.com',
    "Anne-Marie.O'Neil%2Bshop",
  ]) {
    expect(traces).toContain(trace);
  }
});
