import { readRateLimit, readRequestId, readRetryAfterMs, readThrottleMs } from '../../src/bigcommerce/headers.ts';

const all = {
  'x-rate-limit-requests-quota': '150',
  'x-rate-limit-requests-left': '149',
  'x-rate-limit-time-window-ms': '30000',
  'x-rate-limit-time-reset-ms': '12345',
};

test('the four headers are the quota', () => {
  expect(readRateLimit(all)).toEqual({ quota: 150, left: 149, windowMs: 30_000, resetMs: 12_345 });
  expect(readRateLimit({ ...all, 'x-rate-limit-requests-left': '0' })).toMatchObject({ left: 0 });
});

test.each(Object.keys(all))('without a usable %s the quota is unknown, not zero', (name) => {
  for (const garbage of [
    undefined,
    '',
    'NaN',
    '-1',
    'Infinity',
    '1e400',
    '9'.repeat(400),
    '1e99',
    '12, 12',
    ['1', '2'],
    ['1'],
    'undefined',
  ]) {
    expect(readRateLimit({ ...all, [name]: garbage })).toBeUndefined();
  }
});

test('without headers there is no quota', () => {
  expect(readRateLimit({})).toBeUndefined();
  expect(readRateLimit({ ...all, 'x-rate-limit-requests-quota': '0' })).toBeUndefined();
});

test.each([
  [{ 'x-retry-after': '3' }, 3_000],
  [{ 'x-retry-after': '3', 'x-rate-limit-time-reset-ms': '2000' }, 3_000],
  [{ 'x-retry-after': '1', 'x-rate-limit-time-reset-ms': '2000' }, 2_000],
  [{ 'x-retry-after': 'soon', 'x-rate-limit-time-reset-ms': '2000' }, 2_000],
  [{ 'x-rate-limit-time-reset-ms': '-5' }, undefined],
  [{ 'x-retry-after': '1.25' }, 1_250],
  [{ 'x-retry-after': '3600' }, 3_600_000],
  [{ 'x-retry-after': '3601' }, undefined],
  [{ 'x-retry-after': '99999999' }, undefined],
  [{ 'x-retry-after': '9'.repeat(400), 'x-rate-limit-time-reset-ms': '1e99' }, undefined],
  [{}, undefined],
])('%j asks to wait %p ms', (headers, ms) => {
  expect(readThrottleMs(headers)).toBe(ms);
});

test('retry-after is in seconds', () => {
  expect(readRetryAfterMs({ 'x-retry-after': '2' })).toBe(2_000);
});

test.each([
  ['0f8e-42:Az_9.+/=', '0f8e-42:Az_9.+/='],
  ['x'.repeat(100), 'x'.repeat(100)],
  ['x'.repeat(101), undefined],
  ['ada@example.com', undefined],
  ['two words', undefined],
  ['', undefined],
  [['1'], undefined],
  [undefined, undefined],
])('the request id of %j is %j: nothing but what looks like an id is kept', (header, id) => {
  expect(readRequestId({ 'x-request-id': header })).toBe(id);
});
