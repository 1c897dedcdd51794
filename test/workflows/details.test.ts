import type { Failure, Progress } from '../../src/contract/job.ts';
import { details } from '../../src/workflows/show.ts';

const running: Progress = {
  state: 'running',
  customers: { total: 100, updated: 20, rejected: 1, failed: 0, invalid: 2, unprocessed: 77 },
  chunks: { total: 10, done: 2 },
  calls: 3,
  reads: 0,
  throttled: 0,
  waitingFor: null,
  pace: { callsPerSecond: 4.5, concurrency: 3 },
  eta: '2026-11-25T04:00:00.000Z',
  report: null,
  retry: null,
  fix: null,
  changes: null,
};
const beyond = { id: 'customer-updates/abc/spring', latest: [], slowedBy: null };
const failure: Failure = {
  row: 12,
  line: null,
  id: 34,
  outcome: 'rejected',
  code: 'unknown_id',
  message: 'No such\nid | here.',
};

test('show state, the five counts, pace, when it will be done, and what helps', () => {
  expect(details(running, beyond)).toBe(
    [
      '**running**: 2 of 10 chunks done',
      '',
      '| total\u2003 | updated\u2003 | rejected\u2003 | failed\u2003 | invalid\u2003 | unprocessed\u2003 |',
      '| ---: | ---: | ---: | ---: | ---: | ---: |',
      '| 100\u2003 | 20\u2003 | 1\u2003 | 0\u2003 | 2\u2003 | 77\u2003 |',
      '',
      '3 calls, 0 throttled · 4.5 calls/s, 3 at once · done at about 2026-11-25T04:00:00Z',
      '',
      '- `npm run starter -- pause customer-updates/abc/spring`',
      '- `npm run starter -- cancel customer-updates/abc/spring`',
    ].join('\n'),
  );
});

test('quote the latest failures, each on one line', () => {
  expect(details(running, { ...beyond, latest: [failure, { ...failure, id: null }] })).toContain(
    [
      'Latest rows not updated:',
      '',
      '- row 12, id 34: rejected, unknown_id. No such id   here.',
      '- row 12, id unknown: rejected, unknown_id. No such id   here.',
    ].join('\n'),
  );
});

test.each<[string, Partial<Progress>, 'quota' | 'throttle' | null, RegExp]>([
  ['the quota slows the job', {}, 'quota', /request quota is used up/],
  ['the store throttles', {}, 'throttle', /is throttling \(429\)/],
  [
    'it is held',
    {
      state: 'held',
      waitingFor: { kind: 'refused', message: 'The token was refused.', until: '2026-11-25T05:00:00.000Z' },
    },
    'quota',
    /^\*\*held\*\*.*\n\nThe token was refused\.\n\nUntil 2026-11-25T05:00:00Z\n\n\|/,
  ],
])('say why when %s', (_, progress, slowedBy, expected) => {
  expect(details({ ...running, ...progress }, { ...beyond, slowedBy })).toMatch(expected);
});

test('name the report of an ended job, and retry only if something is left to send', () => {
  const done = { total: 100, updated: 97, rejected: 1, failed: 0, invalid: 2, unprocessed: 0 };
  const ended: Progress = {
    ...running,
    state: 'completed',
    customers: done,
    report: 'file:///r.csv',
    pace: null,
    eta: null,
  };
  expect(details(ended, beyond)).toMatch(/Report: file:\/\/\/r\.csv\n\n- `npm run starter -- failures [^`]+`$/);
  const left = { ...ended, customers: { ...done, updated: 90, failed: 7 } };
  expect(details(left, beyond)).toMatch(/retry customer-updates\/abc\/spring`$/);
});

test('say what a dry run has found, and name its file of changes', () => {
  const compared = { changed: 3, unchanged: 0, unknown: 2, ambiguous: 0, sameCustomer: 1, unreadable: 0 };
  const ended: Progress = {
    ...{ ...running, state: 'completed', pace: null, eta: null, changes: 'file:///c.csv' },
    wouldSend: { customers: 3, calls: 1, quota: null, compared },
  };
  const text = details(ended, beyond);
  expect(text).toContain('\n\nLooked up: 3 to be changed, 0 unchanged, 2 unknown, 1 same customer\n');
  expect(text).toContain('\n\nWhat would change: file:///c.csv\n');
  expect(text).toContain('\n- `npm run starter -- changes customer-updates/abc/spring`\n');
});

test('say how many were unchanged, and name the backup and undo if there is one', () => {
  const backup = 'file:///b.ndjson';
  const more = { reads: 4, unchanged: 12, backup };
  const ended: Progress = { ...running, state: 'completed', pace: null, eta: null, ...more };
  expect(details(ended, beyond)).toMatch(/3 calls, 0 throttled · 4 reads · 12 unchanged, not sent\n/);
  expect(details(ended, beyond)).toMatch(/Backup: file:\/\/\/b\.ndjson\n[^]*undo customer-updates\/abc\/spring`$/);
  expect(details({ ...ended, backup: null }, beyond)).not.toMatch(/undo|Backup/);
});
