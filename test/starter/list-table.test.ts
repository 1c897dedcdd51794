import { JobEnded } from '../../src/client.ts';
import { jobsTable, type ListedJob, listedJson } from '../../src/starter/list.ts';
import type { Session } from '../../src/starter/session.ts';
import type { Progress } from '../../src/contract/job.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const plain = (_: unknown, text: string) => text;

function progress(more: Partial<Progress> = {}): Progress {
  return {
    state: 'running',
    customers: { total: 12_000, updated: 8_990, rejected: 7, failed: 1, invalid: 2, unprocessed: 3_000 },
    chunks: { total: 1_200, done: 900 },
    calls: 910,
    reads: 0,
    throttled: 0,
    report: null,
    retry: null,
    fix: null,
    changes: null,
    waitingFor: null,
    pace: null,
    eta: '2026-01-01T12:01:00.000Z',
    ...more,
  };
}

function job(more: Partial<ListedJob> = {}): ListedJob {
  return {
    id: 'customer-updates/abc123/spring',
    runId: 'run-1',
    firstRunId: 'run-1',
    status: 'RUNNING',
    startedAt: new Date(2026, 0, 1, 9, 5),
    endedAt: undefined,
    startedBy: 'ann@desk',
    source: 'file:///spring.csv',
    options: {},
    progress: progress(),
    ...more,
  };
}

const line = (more: Partial<ListedJob>) => jobsTable([job(more)], NOW, plain).split('\n')[1];

test('jobs are listed in columns, numbers aligned right', () => {
  const jobs = [job(), job({ id: 'customer-updates/x/a-longer-name', progress: undefined, startedBy: undefined })];
  expect(
    jobsTable(jobs, NOW, plain)
      .replace(/for .*?  /, 'for …  ')
      .split('\n')
      .slice(0, 2),
  ).toEqual([
    expect.stringMatching(/^STORE   JOB            STATE    DONE  NOT UPDATED  STARTED           TIME +BY$/),
    expect.stringMatching(
      /^abc123  spring         running   75%           10  2026-01-01 09:05  about 1 min 0 s left +ann@desk$/,
    ),
  ]);
});

const customers = { total: 1_000, updated: 999, rejected: 0, failed: 0, invalid: 0, unprocessed: 1 };

test.each<[string, Partial<ListedJob>, RegExp]>([
  [
    'is held',
    { progress: progress({ state: 'held', waitingFor: { kind: 'refused', message: '', until: null } }) },
    / held \(refused\) /,
  ],
  ['waits', { progress: progress({ waitingFor: { kind: 'quota', message: '', until: null } }) }, / running \(quota\) /],
  [
    'is paused',
    { progress: progress({ state: 'paused', waitingFor: { kind: 'pause', message: '', until: null } }) },
    / paused  +75%/,
  ],
  ['is almost done', { progress: progress({ customers }) }, / 99% +0 /],
  [
    'has not been read yet',
    { progress: progress({ state: 'preparing', customers: { ...customers, total: 0 } }) },
    / preparing +- /,
  ],
  ['nobody knows about', { progress: undefined }, / running +- +- /],
  ['has another id', { id: 'my/own id' }, /^- +my\/own id /],
  [
    'has ended',
    { status: 'COMPLETED', endedAt: new Date(2026, 0, 1, 9, 8, 20), progress: progress({ state: 'completed' }) },
    / completed .* took 3 min 20 s /,
  ],
  [
    'was terminated, whatever it says',
    { status: 'TERMINATED', endedAt: new Date(2026, 0, 1, 9, 6) },
    / terminated .* took 1 min 0 s /,
  ],
  ['timed out', { status: 'TIMED_OUT', endedAt: new Date(2026, 0, 1, 9, 6) }, / timed out /],
])('a job that %s', (_, more, expected) => {
  expect(line(more)).toMatch(expected);
});

test('only what needs a person is highlighted', () => {
  const paint = (format: unknown, text: string) => `<${String(format)}:${text}>`;
  const held = progress({ state: 'held', waitingFor: { kind: 'outage', message: '', until: null } });
  const [heading, first, second] = jobsTable([job({ progress: held }), job()], NOW, paint).split('\n');
  expect(heading).toMatch(/^<dim:STORE/);
  expect(first).toContain('<yellow:held (outage)>');
  expect(second).not.toContain('<');
});

test('for programs it is one object, with null for what is unknown', () => {
  const session = { webPage: () => undefined } as unknown as Session;
  expect(listedJson(session, job({ id: 'other', progress: undefined, startedBy: undefined }))).toEqual({
    id: 'other',
    webUi: null,
    status: 'RUNNING',
    progress: null,
    error: null,
    store: null,
    name: null,
    startedAt: job().startedAt.toISOString(),
    endedAt: null,
    startedBy: null,
    source: 'file:///spring.csv',
  });
  expect(
    listedJson(session, job({ status: 'FAILED', error: new JobEnded('failed', 'No file.', 'BadSource') })),
  ).toMatchObject({ store: 'abc123', name: 'spring', error: { type: 'BadSource', message: 'No file.' } });
});
