import type { Answer, CallOptions } from './rig.ts';
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

const ten = Array.from({ length: 10 }, (_, n) => ({ id: n + 1, notes: 'x' }));

describe('an update is answered with the error of the facts', () => {
  test.each<[string, unknown, number, string, object]>([
    ['an id that does not exist', [{ id: 1 }, { id: 1_001 }], 422, FAILED, { '1.id': 'invalid customer ID' }],
    ['the first of two', [{ id: 0 }, { id: -1 }], 422, FAILED, { '0.id': 'invalid customer ID' }],
    [
      'an e-mail address of another customer',
      [{ id: 1, email: 'customer2@example.com' }],
      422,
      FAILED,
      { '.customer_update': 'Error updating customers: email customer2@example.com already in use' },
    ],
    ['a missing id', [{ id: 1 }, { notes: 'x' }], 422, INVALID, { id: 'error.path.missing' }],
    ['an element that is no object', [42], 422, INVALID, { id: 'error.path.missing' }],
    ['no array', { id: 1 }, 422, INVALID, { '': 'error.expected.jsarray' }],
    [
      'a wrong type beside an unknown id',
      [{ id: 9_999 }, { id: 1, notes: 5 }],
      422,
      INVALID,
      { notes: 'error.expected.jsstring' },
    ],
    ['more than ten customers', [...ten, { id: 11 }], 413, 'Too many customers', {}],
  ])('%s', async (_, sent, status, title, errors) => {
    expectProblem(await rig.put(sent), { status, title, errors });
    expect(await rig.stats()).toMatchObject({ customersApplied: 0, byStatus: { [status]: 1 } });
  });

  test.each<[string, unknown, string]>([
    ['id', '1', 'error.expected.jsnumber'],
    ['id', null, 'error.expected.jsnumber'],
    ['id', 1.5, 'error.expected.int'],
    ['id', 2 ** 31, 'error.expected.int'],
    ['email', null, 'error.expected.jsstring'],
    ['email', 'ab', 'error.minLength'],
    ['email', 'x'.repeat(256), 'error.maxLength'],
    ['first_name', '', 'error.minLength'],
    ['first_name', 'x'.repeat(101), 'error.maxLength'],
    ['last_name', '', 'error.minLength'],
    ['last_name', 'x'.repeat(101), 'error.maxLength'],
    ['company', 'x'.repeat(256), 'error.maxLength'],
    ['phone', 'x'.repeat(51), 'error.maxLength'],
    ['phone', 5551234, 'error.expected.jsstring'],
    ['notes', false, 'error.expected.jsstring'],
    ['tax_exempt_category', 'x'.repeat(256), 'error.maxLength'],
    ['customer_group_id', '3', 'error.expected.jsnumber'],
    ['authentication', 'secret', 'error.expected.jsobject'],
    ['authentication', { force_password_reset: 'yes' }, 'error.expected.jsboolean'],
    ['authentication', { new_password: 5 }, 'error.expected.jsstring'],
    ['accepts_product_review_abandoned_cart_emails', 'true', 'error.expected.jsboolean'],
    ['store_credit_amounts', { amount: 5 }, 'error.expected.jsarray'],
    ['store_credit_amounts', [{ amount: '5' }], 'error.expected.jsnumber'],
    ['store_credit_amounts', [{}], 'error.path.missing'],
    ['channel_ids', [1, 'two'], 'error.expected.jsnumber'],
    ['form_fields', [{ name: 'Age' }], 'error.path.missing'],
    ['form_fields', [{ name: 'Age', value: true }], 'error.expected.jsstring'],
    ['form_fields', [{ name: 'Age', value: [1] }], 'error.expected.jsstring'],
  ])('%s %j', async (field, value, error) => {
    expectProblem(await rig.put([{ id: 1, [field]: value }]), {
      status: 422,
      title: INVALID,
      errors: { [field]: error },
    });
  });

  test('several fields of one customer, without an index', async () => {
    const answer = await rig.put([{ id: 1 }, { phone: 1, company: 2 }]);
    expectProblem(answer, {
      status: 422,
      title: INVALID,
      errors: { id: 'error.path.missing', phone: 'error.expected.jsstring', company: 'error.expected.jsstring' },
    });
  });

  test.each(['[{"id":1', '', '{"id":', 'id=1'])('malformed JSON: %j', async (body) => {
    expectProblem(await rig.call('PUT', '/v3/customers', body), { status: 400, title: 'Input is invalid' });
  });

  test('a body of more than 1 MiB', async () => {
    const answer = await rig.put([{ id: 1, notes: 'x'.repeat(3 * 1024 * 1024) }]);
    expectProblem(answer, { status: 413, title: 'The request is too large' });
  });

  test('a body that is not declared to be JSON', async () => {
    const answer = await rig.put([{ id: 1 }], { headers: { 'content-type': 'text/csv' } });
    expectProblem(answer, { status: 415, title: 'Unsupported Media Type' });
  });
});

