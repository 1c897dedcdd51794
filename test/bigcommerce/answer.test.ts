import {
  anyObject,
  type Answer,
  classify,
  listedCustomers,
  updatedIds,
  type Verdict,
} from '../../src/bigcommerce/answer.ts';

type Read = (body: unknown) => object | undefined;

const read = (answer: Partial<Answer>, body: Read = updatedIds, secrets: string[] = []): Verdict<object> =>
  classify(
    { status: 200, headers: {}, text: '', ...answer },
    { read: body, secrets: () => secrets },
    'change the token',
  );

const problem = (title: string, errors: unknown = {}, status = 422) =>
  JSON.stringify({ status, title, type: 'https://developer.bigcommerce.com/api', errors });

const SUSPENDED = problem('The store is suspended, and cannot be reached.', {}, 503);

describe('every status has one class', () => {
  test.each<[Verdict<object>['kind'], number[]]>([
    ['ok', [200]],
    ['throttled', [429]],
    ['unavailable', [408, 423, 499, 500, 502, 503, 504, 201, 202, 204, 520]],
    ['isolate', [207, 400, 409, 413, 422]],
    ['refused', [401, 403, 404, 405, 406, 415, 501, 505, 507, 402, 410, 418, 451, 300, 301, 302, 304, 307, 308]],
  ])('%s: %j', (kind, statuses) => {
    for (const status of statuses) {
      const text = status === 200 ? '{"data":[],"meta":{}}' : 'The route is not found, check the URL';
      expect([status, read({ status, text }).kind]).toEqual([status, kind]);
    }
  });

  test.each<[string, Verdict<object>['kind'], Partial<Answer>]>([
    ['404 with a v3 body', 'isolate', { status: 404, text: problem('Not found', {}, 404) }],
    ['404 of a route', 'refused', { status: 404, text: 'The route is not found, check the URL' }],
    ['404 as a page', 'refused', { status: 404, text: '<html>nothing here</html>' }],
    ['503 of a suspended store', 'refused', { status: 503, text: SUSPENDED }],
    ['503 of a suspended store in plain text', 'refused', { status: 503, text: 'The store is suspended' }],
    ['503 of a suspended store after a blank', 'refused', { status: 503, text: ' The store is suspended' }],
    [
      '503 of a store that is not said to be suspended',
      'unavailable',
      { status: 503, text: 'Is the store is suspended?' },
    ],
    ['502 that says suspended', 'unavailable', { status: 502, text: 'The store is suspended' }],
    ['503 of a gateway', 'unavailable', { status: 503, text: '<html>Service Unavailable</html>' }],
    ['503 with JSON', 'unavailable', { status: 503, text: problem('Maintenance', {}, 503) }],
    ['200 that is cut off', 'unavailable', { text: '{"data":[{"id":1},{"i' }],
    ['200 without a body', 'unavailable', { text: '' }],
    ['200 with a page', 'unavailable', { text: '<html>Welcome to the hotel</html>' }],
    ['200 with an error instead of data', 'unavailable', { text: problem('Oops') }],
    ['200 with a customer without an id', 'unavailable', { text: '{"data":[{"id":1},{}]}' }],
    ['429 with an empty body', 'throttled', { status: 429 }],
    ['429 with a page', 'throttled', { status: 429, text: '<html>slow down</html>' }],
    ['422 with a page', 'isolate', { status: 422, text: '<html>no</html>' }],
    ['400 with nothing', 'isolate', { status: 400, text: '{}' }],
  ])('%s: %s', (_, kind, answer) => {
    expect(read(answer).kind).toBe(kind);
  });
});

test('a 200 gives the ids, whatever else it contains', () => {
  const text = '{"data":[{"id":7,"email":"a@b.com","new_field":{}},{"id":3}],"meta":{"x":1},"more":[]}';
  expect(read({ text })).toEqual({ kind: 'ok', body: [7, 3] });
});

test('a token check accepts any JSON object, but no page', () => {
  expect(read({ text: '{"time":1700000000}' }, anyObject).kind).toBe('ok');
  for (const text of ['<html></html>', 'null', '"ok"', '1']) {
    expect([text, read({ text }, anyObject).kind]).toEqual([text, 'unavailable']);
  }
});

test.each([
  ['the customers and pages', { count: 2, total_pages: 3 }, { items: [{ id: 7 }, { id: 3, notes: 'a' }], pages: 3 }],
  ['fewer customers than it says', { count: 3, total_pages: 1 }, undefined],
  ['more customers than it says', { count: 1, total_pages: 1 }, undefined],
  ['no number of pages', { count: 2 }, undefined],
  ['no count', { total_pages: 1 }, undefined],
])('a list of customers with %s', (_, pagination, expected) => {
  const data = [{ id: 7 }, { id: 3, notes: 'a' }];
  expect(listedCustomers({ data, meta: { pagination } })).toEqual(expected);
});

test.each([undefined, {}, { data: [] }, { meta: { pagination: { count: 0, total_pages: 0 } } }, []])(
  '%j is no list of customers',
  (body) => {
    expect(listedCustomers(body)).toBeUndefined();
  },
);

