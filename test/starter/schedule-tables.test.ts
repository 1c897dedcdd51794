import type { ListedJob } from '../../src/starter/list.ts';
import { runsTable, schedulesTable } from '../../src/starter/schedule-tables.ts';

const NOW = Date.parse('2026-01-03T12:00:00Z');
const plain = (_: unknown, text: string) => text;
const at = (day: number) => new Date(2026, 0, day, 2, 30);
const id = (day: number) => `customer-updates/abc123/nightly-2026-01-0${day}T02:30:00Z`;

function job(day: number, more: object, customers: object = {}): ListedJob {
  const counts = { total: 1_200, updated: 1_200, rejected: 0, failed: 0, invalid: 0, unprocessed: 0, ...customers };
  const startedAt = new Date(NOW - 60_000);
  return {
    id: id(day),
    status: 'COMPLETED',
    startedAt,
    progress: { customers: counts, state: 'completed' },
    ...more,
  } as ListedJob;
}

test('the runs of a schedule are a table: when, how they ended, what they did, how long they took', () => {
  const held = { state: 'held', waitingFor: { kind: 'refused' }, eta: null };
  const counts = job(1, {}).progress?.customers;
  const runs = [
    { id: id(4), at: at(4), job: job(4, { status: 'RUNNING', progress: { customers: counts, ...held } }) },
    { id: id(3), at: at(3), job: job(3, { status: 'FAILED', endedAt: new Date(NOW), progress: undefined }) },
    {
      ...{ id: id(2), at: at(2) },
      job: job(2, {
        endedAt: new Date(NOW),
        progress: { customers: { ...counts, updated: 1_190, rejected: 4, failed: 5, invalid: 1 }, unchanged: 1_000 },
      }),
    },
    { id: id(1), at: at(1), job: undefined },
  ];
  expect(runsTable(runs, NOW, plain)).toBe(
    [
      'TIME              STATE            UPDATED  OF THESE UNCHANGED  NOT UPDATED  TOOK           JOB',
      '2026-01-04 02:30  held (refused)     1,200                   -            0  for 1 min 0 s  nightly-2026-01-04T02:30:00Z',
      '2026-01-03 02:30  failed                 -                   -            -  1 min 0 s      nightly-2026-01-03T02:30:00Z',
      '2026-01-02 02:30  completed          1,190               1,000           10  1 min 0 s      nightly-2026-01-02T02:30:00Z',
      '2026-01-01 02:30  no longer known        -                   -            -  -              nightly-2026-01-01T02:30:00Z',
    ].join('\n'),
  );
});

test('schedules are a table: when, which run is next, which was last', () => {
  const schedules = [
    { id: 'customer-updates/abc123/nightly', when: '30 2 * * * (UTC)', paused: false, next: at(4), last: at(3) },
    { id: 'customer-updates/abc123/often', when: 'every 4h', paused: true, next: undefined, last: undefined },
    { id: 'customer-updates/def/by-hand', when: undefined, paused: false, next: undefined, last: undefined },
  ];
  expect(schedulesTable(schedules, plain)).toBe(
    [
      'STORE   SCHEDULE  WHEN              NEXT              LAST',
      'abc123  nightly   30 2 * * * (UTC)  2026-01-04 02:30  2026-01-03 02:30',
      'abc123  often     every 4h          paused            -',
      'def     by-hand   -                 never             -',
    ].join('\n'),
  );
});