describe.each(['PUT /v3/customers', 'GET /v3/customers', 'GET /v2/time'])('%s', (route) => {
  const [method = '', path = ''] = route.split(' ');
  const call = (options: CallOptions) => rig.call(method, path, method === 'PUT' ? '[{"id":1}]' : undefined, options);

  test.each(['one', 'nowhere'])('without a token is 401 in plain text, at store %s', async (store) => {
    const { status, headers, json } = await call({ store, token: null });
    expect(status).toBe(401);
    expect(headers.get('content-type')).toMatch('text/plain');
    expect(json).toBeUndefined();
  });

  test.each(['one', 'nowhere'])('with a nonsense token is 401 in JSON, at store %s', async (store) => {
    expectProblem(await call({ store, token: 'nonsense' }), { status: 401, title: 'Unauthorized' });
  });

  test.each(['two', 'nowhere'])('with the token of another store is 403, at store %s', async (store) => {
    expectProblem(await call({ store, token: 'token-one' }), { status: 403, title: NO_SCOPE });
  });

  test('with a token without the scope is 403', async () => {
    await rig.control('POST', 'tokens', { store: 'one', scope: false });
    expectProblem(await call({}), { status: 403, title: NO_SCOPE });
  });
});

test.each([
  ['GET', '/v3/customer'],
  ['PUT', '/v2/customers'],
  ['PUT', '/v3/customers/'],
  ['PATCH', '/v3/customers'],
  ['GET', '/v2/time/constructor'],
])('%s %s is an unknown route: 404 in plain text', async (method, path) => {
  const { status, text, headers } = await rig.call(method, path);
  expect({ status, text }).toEqual({ status: 404, text: 'The route is not found, check the URL' });
  expect(headers.get('content-type')).toMatch('text/plain');
});

test.each(['/', '/nothing', '//', '/stores', '/stores/one', '/?x=%zz'])('so is the path %s', async (path) => {
  expect((await fetch(rig.url + path)).status).toBe(404);
});

test('more than ten customers can be 422 instead', async () => {
  await rig.fault({ fault: 'batch-422' });
  expectProblem(await rig.put([...ten, { id: 11 }]), { status: 422, title: 'Max batch size is 10' });
});

test('unknown and read-only fields are ignored, or 422 if asked for', async () => {
  const sent = [{ id: 1, notes: 'kept', nots: 'typo', origin_channel_id: 9 }];
  expect((await rig.put(sent)).json.data[0]).toMatchObject({ notes: 'kept', origin_channel_id: 1 });
  expect(await rig.customer(1)).not.toHaveProperty('nots');
  await rig.fault({ fault: 'strict-fields' });
  const errors = { nots: 'error.unknown.field', origin_channel_id: 'error.unknown.field' };
  expectProblem(await rig.put(sent), { status: 422, title: INVALID, errors });
});
