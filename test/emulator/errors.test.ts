import type { Answer } from './rig.ts';
import { Rig } from './rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
});
afterAll(() => rig.close());
beforeEach(() => rig.reset());

const TYPE = 'https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes';
const INVALID = 'JSON data is missing or invalid';
const FAILED = 'Update customers failed.';
const NO_SCOPE = "You don't have a required scope to access the endpoint";

const expectProblem = (
  { status, json, headers }: Answer,
  wanted: { status: number; title: string; errors?: object },
) => {
  expect(json).toEqual({ type: TYPE, errors: {}, ...wanted });
  expect(status).toBe(wanted.status);
  expect(headers.get('content-type')).toBe('application/json');
};

const eleven = Array.from({ length: 11 }, (_, n) => ({ id: n + 1, notes: 'x' }));

describe('an update is answered with the documented error for', () => {
  test.each<[string, unknown, number, string, object]>([
    ['an id that does not exist', [{ id: 1 }, { id: 1_001 }], 422, FAILED, { '1.id': 'invalid customer ID' }],
    ['the first of two unknown ids', [{ id: 0 }, { id: -1 }], 422, FAILED, { '0.id': 'invalid customer ID' }],
    ['a missing id', [{ id: 1 }, { notes: 'x' }], 422, INVALID, { id: 'error.path.missing' }],
    ['an element that is not an object', [42], 422, INVALID, { id: 'error.path.missing' }],
    ['a body that is not an array', { id: 1 }, 422, INVALID, { '': 'error.expected.jsarray' }],
    [
      'a wrong type after an unknown id',
      [{ id: 9_999 }, { id: 1, notes: 5 }],
      422,
      INVALID,
      { notes: 'error.expected.jsstring' },
    ],
    [
      'a group that does not exist',
      [
        { id: 1, customer_group_id: 3 },
        { id: 2, customer_group_id: 4 },
      ],
      422,
      FAILED,
      { '1.customer_group_id': 'invalid customer group ID' },
    ],
    [
      'a channel that does not exist',
      [{ id: 1, channel_ids: [1, 3] }],
      422,
      FAILED,
      { '0.channel_ids': 'invalid channel ID' },
    ],
    ['no channels', [{ id: 1, channel_ids: [] }], 422, INVALID, { channel_ids: 'error.minLength' }],
    ['more than ten customers', eleven, 413, 'Too many customers', {}],
  ])('%s', async (_, sent, status, title, errors) => {
    expectProblem(await rig.put(sent), { status, title, errors });
    expect(await rig.stats()).toMatchObject({ customersApplied: 0, byStatus: { [status]: 1 } });
  });

  test('every wrong field of the first bad customer, without an index', async () => {
    const wrong: Record<string, [unknown, string]> = {
      id: ['1', 'error.expected.jsnumber'],
      email: ['ab', 'error.minLength'],
      first_name: ['', 'error.minLength'],
      last_name: ['x'.repeat(101), 'error.maxLength'],
      company: ['x'.repeat(256), 'error.maxLength'],
      phone: [5551234, 'error.expected.jsstring'],
      notes: [false, 'error.expected.jsstring'],
      tax_exempt_category: [null, 'error.expected.jsstring'],
      customer_group_id: [1.5, 'error.expected.int'],
      authentication: [{ force_password_reset: 'yes' }, 'error.expected.jsboolean'],
      accepts_product_review_abandoned_cart_emails: ['true', 'error.expected.jsboolean'],
      store_credit_amounts: [[{}], 'error.path.missing'],
      channel_ids: [[1, 'two'], 'error.expected.jsnumber'],
      form_fields: [[{ name: 'Age', value: [1] }], 'error.expected.jsstring'],
    };
    const fields = Object.entries(wrong);
    const sent = [{ id: 1 }, Object.fromEntries(fields.map(([name, [value]]) => [name, value])), { phone: 1 }];
    const errors = Object.fromEntries(fields.map(([name, [, error]]) => [name, error]));
    expectProblem(await rig.put(sent), { status: 422, title: INVALID, errors });
  });

  test.each([
    'nobody',
    '@example.com',
    'ada@',
    'a@b@example.com',
    'a b@example.com',
    'a@example.com\u200b',
    'a\u00a0@example.com',
  ])('the address %j, which is none', async (email) => {
    expectProblem(await rig.put([{ id: 1, email }]), { status: 422, title: INVALID, errors: { email: 'error.email' } });
  });

  test.each([
    ['Short1', 'error.minLength'],
    ['onlyletters', 'error.pattern'],
    ['12345678', 'error.pattern'],
  ])('the password %j', async (password, error) => {
    const sent = [{ id: 1, authentication: { new_password: password } }];
    expectProblem(await rig.put(sent), { status: 422, title: INVALID, errors: { authentication: error } });
  });

  test('none of these, if address, password and group are unusual but possible', async () => {
    const emails = [
      'a@localhost',
      "O'Neil+tag@Example.co.uk",
      'jürgen@exämple.de',
      '"quoted"@example.com',
      'x@[10.0.0.1]',
    ];
    for (const email of emails) expect((await rig.put([{ id: 1, email }])).status).toBe(200);
    const authentication = { new_password: 'secret1' };
    expect((await rig.put([{ id: 1, authentication, customer_group_id: 0, channel_ids: [2] }])).status).toBe(200);
  });

  test('bodies that cannot be read', async () => {
    for (const body of ['[{"id":1', '']) {
      expectProblem(await rig.call('PUT', '/v3/customers', body), { status: 400, title: 'Input is invalid' });
    }
    const large = await rig.put([{ id: 1, notes: 'x'.repeat(3 * 1024 * 1024) }]);
    expectProblem(large, { status: 413, title: 'The request is too large' });
    const csv = await rig.put([{ id: 1 }], { headers: { 'content-type': 'text/csv' } });
    expectProblem(csv, { status: 415, title: 'Unsupported Media Type' });
  });
});

