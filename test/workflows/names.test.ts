/** What a job decides while its source can't be read because the store's groups are unknown. */
import { pack, unpack } from '../../src/workflows/arguments.ts';
import { Ledger } from '../../src/workflows/ledger.ts';
import { Job } from '../../src/workflows/job.ts';
import { progressOf } from '../../src/workflows/progress.ts';
import type { End, Sent } from '../../src/workflows/steps.ts';

const REF = { storeHash: 'abc', key: 'run' };
const INPUT = { storeHash: 'abc', source: { uri: 'file:///a.csv' } };
const OPEN = { do: 'open', why: 'the job needs the store' };
const OPEN_AGAIN = { do: 'open', why: 'asks the store again' };
const NONE = { write: 0, read: 0 };
const ASKING = { write: 0, read: 1 };
const SPENT = { calls: 0, reads: 1, throttled: 0, attempts: 1, unanswered: 0, concurrency: 3 };
const SETTLED: End = { how: 'settled', outcome: SPENT };
const UNANSWERED: End = {
  how: 'unanswered',
  message: '502',
  outcome: { ...SPENT, reads: 4, attempts: 4, unanswered: 4 },
};

const sent = (probe: Sent['probe']): Sent => ({ item: { names: true }, probe, doneBefore: 0 });
const ask = (probe: Sent['probe']) => ({ do: 'send', sent: sent(probe) });

function jobWithoutNames(): Job {
  const job = new Job(REF, INPUT);
  job.needNames(['groups']);
  return job;
}

/** The job after it was sent the question, and has asked it. */
function askingJob(): Job {
  const job = jobWithoutNames();
  expect(job.next(0, NONE)).toEqual(OPEN);
  expect(job.next(0, NONE)).toEqual(ask(undefined));
  return job;
}

test('asks once, alone, and reads the source into other pages when it knows', () => {
  const job = askingJob();
  expect(job.next(0, ASKING)).toEqual({ do: 'wait' });
  expect([job.state, job.ref]).toEqual(['preparing', REF]);
  job.ended(sent(undefined), SETTLED, 1);
  expect(job.next(1, NONE)).toEqual({ do: 'end' });
  expect([job.state, job.ref]).toEqual(['preparing', { ...REF, named: ['groups'] }]);
  job.prepared(Ledger.empty());
  expect(job.ledger.reads).toBe(1);
});

test('a source that turns out to have other names as well has the store asked for all of them', () => {
  const job = askingJob();
  job.ended(sent(undefined), SETTLED, 1);
  job.needNames(['attributes']);
  expect([job.names, job.ref]).toEqual([{ kinds: ['groups', 'attributes'], known: false }, REF]);
  expect(job.next(1, NONE)).toEqual(OPEN);
  expect(job.next(1, NONE)).toEqual(ask(undefined));
  job.ended(sent(undefined), SETTLED, 2);
  expect(job.ref).toEqual({ ...REF, named: ['groups', 'attributes'] });
});

test('a refusal holds it, with no rows counted, until a probe is answered', () => {
  const job = askingJob();
  job.ended(sent(undefined), { how: 'refused', message: '401' }, 0);
  expect(progressOf(job, 0)).toMatchObject({ state: 'held', customers: { total: 0 }, waitingFor: { kind: 'refused' } });
  expect(job.next(0, NONE)).toEqual({ do: 'wait', ms: 30_000 });
  expect(job.next(30_000, NONE)).toEqual(OPEN_AGAIN);
  expect(job.next(30_000, NONE)).toEqual(ask('check'));
  job.ended(sent('check'), { how: 'refused', message: '401' }, 30_000);
  expect(job.next(30_000, NONE)).toEqual({ do: 'wait', ms: 60_000 });
  job.resume();
  expect(job.next(30_000, NONE)).toEqual(OPEN_AGAIN);
  expect(job.next(30_000, NONE)).toEqual(ask('resume'));
  job.ended(sent('resume'), SETTLED, 31_000);
  expect([job.hold, job.state]).toEqual([null, 'preparing']);
});

test('a dry run ends with a refusal', () => {
  const job = new Job(REF, { ...INPUT, options: { dryRun: true } });
  job.needNames(['groups']);
  job.next(0, NONE);
  job.next(0, NONE);
  job.ended(sent(undefined), { how: 'refused', message: '401' }, 0);
  expect(job.next(0, NONE)).toEqual({ do: 'end' });
});

test('a store that does not answer is asked until it does', () => {
  const job = askingJob();
  for (let time = 1; time < 3; time++) {
    job.ended(sent(undefined), UNANSWERED, time);
    expect(job.next(time, NONE)).toEqual(ask(undefined));
  }
  job.ended(sent(undefined), UNANSWERED, 3);
  for (let probe = 0; probe < 50; probe++) {
    expect([job.state, job.hold?.kind, job.hold?.probes]).toEqual(['held', 'outage', probe]);
    const until = job.hold?.until ?? NaN;
    expect(job.next(until, NONE)).toEqual(OPEN_AGAIN);
    expect(job.next(until, NONE)).toEqual(ask('check'));
    job.ended(sent('check'), UNANSWERED, until);
  }
});

test('a worker that is always at fault when it asks fails the job', () => {
  const job = askingJob();
  for (let round = 0; round < 12; round++) job.ended(sent(undefined), { ...UNANSWERED, isDefect: true }, round);
  expect(job.next(12, NONE)).toEqual({ do: 'fail', why: '502' });
});

test('a pause keeps it from asking, and takes no answer away', () => {
  const waiting = jobWithoutNames();
  waiting.pause('lunch');
  expect([waiting.next(0, NONE), waiting.state]).toEqual([{ do: 'wait' }, 'paused']);
  waiting.resume();
  expect(waiting.next(0, NONE)).toEqual(OPEN);

  const asking = askingJob();
  asking.pause('lunch');
  expect([asking.next(0, ASKING), asking.state]).toEqual([{ do: 'wait' }, 'paused']);
  asking.ended(sent(undefined), SETTLED, 1);
  expect(asking.next(1, NONE)).toEqual({ do: 'end' });
});

test('what was stopped is asked again, also by the next run, which knows why the job waits', () => {
  const job = askingJob();
  job.ended(sent(undefined), { how: 'stopped' }, 0);
  expect(job.next(0, NONE)).toEqual(ask(undefined));
  job.ended(sent(undefined), { how: 'refused', message: '401' }, 0);
  job.pause('lunch');

  const next = new Job(REF, INPUT);
  next.restore(unpack(pack(job.carry())));
  expect([next.isPrepared, next.names, next.state, next.hold]).toEqual([
    false,
    { kinds: ['groups'], known: false },
    'paused',
    job.hold,
  ]);
  next.resume();
  expect(next.next(0, NONE)).toEqual(OPEN_AGAIN);
  expect(next.next(0, NONE)).toEqual(ask('resume'));
});
