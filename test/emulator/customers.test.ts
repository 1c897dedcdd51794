import { Rig } from './rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
});
afterAll(() => rig.close());
beforeEach(() => rig.reset());

const emailTaken = (email: string) => ({
  '.customer_update': `Error updating customers: email ${email} already in use`,
});

test('an update is answered with the customers in the order of the request', async () => {
  const { status, json } = await rig.put([
    { id: 7, notes: 'seven' },
    { id: 3, company: 'three' },
  ]);
  expect(status).toBe(200);
  expect(json.meta).toEqual({});
  expect(json.data).toMatchObject([
    { id: 7, email: 'customer7@example.com', notes: 'seven', company: '' },
    { id: 3, email: 'customer3@example.com', notes: '', company: 'three' },
  ]);
  expect(await rig.customer(7, 'two')).toMatchObject({ notes: '', _applied: 0 });
});

test('every known field is stored; passwords are never returned', async () => {
  const fields = {
    email: 'new@example.com',
    first_name: 'A',
    last_name: 'x'.repeat(100),
    company: 'c',
    phone: '555',
    notes: 'n'.repeat(10_000),
    tax_exempt_category: 't',
    customer_group_id: 0,
    accepts_product_review_abandoned_cart_emails: true,
    store_credit_amounts: [{ amount: 4.15 }],
    channel_ids: [1, 2],
    form_fields: [
      { name: 'Size', value: 'L' },
      { name: 'Age', value: 4 },
      { name: 'Likes', value: ['a', 'b'] },
    ],
  };
  const authentication = { new_password: 'open sesame', force_password_reset: true };
  expect((await rig.put([{ id: 1, ...fields, authentication }])).text).not.toMatch('sesame');
  expect(await rig.customer(1)).toMatchObject({ ...fields, authentication: { force_password_reset: true } });
});

test('an empty text clears a field, null means all channels, and what is not sent stays', async () => {
  await rig.put([{ id: 1, company: 'c', phone: '1', notes: 'n', channel_ids: [1] }]);
  await rig.put([{ id: 1, company: '', notes: '', channel_ids: null }]);
  expect(await rig.customer(1)).toMatchObject({ company: '', phone: '1', notes: '', channel_ids: null });
});

test('form fields that an update does not name stay, or are removed on request; blank ones are removed', async () => {
  const update = async (fields: Record<string, unknown>) => {
    await rig.put([{ id: 1, form_fields: Object.entries(fields).map(([name, value]) => ({ name, value })) }]);
    const { form_fields } = await rig.customer(1);
    return Object.fromEntries(form_fields.map(({ name, value }: { name: string; value: unknown }) => [name, value]));
  };
  expect(await update({ Size: 'L', Likes: ['a'] })).toEqual({ Size: 'L', Likes: ['a'] });
  expect(await update({ Age: 4, Likes: [] })).toEqual({ Size: 'L', Age: 4 });
  expect(await update({ Age: '', Size: 'M' })).toEqual({ Size: 'M' });
  await rig.fault({ fault: 'form-fields-replaced' });
  expect(await update({ Age: 4 })).toEqual({ Age: 4 });
});

describe('an e-mail address', () => {
  const emails = async (...updates: [number, string][]) => {
    const { status, json } = await rig.put(updates.map(([id, email]) => ({ id, email })));
    return status === 200 ? 'ok' : json.errors;
  };

  test('belongs to one customer, whatever its case, until that one gives it up', async () => {
    expect(await emails([1, 'CUSTOMER2@Example.com'])).toEqual(emailTaken('CUSTOMER2@Example.com'));
    expect(await emails([1, 'Customer1@example.com'])).toBe('ok');
    expect(await emails([2, 'New@example.com'])).toBe('ok');
    expect(await emails([1, 'new@example.com'])).toEqual(emailTaken('new@example.com'));
    expect(await emails([1, 'customer2@example.com'])).toBe('ok');
    expect(await emails([2, 'customer2@example.com'])).toEqual(emailTaken('customer2@example.com'));
  });

  test('is compared within one request as well, in its order', async () => {
    expect(await emails([1, 'same@example.com'], [2, 'same@example.com'])).toEqual(emailTaken('same@example.com'));
    const move: [number, string][] = [
      [1, 'free@example.com'],
      [2, 'customer1@example.com'],
    ];
    expect(await emails(...move.toReversed())).not.toBe('ok');
    expect(await emails(...move)).toBe('ok');
  });

  test('that looks like that of a customer who does not exist is free', async () => {
    expect(await emails([1, 'customer1001@example.com'], [2, 'customer01@example.com'])).toBe('ok');
  });
});

