import {
  countsLine,
  countsTable,
  duration,
  failuresTable,
  paceLine,
  place,
  shellWord,
  stateLine,
  wouldSendText,
} from '../../src/starter/words.ts';
import type { Progress } from '../../src/contract/job.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');

const customers = { total: 12_000, updated: 9_000, rejected: 7, failed: 0, invalid: 3, unprocessed: 2_990 };

const running: Progress = {
  state: 'running',
  customers,
  chunks: { total: 1_200, done: 901 },
  calls: 910,
  reads: 0,
  throttled: 0,
  report: null,
  retry: null,
  fix: null,
  changes: null,
  waitingFor: null,
  pace: { callsPerSecond: 4.96, concurrency: 3 },
  eta: '2026-01-01T12:01:00.000Z',
};

test.each([
  [0, '1 s'],
  [8_400, '8 s'],
  [59_900, '1 min 0 s'],
  [200_000, '3 min 20 s'],
  [20_160_000, '5 h 36 min'],
  [183_600_000, '2 d 3 h'],
])('%d ms are %s', (ms, words) => {
  expect(duration(ms)).toBe(words);
});

test('the five counts are listed one per line, numbers aligned right', () => {
  expect(countsTable(customers)).toBe(
    [
      '  updated       9,000',
      '  rejected          7',
      '  failed            0',
      '  invalid           3',
      '  unprocessed   2,990',
      '  total        12,000',
    ].join('\n'),
  );
});

test('or they are in one line, once there are any', () => {
  expect(countsLine(customers)).toBe('updated 9,000 · rejected 7 · failed 0 · invalid 3 · unprocessed 2,990');
  expect(countsLine({ ...customers, total: 0 })).toBe('');
});

test('failures are listed in columns', () => {
  expect(
    failuresTable([
      { row: 7, line: null, id: 70, outcome: 'rejected', code: 'unknown_id', message: 'no such customer' },
      { row: 1_200, line: null, id: null, outcome: 'invalid', code: 'invalid_field', message: 'id: expected a number' },
    ]),
  ).toBe(
    '  row     7  line -  id 70  rejected  unknown_id     no such customer\n' +
      '  row 1,200  line -  id  -  invalid   invalid_field  id: expected a number',
  );
});

test.each<[Partial<Progress>, string]>([
  [{}, '9,010 of 12,000 · 5.0 calls/s · about 1 min 0 s left'],
  [{ pace: null, eta: null }, '9,010 of 12,000'],
  [{ eta: '2026-01-01T11:59:59.000Z' }, '9,010 of 12,000 · 5.0 calls/s'],
  // It is waiting, and can't finish before it resumes.
  [
    { waitingFor: { kind: 'quota', message: '', until: '2026-01-01T12:00:20.000Z' }, eta: '2026-01-01T12:00:05.000Z' },
    '9,010 of 12,000 · 5.0 calls/s · about 20 s left',
  ],
  [
    { waitingFor: { kind: 'quota', message: '', until: '2026-01-01T12:00:20.000Z' } },
    '9,010 of 12,000 · 5.0 calls/s · about 1 min 0 s left',
  ],
  [{ waitingFor: { kind: 'lease', message: '', until: null }, eta: null }, '9,010 of 12,000 · 5.0 calls/s'],
  [{ customers: { ...customers, total: 0 }, pace: null, eta: null }, ''],
])('the pace with %j is %p', (changes, words) => {
  expect(paceLine({ ...running, ...changes }, NOW)).toBe(words);
});

const waiting = (kind: 'quota' | 'throttle' | 'outage' | 'refused', until: string | null) => ({
  kind,
  message: 'Because.',
  until,
});

test.each<[Partial<Progress>, string]>([
  [{}, 'running'],
  [{ state: 'preparing' }, 'reading and checking the source'],
  [{ waitingFor: waiting('quota', '2026-01-01T12:00:20.000Z') }, 'running · waiting 20 s more: Because.'],
  [{ waitingFor: waiting('throttle', null) }, 'running · waiting: Because.'],
  [{ state: 'held', waitingFor: waiting('outage', '2026-01-01T12:00:10.000Z') }, 'held, trying again in 10 s'],
  [
    { state: 'held', waitingFor: waiting('refused', '2026-01-01T12:00:25.000Z') },
    'held, looking for a new token in 25 s',
  ],
  [{ state: 'paused', waitingFor: waiting('outage', null) }, 'paused'],
])('the state with %j is %p', (changes, words) => {
  expect(stateLine({ ...running, ...changes }, NOW)).toBe(words);
});

const FOUND = { changed: 0, unchanged: 0, unknown: 0, ambiguous: 0, sameCustomer: 0, unreadable: 0 };

test.each([
  [
    { customers: 2_000, calls: 200, quota: { requests: 150, windowMs: 30_000 } },
    "It would send 2,000 customers in 200 calls; about 40 s at the store's quota of 150 calls per 30 s.",
  ],
  [{ customers: 1, calls: 1, quota: null }, 'It would send 1 customer in 1 call.'],
  [{ customers: 0, calls: 0, quota: { requests: 150, windowMs: 30_000 } }, 'It would send 0 customers in 0 calls.'],
  [
    { customers: 300, calls: 31, quota: null, compared: { ...FOUND, changed: 300, unchanged: 1_700 } },
    '300 customers would change, 1,700 would not: they already have all the values.\nIt would send 300 customers in 31 calls.',
  ],
  [
    { customers: 3, calls: 1, quota: null, compared: { ...FOUND, changed: 1, unchanged: 1, unknown: 1 } },
    '1 customer would change, 1 would not: they already have all the values. ' +
      '1 row would be rejected: no customer has the id or the address. The report says which.\n' +
      'It would send 3 customers in 1 call.',
  ],
  [
    {
      ...{ customers: 2, calls: 1, quota: null },
      compared: { changed: 2, unchanged: 0, unknown: 0, ambiguous: 2, sameCustomer: 1, unreadable: 1 },
    },
    '2 customers would change, 0 would not: they already have all the values. ' +
      '2 rows would be rejected: several customers have the address; ' +
      '1 row would be left out: another row is about the same customer; ' +
      "1 row could not be compared: the store didn't show all that the customer has. The report says which.\n" +
      'It would send 2 customers in 1 call.',
  ],
])('a dry run that found %j says %s', (found, words) => {
  expect(wouldSendText(found)).toBe(words);
});

test('a file of this machine is shown as a path that can be pasted', () => {
  expect(place('file:///data/a%20b.csv')).toBe('/data/a b.csv');
  expect(place('s3://bucket/key')).toBe('s3://bucket/key');
});

test.each([
  ['customer-updates/abc123/spring-1.csv', 'customer-updates/abc123/spring-1.csv'],
  ['/data/a b.csv', "'/data/a b.csv'"],
  ["it's", String.raw`'it'\''s'`],
  ['$(rm)', "'$(rm)'"],
])('%s is quoted for a shell as %s', (word, quoted) => {
  expect(shellWord(word)).toBe(quoted);
});
