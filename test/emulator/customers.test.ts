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
});

test('every field of the table is taken and given back', async () => {
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
  expect((await rig.put([{ id: 1, ...fields }])).status).toBe(200);
  expect(await rig.customer(1)).toMatchObject(fields);
});

test('empty texts clear, null makes channel_ids all, and what is not sent stays', async () => {
  await rig.put([{ id: 1, company: 'c', phone: '1', notes: 'n', channel_ids: [1] }]);
  await rig.put([{ id: 1, company: '', notes: '', channel_ids: null }]);
  expect(await rig.customer(1)).toMatchObject({ company: '', phone: '1', notes: '', channel_ids: null });
});

describe('form fields', () => {
  const before = {
    id: 1,
    form_fields: [
      { name: 'Size', value: 'L' },
      { name: 'Likes', value: ['a'] },
    ],
  };
  const fields = async () => (await rig.customer(1)).form_fields;

  test('that an update does not name stay, blank ones are gone', async () => {
    await rig.put([before]);
    await rig.put([
      {
        id: 1,
        form_fields: [
          { name: 'Age', value: 4 },
          { name: 'Likes', value: [] },
        ],
      },
    ]);
    expect(await fields()).toEqual([
      { name: 'Size', value: 'L' },
      { name: 'Age', value: 4 },
    ]);
    await rig.put([
      {
        id: 1,
        form_fields: [
          { name: 'Age', value: '' },
          { name: 'Size', value: 'M' },
        ],
      },
    ]);
    expect(await fields()).toEqual([{ name: 'Size', value: 'M' }]);
  });

  test('that an update does not name are gone, if asked for', async () => {
    await rig.put([before]);
    await rig.fault({ fault: 'form-fields-replaced' });
    await rig.put([{ id: 1, form_fields: [{ name: 'Age', value: 4 }] }]);
    expect(await fields()).toEqual([{ name: 'Age', value: 4 }]);
  });
});

test('a password is taken and never given back', async () => {
  const authentication = { new_password: 'open sesame', force_password_reset: true };
  const { text } = await rig.put([{ id: 1, authentication }]);
  expect(text).not.toMatch('sesame');
  expect((await rig.customer(1)).authentication).toEqual({ force_password_reset: true });
});

test('stores have customers of their own', async () => {
  await rig.put([{ id: 1, notes: 'one' }]);
  expect(await rig.customer(1, 'two')).toMatchObject({ notes: '', _applied: 0 });
});

describe('an e-mail address', () => {
  test('is taken without regard to case', async () => {
    expect((await rig.put([{ id: 1, email: 'CUSTOMER2@Example.com' }])).json.errors).toEqual(
      emailTaken('CUSTOMER2@Example.com'),
    );
  });

  test('that somebody set is taken, the one given up is free', async () => {
    await rig.put([{ id: 2, email: 'New@example.com' }]);
    expect((await rig.put([{ id: 1, email: 'new@example.com' }])).json.errors).toEqual(emailTaken('new@example.com'));
    expect((await rig.put([{ id: 1, email: 'customer2@example.com' }])).status).toBe(200);
    expect((await rig.put([{ id: 2, email: 'customer2@example.com' }])).status).toBe(422);
  });

  test('may be sent again by its owner, in another case too', async () => {
    expect((await rig.put([{ id: 1, email: 'customer1@example.com' }])).status).toBe(200);
    expect((await rig.put([{ id: 1, email: 'Customer1@example.com' }])).status).toBe(200);
    expect((await rig.put([{ id: 2, email: 'customer1@example.com' }])).status).toBe(422);
  });

  test('is compared within one request as well, in its order', async () => {
    const both = [
      { id: 1, email: 'same@example.com' },
      { id: 2, email: 'same@example.com' },
    ];
    expect((await rig.put(both)).json.errors).toEqual(emailTaken('same@example.com'));
    const move = [
      { id: 1, email: 'free@example.com' },
      { id: 2, email: 'customer1@example.com' },
    ];
    expect((await rig.put(move.toReversed())).status).toBe(422);
    expect((await rig.put(move)).status).toBe(200);
  });

  test('looking like that of a customer who does not exist is free', async () => {
    expect((await rig.put([{ id: 1, email: 'customer1001@example.com' }])).status).toBe(200);
    expect((await rig.put([{ id: 2, email: 'customer01@example.com' }])).status).toBe(200);
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

  test('applies what precedes it, if asked for', async () => {
    await rig.fault({ fault: 'partial' });
    expect((await rig.put(sent)).status).toBe(422);
    expect(await rig.customer(1)).toMatchObject({ email: 'first@example.com', _applied: 1 });
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

  test('gives the current values of the ids asked for that exist', async () => {
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

  test('gives store credit and form fields only where they are asked for', async () => {
    const fields = async (query: string) => Object.keys((await get(`?id:in=1${query}`)).data[0]);
    expect(await fields('')).not.toContain('store_credit_amounts');
    expect(await fields('')).not.toContain('form_fields');
    expect(await fields('&include=addresses,formfields')).toContain('form_fields');
    const both = await fields('&include=storecredit,formfields');
    expect(both).toEqual(expect.arrayContaining(['store_credit_amounts', 'form_fields', 'channel_ids']));
  });

  test('goes by pages of at most 250', async () => {
    expect(ids(await get('?limit=3&page=2'))).toEqual([4, 5, 6]);
    expect((await get('?limit=1000&page=4')).meta.pagination).toEqual({
      total: 1_000,
      count: 250,
      per_page: 250,
      current_page: 4,
      total_pages: 4,
    });
    expect(ids(await get('?page=21'))).toEqual([]);
  });

  test('gives the time in seconds', async () => {
    const { status, json } = await rig.call('GET', '/v2/time');
    expect(status).toBe(200);
    expect(json.time).toBeCloseTo(Date.now() / 1000, -1);
  });
});

test('a million customers in each of ten stores cost little before they are changed', async () => {
  const stores = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`s${n}`, `token-s${n}`]));
  const before = process.memoryUsage().rss;
  const big = await Rig.start({ stores, customers: 1_000_000 });
  const { json } = await big.put([{ id: 1_000_000, notes: 'last' }], { store: 's9' });
  expect(json.data).toMatchObject([{ email: 'customer1000000@example.com', notes: 'last' }]);
  expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
  await big.close();
});