describe('an update with a rejected customer', () => {
  const sent = [
    { id: 1, email: 'first@example.com' },
    { id: 2, email: 'customer1@example.com' },
    { id: 5_000 },
    { id: 4, notes: 'x' },
  ];

  test('applies nothing', async () => {
    expect((await rig.put(sent)).json.errors).toEqual({ '2.id': 'invalid customer ID' });
    expect(await rig.customer(1)).toMatchObject({ email: 'customer1@example.com', _applied: 0 });
    expect(await rig.customer(2)).toMatchObject({ email: 'customer2@example.com', _applied: 0 });
    expect((await rig.put([{ id: 3, email: 'first@example.com' }])).status).toBe(200);
    expect((await rig.put([{ id: 3, email: 'customer1@example.com' }])).status).toBe(422);
  });

  test('applies what precedes that customer, on request', async () => {
    await rig.fault({ fault: 'partial' });
    expect((await rig.put(sent)).status).toBe(422);
    expect(await rig.customer(2)).toMatchObject({ email: 'customer1@example.com', _applied: 1 });
    expect(await rig.customer(4)).toMatchObject({ notes: '', _applied: 0 });
    expect(await rig.stats()).toMatchObject({ customersApplied: 2 });
  });
});

test('updates are counted by customer', async () => {
  await rig.put([{ id: 1 }, { id: 2 }, { id: 3 }]);
  await rig.put([{ id: 2 }, { id: 3 }]);
  await rig.put([{ id: 3 }]);
  expect(await rig.stats()).toMatchObject({
    customersApplied: 6,
    customersUpdatedDistinct: 3,
    customersAppliedMoreThanOnce: 2,
  });
  expect(await rig.customer(3)).toMatchObject({ _applied: 3 });
});

describe('reading', () => {
  const get = async (query: string) => (await rig.call('GET', `/v3/customers${query}`)).json;
  const ids = ({ data }: { data: { id: number }[] }) => data.map(({ id }) => id);

  test('returns the current values of the requested ids that exist', async () => {
    await rig.put([{ id: 2, notes: 'new' }]);
    const listed = await get('?id:in=1,2,1001');
    expect(listed.data).toMatchObject([
      { id: 1, notes: '' },
      { id: 2, notes: 'new' },
    ]);
    expect(listed.meta.pagination).toEqual({ total: 2, count: 2, per_page: 50, current_page: 1, total_pages: 1 });
    expect(ids(await get('?id%3Ain=3'))).toEqual([3]);
    expect(await rig.stats()).toMatchObject({ gets: 2, customersRead: 3 });
  });

  test('returns store credit and form fields only on request', async () => {
    const fields = async (query: string) => Object.keys((await get(`?id:in=1${query}`)).data[0]);
    const extra = ['store_credit_amounts', 'form_fields'];
    expect((await fields('')).filter((name) => extra.includes(name))).toEqual([]);
    expect(await fields('&include=addresses,formfields')).toContain('form_fields');
    expect(await fields('&include=storecredit,formfields')).toEqual(expect.arrayContaining([...extra, 'channel_ids']));
  });

  test('returns pages of at most 250', async () => {
    expect(ids(await get('?limit=3&page=2'))).toEqual([4, 5, 6]);
    const pages = { total: 1_000, count: 250, per_page: 250, current_page: 4, total_pages: 4 };
    expect((await get('?limit=1000&page=4')).meta.pagination).toEqual(pages);
    expect(ids(await get('?page=21'))).toEqual([]);
  });

  test('returns the time in seconds', async () => {
    const { status, json } = await rig.call('GET', '/v2/time');
    expect(status).toBe(200);
    expect(json.time).toBeCloseTo(Date.now() / 1000, -1);
  });
});

test('a million customers in each of ten stores cost little until they are changed', async () => {
  const stores = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`s${n}`, `token-s${n}`]));
  const before = process.memoryUsage().rss;
  const big = await Rig.start({ stores, customers: 1_000_000 });
  const { json } = await big.put([{ id: 1_000_000, notes: 'last' }], { store: 's9' });
  expect(json.data).toMatchObject([{ email: 'customer1000000@example.com', notes: 'last' }]);
  expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
  await big.close();
});
