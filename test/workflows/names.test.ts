/** What a job decides while its source can't be read because the store's groups are unknown. */
import { pack, unpack } from '../../src/workflows/arguments.ts';
import { Job } from '../../src/workflows/job.ts';
import { progressOf } from '../../src/workflows/progress.ts';

const REF = { storeHash: 'abc', key: 'run' };
const INPUT = { storeHash: 'abc', source: { uri: 'file:///a.csv' } };
const OPEN = { do: 'open', why: 'the job needs the store' };
const OPEN_AGAIN = { do: 'open', why: 'asks the store again' };

function jobWithoutNames(): Job {
  const job = new Job(REF, INPUT);
  job.names = 'needed';
  return job;
}

/** The job after it was sent the question, and has asked it. */
function askingJob(): Job {
  const job = jobWithoutNames();
  expect(job.next(0, 0)).toEqual(OPEN);
  expect(job.next(0, 0)).toEqual({ do: 'readNames', probe: undefined });
  return job;
}

test('asks once, alone, and reads the source into other pages when it knows', () => {
  const job = askingJob();
  expect(job.next(0, 1)).toEqual({ do: 'wait' });
  expect([job.state, job.ref]).toEqual(['preparing', REF]);
  job.namesEnded(undefined, { how: 'settled' }, 1);
  expect(job.next(1, 0)).toEqual({ do: 'end' });
  expect([job.state, job.ref]).toEqual(['preparing', { ...REF, named: true }]);
});

test('a refusal holds it, with no rows counted, until a probe is answered', () => {
  const job = askingJob();
  job.namesEnded(undefined, { how: 'refused', message: '401' }, 0);
  expect(progressOf(job, 0)).toMatchObject({ state: 'held', customers: { total: 0 }, waitingFor: { kind: 'refused' } });
  expect(job.next(0, 0)).toEqual({ do: 'wait', ms: 30_000 });
  expect(job.next(30_000, 0)).toEqual(OPEN_AGAIN);
  expect(job.next(30_000, 0)).toEqual({ do: 'readNames', probe: 'check' });
  job.namesEnded('check', { how: 'refused', message: '401' }, 30_000);
  expect(job.next(30_000, 0)).toEqual({ do: 'wait', ms: 60_000 });
  job.resume();
  expect(job.next(30_000, 0)).toEqual(OPEN_AGAIN);
  expect(job.next(30_000, 0)).toEqual({ do: 'readNames', probe: 'resume' });
  job.namesEnded('resume', { how: 'settled' }, 31_000);
  expect([job.hold, job.state]).toEqual([null, 'preparing']);
});

test('a dry run ends with a refusal', () => {
  const job = new Job(REF, { ...INPUT, options: { dryRun: true } });
  job.names = 'needed';
  job.next(0, 0);
  job.next(0, 0);
  job.namesEnded(undefined, { how: 'refused', message: '401' }, 0);
  expect(job.next(0, 0)).toEqual({ do: 'end' });
});

test('a store that does not answer is asked until it does', () => {
  const job = askingJob();
  for (let time = 1; time < 3; time++) {
    job.namesEnded(undefined, { how: 'unanswered', message: '502' }, time);
    expect(job.next(time, 0)).toEqual({ do: 'readNames', probe: undefined });
  }
  job.namesEnded(undefined, { how: 'unanswered', message: '502' }, 3);
  for (let probe = 0; probe < 50; probe++) {
    expect([job.state, job.hold?.kind, job.hold?.probes]).toEqual(['held', 'outage', probe]);
    const until = job.hold?.until ?? NaN;
    expect(job.next(until, 0)).toEqual(OPEN_AGAIN);
    expect(job.next(until, 0)).toEqual({ do: 'readNames', probe: 'check' });
    job.namesEnded('check', { how: 'unanswered', message: '502' }, until);
  }
});

test('a pause keeps it from asking, and takes no answer away', () => {
  const waiting = jobWithoutNames();
  waiting.pause('lunch');
  expect([waiting.next(0, 0), waiting.state]).toEqual([{ do: 'wait' }, 'paused']);
  waiting.resume();
  expect(waiting.next(0, 0)).toEqual(OPEN);

  const asking = askingJob();
  asking.pause('lunch');
  expect([asking.next(0, 1), asking.state]).toEqual([{ do: 'wait' }, 'paused']);
  asking.namesEnded(undefined, { how: 'settled' }, 1);
  expect(asking.next(1, 0)).toEqual({ do: 'end' });
});

test('what was stopped is asked again, also by the next run, which knows why the job waits', () => {
  const job = askingJob();
  job.namesEnded(undefined, { how: 'stopped' }, 0);
  expect(job.next(0, 0)).toEqual({ do: 'readNames', probe: undefined });
  job.namesEnded(undefined, { how: 'refused', message: '401' }, 0);
  job.pause('lunch');

  const next = new Job(REF, INPUT);
  next.restore(unpack(pack(job.carry())));
  expect([next.isPrepared, next.names, next.state, next.hold]).toEqual([false, 'needed', 'paused', job.hold]);
  next.resume();
  expect(next.next(0, 0)).toEqual(OPEN_AGAIN);
  expect(next.next(0, 0)).toEqual({ do: 'readNames', probe: 'resume' });
});
