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
    customer_group_id: 3,
    accepts_product_review_abandoned_cart_emails: true,
    store_credit_amounts: [{ amount: 4.15 }],
    channel_ids: [1, 2],
    form_fields: [
      { name: 'Size', value: 'L' },
      { name: 'Age', value: 4 },
      { name: 'Likes', value: ['a', 'b'] },
    ],
  };
  const authentication = { new_password: 'open sesame 7', force_password_reset: true };
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

  test('may be shared by customers without a channel in common, and by no others', async () => {
    const on = (id: number, channel_ids: number[] | null, email?: string) => ({
      id,
      channel_ids,
      ...(email && { email }),
    });
    const update = async (...customers: object[]) => (await rig.put(customers)).status;
    expect(await update(on(1, [1]), on(2, [2], 'Customer1@example.com'))).toBe(200);
    expect((await rig.put([on(3, [2], 'customer1@example.com')])).json.errors).toEqual(
      emailTaken('customer1@example.com'),
    );
    expect((await rig.put([on(2, null)])).json.errors).toEqual(emailTaken('Customer1@example.com'));
    expect(await update(on(2, null, 'free@example.com'))).toBe(200);
    expect(await update(on(3, [2], 'customer1@example.com'), { id: 1, notes: 'n' })).toBe(200);
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
    expect(ids(await get('?id:in=9,7,9'))).toEqual([7, 9]);
    expect(ids(await get('?id:in='))).toEqual([]);
  });

  describe('by e-mail address', () => {
    const byEmail = async (...emails: string[]) =>
      ids(await get(`?email:in=${emails.map(encodeURIComponent).join(',')}&limit=250`));

    test('finds none, one or several customers for each, whatever the case, in the order of their ids', async () => {
      const customers = [
        { id: 5, channel_ids: [1] },
        { id: 8, channel_ids: [2], email: 'CUSTOMER5@example.com' },
      ];
      expect((await rig.control('POST', 'customers', { store: 'one', customers })).status).toBe(200);
      expect(await byEmail('Customer5@Example.com')).toEqual([5, 8]);
      expect(await byEmail('customer8@example.com')).toEqual([]);
      expect(await byEmail('customer9@example.com', 'customer1001@example.com', 'CUSTOMER5@EXAMPLE.COM')).toEqual([
        5, 8, 9,
      ]);
    });

    test('finds the current address only', async () => {
      await rig.put([{ id: 5, email: 'new@example.com' }]);
      expect(await byEmail('new@example.com', 'customer5@example.com')).toEqual([5]);
      await rig.put([{ id: 5, email: 'customer5@example.com' }]);
      expect(await byEmail('new@example.com')).toEqual([]);
      expect(await byEmail('customer5@example.com')).toEqual([5]);
    });

    test('finds addresses that are percent-encoded: a plus sign that is not is a blank', async () => {
      const emails = ['a+b@example.com', "o'neil,&%#@example.com", 'jürgen@exämple.de'];
      await rig.put(emails.map((email, index) => ({ id: index + 1, email })));
      expect(await byEmail(...emails)).toEqual([1, 2, 3]);
      expect(ids(await get('?email:in=a%2Bb@example.com'))).toEqual([1]);
      expect(ids(await get('?email:in=a+b@example.com'))).toEqual([]);
    });

    test('and by id leaves those that both name', async () => {
      expect(ids(await get('?id:in=1,2&email:in=customer2@example.com,customer3@example.com'))).toEqual([2]);
    });

    test('minds the case, on request', async () => {
      await rig.put([{ id: 5, email: 'New@example.com' }]);
      await rig.fault({ fault: 'exact-case' });
      expect(await byEmail('new@example.com')).toEqual([]);
      expect(await byEmail('New@example.com')).toEqual([5]);
    });
  });

  test('lists all customers whatever is asked for, on request', async () => {
    await rig.fault({ fault: 'filters-ignored' });
    expect((await get('?id:in=9')).meta.pagination).toMatchObject({ total: 1_000, count: 50 });
    expect(ids(await get('?email:in=customer9@example.com&limit=2'))).toEqual([1, 2]);
  });

  test('says with each form field whose it is', async () => {
    await rig.put([{ id: 4, form_fields: [{ name: 'Size', value: 'L' }] }]);
    const [customer] = (await get('?id:in=4&include=formfields')).data;
    expect(customer.form_fields).toEqual([{ name: 'Size', value: 'L', customer_id: 4 }]);
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

  test('returns the ends of the first page as cursors', async () => {
    const cursors = async (query: string) => (await get(query)).meta.cursor_pagination;
    const cursor = (id: number) => Buffer.from(`{"id":${id}}`).toString('base64url');
    const ends = { start_cursor: cursor(1), end_cursor: cursor(3) };
    expect(await cursors('?limit=3')).toEqual({ count: 3, per_page: 3, ...ends });
    expect(await cursors('?limit=3&page=2')).toEqual({ count: 3, per_page: 3 });
    expect(await cursors('?id:in=1001')).toEqual({ count: 0, per_page: 50 });
  });

  test('returns the time in seconds', async () => {
    const { status, json } = await rig.call('GET', '/v2/time');
    expect(status).toBe(200);
    expect(json.time).toBeCloseTo(Date.now() / 1000, -1);
  });
});

describe('customer groups', () => {
  const list = (query = '') => rig.call('GET', `/v2/customer_groups${query}`);
  const groups = async (query?: string) => (await list(query)).json.map(({ id, name }: any) => [id, name]);

  test('are listed in pages, as a bare array, and 204 without a body comes after the last one', async () => {
    expect(await groups()).toEqual([
      [1, 'Wholesale'],
      [2, 'Retail'],
      [3, 'VIP'],
    ]);
    expect(await groups('?page=2&limit=2')).toEqual([[3, 'VIP']]);
    expect(await list('?page=3&limit=2')).toMatchObject({ status: 204, text: '' });
  });

  test('and channels are replaced on request, in one store, until it is reset', async () => {
    const stores = { store: 'one', groups: [{ id: 7, name: 'VIP' }], channels: [5] };
    const moved = [{ id: 1, customer_group_id: 7, channel_ids: [5] }];
    expect((await rig.put(moved)).status).toBe(422);
    expect((await rig.control('POST', 'stores', stores)).status).toBe(200);
    expect(await groups()).toEqual([[7, 'VIP']]);
    expect((await rig.put(moved)).status).toBe(200);
    expect((await rig.put(moved, { store: 'two' })).status).toBe(422);
    await rig.control('POST', 'stores', { store: 'one', groups: [] });
    expect((await list()).status).toBe(204);
    expect((await rig.put([{ id: 2, channel_ids: [5] }])).status).toBe(200);
    await rig.reset();
    expect(await groups()).toHaveLength(3);
    expect((await rig.put([{ id: 2, channel_ids: [5] }])).status).toBe(422);
  });
});

test('pages are as small as the emulator is told, whatever is asked for', async () => {
  const small = await Rig.start({ pageSize: 2 });
  const { data, meta } = (await small.call('GET', '/v3/customers?id:in=1,2,3&limit=250&page=2')).json;
  expect(data).toMatchObject([{ id: 3 }]);
  expect(meta.pagination).toEqual({ total: 3, count: 1, per_page: 2, current_page: 2, total_pages: 2 });
  expect((await small.call('GET', '/v2/customer_groups?limit=250')).json).toHaveLength(2);
  await small.close();
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