test.each([
  ['an unknown id', { '0.id': 'invalid customer ID' }, 0, 'unknown_id', 'id: invalid customer ID'],
  ['a wrong type', { '9.first_name': 'error.expected.jsstring' }, 9, 'rejected', 'first_name: error.expected.jsstring'],
  ['an index of two digits', { '12.id': 'invalid customer ID' }, 12, 'unknown_id', 'id: invalid customer ID'],
  ['an index alone', { 3: 'no' }, 3, 'rejected', 'no'],
  ['an e-mail address without "in use"', { '0.email': 'not valid' }, 0, 'rejected', 'email: not valid'],
  ['another value in use', { '0.phone': 'already in use' }, 0, 'rejected', 'phone: already in use'],
  ['an email in use', { '0.email': 'already taken' }, 0, 'email_taken', 'email: already taken'],
  ['a text with line breaks', { '[2].phone': 'too\n  long' }, 2, 'rejected', 'phone: too long'],
  ['a structured text', { '4.notes': ['too long'] }, 4, 'rejected', 'notes: ["too long"]'],
])('%s at an index names the customer', (_, errors, index, code, message) => {
  const verdict = read({ status: 422, text: problem('JSON data is missing or invalid', errors) });
  expect(verdict).toMatchObject({ kind: 'isolate', named: [{ index, code, message }], code, message });
});

test('an e-mail address in use is found, and masked in the message', () => {
  const text = problem('Unprocessable', { '.customer_update': "Update failed: email Ann.O'Neil@x.co already in use." });
  expect(read({ status: 422, text })).toEqual({
    kind: 'isolate',
    named: [],
    emails: ["ann.o'neil@x.co"],
    code: 'email_taken',
    message: 'Update failed: email *** already in use.',
  });
});

test.each([
  ['keys without an index', { id: 'error.path.missing', x: 'no' }, 'id: error.path.missing; x: no'],
  ['an index further on', { 'form.0.id': 'no' }, 'form.0.id: no'],
  ['no errors', {}, 'JSON data is missing or invalid'],
  ['errors that are a list', ['strange'], 'JSON data is missing or invalid'],
])('%s name nobody', (_, errors, message) => {
  const verdict = read({ status: 422, text: problem('JSON data is missing or invalid', errors) });
  expect(verdict).toEqual({ kind: 'isolate', named: [], emails: [], code: 'rejected', message });
});

test('a partial success is not a success: it says who failed, or leaves everything open', () => {
  const data = [{ id: 1 }, { id: 2 }];
  const errors = { '1.id': 'invalid customer ID' };
  expect(read({ status: 207, text: JSON.stringify({ data, errors }) })).toMatchObject({
    kind: 'isolate',
    named: [{ index: 1, code: 'unknown_id' }],
    code: 'unknown_id',
  });
  expect(read({ status: 207, text: JSON.stringify({ data }) })).toMatchObject({
    kind: 'isolate',
    named: [],
    code: 'unavailable',
  });
});

test.each([
  [401, '<html>Sign in</html>'],
  [403, '\n<!doctype html><title>Attention required</title>'],
  [403, '{"error":"blocked","ray":"8f2"}'],
  [403, '{}'],
])('%i with %j is from something in front of the API, and no refusal', (status, text) => {
  const reason = `The store gave the status ${status}, but not in the API's own words.`;
  expect(read({ status, text })).toEqual({ kind: 'unavailable', reason, waitMs: undefined });
});

test.each([
  [401, 'Unauthorized', /refuses its access token: change the token\. It answered 401: Unauthorized/, true],
  [
    403,
    problem("You don't have a required scope", {}, 403),
    /scope "Customers: modify".*another store: .*, or change the token\./,
    true,
  ],
  [404, 'The route is not found, check the URL', /check BIGCOMMERCE_API_URL and the store hash/, false],
  [503, SUSPENDED, /suspended.*then resume/, false],
  [507, '', /plan's limit.*then resume.*507/, false],
  [302, '<a href="https://evil.example">moved</a>', /not followed.*check BIGCOMMERCE_API_URL.*302\.$/, false],
  [405, '<html>405</html>', /check BIGCOMMERCE_API_URL.*405\.$/, false],
])('a refusal with %i says how to fix it', (status, text, message, forToken) => {
  const verdict = read({ status, text });
  expect(verdict).toEqual({ kind: 'refused', message: expect.stringMatching(message) as string, forToken });
  expect((verdict as { message: string }).message.length).toBeLessThanOrEqual(400);
});

test('nothing that was sent is quoted: neither the token nor any value', () => {
  const secrets = ['s3cret-token', 'Miller', '555 0100', 'a+b(c'];
  const errors = { '0.phone': '555 0100 is no phone of Miller, nor of Millerson; a+b(c' };
  expect(read({ status: 422, text: problem('', errors) }, updatedIds, secrets)).toMatchObject({
    message: 'phone: *** is no phone of ***, nor of Millerson; ***',
  });
  const refused = read({ status: 403, text: 'The token s3cret-token is not known' }, updatedIds, secrets);
  expect(JSON.stringify(refused)).not.toContain('s3cret-token');
});

test('pages are never quoted', () => {
  const text = '\n <!DOCTYPE html><title>secret@x.com</title>';
  for (const status of [200, 207, 302, 400, 401, 404, 413, 422, 429, 500, 502, 503]) {
    expect(JSON.stringify(read({ status, text }))).not.toMatch(/DOCTYPE|secret/);
  }
});

describe('how long to wait', () => {
  const headers = { 'x-retry-after': '7', 'x-rate-limit-time-reset-ms': '2500' };
  test('after a 429 is the longer of retry-after and the reset', () => {
    expect(read({ status: 429, headers })).toEqual({ kind: 'throttled', waitMs: 7_000 });
    expect(read({ status: 429 })).toEqual({ kind: 'throttled', waitMs: undefined });
  });
  test('after an outage is what the store asks for', () => {
    expect(read({ status: 503, headers })).toMatchObject({ kind: 'unavailable', waitMs: 7_000 });
    expect(read({ status: 502 })).toMatchObject({ kind: 'unavailable', waitMs: undefined });
  });
});