describe.each(['one', 'nowhere'])('at store %s', (store) => {
  test('a call without a token gets 401 in plain text', async () => {
    const { status, headers, json } = await rig.put([{ id: 1 }], { store, token: null });
    expect(status).toBe(401);
    expect(headers.get('content-type')).toMatch('text/plain');
    expect(json).toBeUndefined();
  });

  test('a nonsense token gets 401 in JSON, and the token of another store 403', async () => {
    expectProblem(await rig.put([{ id: 1 }], { store, token: 'nonsense' }), { status: 401, title: 'Unauthorized' });
    expectProblem(await rig.put([{ id: 1 }], { store, token: 'token-two' }), { status: 403, title: NO_SCOPE });
  });
});

test.each(['/v3/customers', '/v2/customer_groups', '/v2/time'])(
  'a token without the scope gets 403 for GET %s too',
  async (path) => {
    await rig.control('POST', 'tokens', { store: 'one', scope: false });
    expectProblem(await rig.call('GET', path), { status: 403, title: NO_SCOPE });
  },
);

test.each(['GET /v3/customer', 'PUT /v2/customers', 'PUT /v3/customers/', 'PATCH /v3/customers'])(
  '%s is an unknown route: 404 in plain text',
  async (route) => {
    const { status, text, headers } = await rig.call(...(route.split(' ') as [string, string]));
    expect({ status, text }).toEqual({ status: 404, text: 'The route is not found, check the URL' });
    expect(headers.get('content-type')).toMatch('text/plain');
  },
);

test.each(['/', '/nothing', '//', '/stores', '/stores/one', '/?x=%zz'])('so is the path %s', async (path) => {
  expect((await fetch(rig.url + path)).status).toBe(404);
});

test('a URL that is too long gets 414 in HTML from the gateway, outside of limits and quota', async () => {
  const strict = await Rig.start({ maxUrl: 200, quota: 1 });
  const path = `/v3/customers?email:in=${'x'.repeat(200)}`;
  const url = `/stores/one${path}`;
  for (const length of [url.length, 201]) {
    const { status, headers } = await strict.call('GET', path.slice(0, length - '/stores/one'.length));
    expect([status, headers.get('content-type')]).toEqual([414, 'text/html']);
  }
  expect(await strict.stats()).toMatchObject({ byStatus: { 414: 2 } });
  expect((await strict.call('GET', path.slice(0, 200 - '/stores/one'.length))).status).toBe(200);
  expect((await rig.call('GET', `/v3/customers?email:in=${'x'.repeat(7_900)}`)).status).toBe(200);
  expect((await rig.call('GET', `/v3/customers?email:in=${'x'.repeat(100_000)}`)).status).toBe(414);
  await strict.close();
});

test('more than ten customers get 422 instead, on request', async () => {
  await rig.fault({ fault: 'batch-422' });
  expectProblem(await rig.put(eleven), { status: 422, title: 'Max batch size is 10' });
});

test('unknown and read-only fields are ignored, or get 422 on request', async () => {
  const sent = [{ id: 1, notes: 'kept', nots: 'typo', origin_channel_id: 9 }];
  expect((await rig.put(sent)).json.data[0]).toMatchObject({ notes: 'kept', origin_channel_id: 1 });
  expect(await rig.customer(1)).not.toHaveProperty('nots');
  await rig.fault({ fault: 'strict-fields' });
  const errors = { nots: 'error.unknown.field', origin_channel_id: 'error.unknown.field' };
  expectProblem(await rig.put(sent), { status: 422, title: INVALID, errors });
});
