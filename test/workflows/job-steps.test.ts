/** What a job does next, case by case; job.test.ts has whole jobs. */
import type { ChunkOutcome, PageOutcome } from '../../src/contract/activities.ts';
import { type Failure, type JobInput, type JobOptions } from '../../src/contract/job.ts';
import { encodeRuns } from '../../src/contract/outcomes.ts';
import { NONE_REJECTED } from '../../src/workflows/hold.ts';
import type { ChunkItem } from '../../src/workflows/item-queue.ts';
import { Job } from '../../src/workflows/job.ts';
import { Ledger } from '../../src/workflows/ledger.ts';
import type { End, InFlight, Sent } from '../../src/workflows/steps.ts';
import { LOOK_AHEAD, LOOK_UPS } from '../../src/workflows/work.ts';

const REF = { storeHash: 'abc', key: 'run' };

const newJob = (options?: JobOptions) =>
  new Job(REF, { storeHash: 'abc', source: { uri: 'file:///a.csv' }, ...(options && { options }) });

/** A job of so many full chunks, about to send. */
function jobOf(chunks: number, options?: JobOptions): Job {
  const job = newJob(options);
  const rows = { total: 10 * chunks, invalid: 0, valid: 10 * chunks, chunks, chunksToSend: chunks };
  const gaps = encodeRuns(Array<number>(2 * chunks).fill(0));
  const plan = { ...rows, lastSentSize: 10, lastSize: 10, gaps, failures: [], olderIn: null };
  job.prepared(Ledger.of(plan));
  job.begin();
  return job;
}

const failure = (row: number, code: Failure['code'] = 'unknown_id'): Failure => ({
  ...{ row, line: null, id: row, message: 'no' },
  ...{ outcome: code === 'unavailable' ? 'failed' : 'rejected', code },
});

const outcome = (about: Partial<ChunkOutcome> = {}): ChunkOutcome => ({
  ...{ updated: 10, failures: [], calls: 1, reads: 0, throttled: 0, attempts: 1, unanswered: 0, concurrency: 3 },
  ...about,
});

const failing = (sent: Sent, count: number, code: Failure['code']) =>
  outcome({
    updated: 10 - count,
    failures: Array.from({ length: count }, (_, index) =>
      failure(10 * (sent.item as ChunkItem).chunk + index + 1, code),
    ),
  });

const settled = (about?: Partial<ChunkOutcome>): End => ({ how: 'settled', outcome: outcome(about) });

const unanswered = (sent: Sent): End => ({
  ...{ how: 'unanswered', message: '502' },
  outcome: { ...failing(sent, 10, 'unavailable'), calls: 4, attempts: 4, unanswered: 4 },
});

const REFUSED: End = { how: 'refused', message: '401' };

const OPEN = { do: 'open', why: 'the job needs the store' };
const ASK = { do: 'open', why: 'asks the store again' };

const writing = (write: number): InFlight => ({ write, read: 0 });

/** The chunk that the job sends next, once it has opened the store. */
function send(job: Job, now = 0, inFlight = 0): Sent {
  const first = job.next(now, writing(inFlight));
  const step = first.do === 'open' ? job.next(now, writing(inFlight)) : first;
  if (step.do !== 'send') throw new Error(`Expected a chunk to be sent, got ${JSON.stringify(step)}.`);
  return step.sent;
}

function sendAndEnd(job: Job, end: End | ((sent: Sent) => End), now = 0): Sent {
  const sent = send(job, now);
  job.ended(sent, typeof end === 'function' ? end(sent) : end, now);
  return sent;
}

test('a job opens the store, sends its first chunk alone, then so many that one is always there', () => {
  const job = jobOf(20);
  expect(job.next(0, writing(0))).toEqual(OPEN);
  const first = send(job);
  expect(first).toEqual({ item: { chunk: 0 }, probe: undefined, doneBefore: 0 });
  expect(job.next(0, writing(1))).toEqual({ do: 'wait' });
  job.ended(first, settled(), 5);
  for (let inFlight = 0; inFlight < LOOK_AHEAD; inFlight++) {
    expect(job.next(5, writing(inFlight))).toMatchObject({
      do: 'send',
      sent: { item: { chunk: inFlight + 1 }, doneBefore: 1 },
    });
  }
  expect(job.next(5, writing(LOOK_AHEAD))).toEqual({ do: 'wait' });
});

test('that a store takes ten attribute values a call is said once, and known in the next run', () => {
  const job = jobOf(3);
  sendAndEnd(job, settled());
  expect([job.tensOfValues, job.notes]).toEqual([false, []]);
  sendAndEnd(job, settled({ tensOfValues: true }));
  sendAndEnd(job, settled({ tensOfValues: true }));
  expect([job.tensOfValues, job.notes]).toEqual([true, [expect.stringMatching('ten attribute values a call')]]);
  const later = newJob();
  later.restore(job.carry());
  expect([later.tensOfValues, later.notes]).toEqual([true, job.notes]);
});

test('a job ends when all is sent and nothing is in flight', () => {
  const job = jobOf(1);
  const sent = send(job);
  expect(job.next(0, writing(1))).toEqual({ do: 'wait' });
  job.ended(sent, settled(), 0);
  expect(job.next(0, writing(0))).toEqual({ do: 'end' });
  expect(jobOf(0).next(0, writing(0))).toEqual({ do: 'end' });
});

test('customers whose e-mail address was taken are sent again, after all others, until that lands nobody', () => {
  const job = jobOf(2);
  const first = send(job);
  job.ended(first, { how: 'settled', outcome: failing(first, 2, 'email_taken') }, 0);
  const second = send(job);
  expect(job.next(0, writing(1))).toEqual({ do: 'wait' });
  job.ended(second, settled(), 0);
  const again = send(job);
  expect(again.item).toEqual({ chunk: 0, only: [1, 2] });
  const stillTaken = outcome({ updated: 1, failures: [failure(2, 'email_taken')] });
  job.ended(again, { how: 'settled', outcome: stillTaken }, 0);
  expect(job.ledger.counts).toMatchObject({ updated: 19, rejected: 1 });
  const last = send(job);
  expect(last.item).toEqual({ chunk: 0, only: [2] });
  const inVain = outcome({ updated: 0, failures: [failure(2, 'email_taken')] });
  job.ended(last, { how: 'settled', outcome: inVain }, 0);
  expect(job.next(0, writing(0))).toEqual({ do: 'end' });
});

test('a chain of addresses gets one link a round, until nobody more can have his', () => {
  const job = jobOf(1);
  const first = send(job);
  job.ended(first, { how: 'settled', outcome: failing(first, 4, 'email_taken') }, 0);
  for (const left of [3, 2, 2]) {
    const again = send(job);
    const ids = (again.item as ChunkItem).only ?? [];
    const failures = ids.slice(ids.length - left).map((id) => failure(id, 'email_taken'));
    job.ended(again, { how: 'settled', outcome: outcome({ updated: ids.length - left, failures }) }, 0);
  }
  expect(job.next(0, writing(0))).toEqual({ do: 'end' });
  expect(job.ledger.counts).toMatchObject({ updated: 8, rejected: 2 });
});

test('who may have been sent again is told so if the job is cancelled then', () => {
  const job = jobOf(1);
  const first = send(job);
  job.ended(first, { how: 'settled', outcome: failing(first, 2, 'email_taken') }, 0);
  job.ended(send(job), { how: 'stopped' }, 0);
  job.end();
  expect(job.ledger.counts).toMatchObject({ updated: 8, failed: 2, rejected: 0 });
  expect(job.ledger.failuresPage().failures).toMatchObject([
    { row: 1, id: 1, outcome: 'failed', code: 'cancelled', message: expect.stringContaining('may have been sent') },
    { row: 2, id: 2, outcome: 'failed', code: 'cancelled' },
  ]);
});

test('failures that are too many for the state are saved before anything else', () => {
  const job = jobOf(300, { maxRejectedPercent: 100 });
  job.pause('');
  for (let chunk = 0; chunk < 200; chunk++) {
    const sent = { item: { chunk }, probe: undefined, doneBefore: chunk };
    if (chunk === 199) expect(job.next(0, writing(0))).toEqual({ do: 'wait' });
    job.ended(sent, { how: 'settled', outcome: failing(sent, 10, 'rejected') }, 0);
  }
  expect(job.next(0, writing(0))).toEqual({ do: 'save' });
});

describe('a paused job', () => {
  test('waits, and opens the store again once it is resumed', () => {
    const job = jobOf(9);
    sendAndEnd(job, settled());
    job.pause('lunch');
    expect([job.state, job.paused, job.woken]).toEqual(['paused', 'lunch', true]);
    expect(job.next(0, writing(0))).toEqual({ do: 'wait' });
    job.woken = false;
    job.resume();
    expect([job.state, job.paused, job.woken]).toEqual(['running', null, true]);
    expect(job.resumed).toBe(false);
    expect(job.next(0, writing(0))).toEqual(OPEN);
  });

  test('does not send the probe for which the store was opened', () => {
    const job = jobOf(9);
    sendAndEnd(job, REFUSED);
    expect(job.next(30_000, writing(0))).toEqual(ASK);
    job.pause('');
    expect(job.next(30_000, writing(0))).toEqual({ do: 'wait' });
    job.resume();
    expect(job.next(30_000, writing(0))).toEqual(ASK);
    expect(send(job, 30_000).probe).toBe('resume');
  });
});

describe('a job that the store refuses', () => {
  test('holds at once, and asks again with one chunk when it is time and nothing is in flight', () => {
    const job = jobOf(9);
    const first = sendAndEnd(job, REFUSED, 1_000);
    expect(job.hold).toEqual({ kind: 'refused', message: '401', probes: 0, until: 31_000 });
    expect(job.state).toBe('held');
    expect(job.next(1_000, writing(0))).toEqual({ do: 'wait', ms: 30_000 });
    expect(job.next(30_999, writing(0))).toEqual({ do: 'wait', ms: 1 });
    expect(job.next(31_000, writing(1))).toEqual({ do: 'wait' });
    expect(job.next(31_000, writing(0))).toEqual(ASK);
    const probe = send(job, 31_000);
    expect(probe).toMatchObject({ item: first.item, probe: 'check' });
    expect(job.next(31_000, writing(1))).toEqual({ do: 'wait' });
    job.ended(probe, REFUSED, 32_000);
    expect(job.hold).toMatchObject({ probes: 1, until: 92_000 });
  });

  test('asks at once if a person resumes it, once', () => {
    const job = jobOf(9);
    sendAndEnd(job, REFUSED);
    job.resume();
    expect(job.resumed).toBe(true);
    expect(job.next(1, writing(0))).toEqual(ASK);
    expect(job.resumed).toBe(false);
    const probe = send(job, 1);
    expect(probe.probe).toBe('resume');
    job.ended(probe, REFUSED, 2);
    expect(job.next(2, writing(0))).toMatchObject({ do: 'wait', ms: expect.any(Number) });
  });

  test('continues only once a probe was answered, without opening the store once more', () => {
    const job = jobOf(20);
    sendAndEnd(job, settled());
    const [refused, taken, alsoRefused] = [send(job, 0, 0), send(job, 0, 1), send(job, 0, 2)];
    job.ended(refused, REFUSED, 0);
    job.ended(taken, settled(), 1);
    job.ended(alsoRefused, REFUSED, 5_000);
    expect(job.hold).toMatchObject({ kind: 'refused', probes: 0, until: 30_000 });
    job.resume();
    expect(job.next(5_000, writing(0))).toEqual(ASK);
    job.resume();
    const probe = send(job, 5_000);
    job.ended(probe, settled(), 6_000);
    expect([job.hold, job.resumed]).toEqual([null, false]);
    expect(job.next(6_000, writing(0))).toMatchObject({ do: 'send', sent: { item: { chunk: 3 }, probe: undefined } });
  });

  test('counts the calls and attempts that the activity made', () => {
    const job = jobOf(9);
    const sent = send(job);
    job.ended(sent, { ...REFUSED, outcome: outcome({ calls: 3, throttled: 2, attempts: 3 }) }, 0);
    expect([job.ledger.calls, job.ledger.throttled, job.work.toSend.attemptsBefore(0)]).toEqual([3, 2, 3]);
    job.ended(sent, REFUSED, 0);
    expect([job.ledger.calls, job.work.toSend.attemptsBefore(0)]).toEqual([3, 3]);
  });
});

describe('a job whose store does not answer', () => {
  test('holds after three chunks in a row', () => {
    const job = jobOf(9);
    sendAndEnd(job, unanswered);
    sendAndEnd(job, unanswered);
    sendAndEnd(job, settled());
    sendAndEnd(job, unanswered);
    sendAndEnd(job, unanswered);
    expect(job.state).toBe('running');
    sendAndEnd(job, unanswered, 1_000);
    expect(job.hold).toEqual({ kind: 'outage', message: '502', probes: 0, until: 11_000 });
  });

  test('keeps the time of its next probe if chunks that were in flight get no answer either', () => {
    const job = jobOf(20);
    sendAndEnd(job, settled());
    const sent = [0, 1, 2, 3].map((inFlight) => send(job, 0, inFlight));
    sent.forEach((each, at) => job.ended(each, unanswered(each), at * 1_000));
    expect(job.hold).toMatchObject({ kind: 'outage', probes: 0, until: 12_000 });
  });

  test.each<[string, End, object | null]>([
    ['is answered', settled(), null],
    ['is refused', REFUSED, { kind: 'refused', probes: 0 }],
    ['is stopped', { how: 'stopped' }, { kind: 'outage', probes: 0 }],
  ])('and whose probe %s', (_, end, hold) => {
    const job = jobOf(9);
    for (let chunk = 0; chunk < 3; chunk++) sendAndEnd(job, unanswered);
    expect(job.next(10_000, writing(0))).toEqual(ASK);
    sendAndEnd(job, end, 10_000);
    if (hold) expect(job.hold).toMatchObject(hold);
    else expect(job.hold).toBeNull();
  });

  test('continues when any chunk is answered', () => {
    const job = jobOf(9);
    sendAndEnd(job, settled());
    const sent = [0, 1, 2, 3].map((inFlight) => send(job, 0, inFlight));
    sent.forEach((each, at) => job.ended(each, at < 3 ? unanswered(each) : settled(), 0));
    expect(job.hold).toBeNull();
  });

  test('gives a chunk up in the end, and says that its customers failed', () => {
    const job = jobOf(4);
    const sent = { item: { chunk: 0 }, probe: undefined, doneBefore: 0 };
    for (let chunk = 1; chunk < 4; chunk++) {
      job.ended({ item: { chunk }, probe: undefined, doneBefore: 0 }, settled(), 0);
      job.ended(sent, unanswered(sent), 0);
    }
    expect(job.ledger.counts).toMatchObject({ updated: 30, failed: 10 });
    expect(job.ledger.outcomes().outcomes[0]).toMatchObject({ state: 'done', attempts: 12 });
    expect(job.work.toSend.allMaybeSent()).toEqual([]);
  });

  test('never gives up a chunk some of whose customers it can not name', () => {
    const job = jobOf(30);
    const sent = { item: { chunk: 0 }, probe: undefined, doneBefore: 0 };
    for (let chunk = 1; chunk < 9; chunk++) {
      job.ended({ item: { chunk }, probe: undefined, doneBefore: 0 }, settled(), 0);
      job.ended(sent, { how: 'unanswered', message: '', outcome: outcome({ updated: 9, unanswered: 4 }) }, 0);
    }
    expect(job.ledger.done).toBe(8);
    expect(job.work.toSend.carry().again).toHaveLength(8);
  });
});

describe('a job that brings out a fault of the worker', () => {
  const broken = (sent: Sent): End => ({ ...unanswered(sent), isDefect: true }) as End;

  test('holds while nothing else works, and continues when a worker without the fault has come', () => {
    const job = jobOf(300);
    for (let chunk = 0; chunk < 8; chunk++) {
      const sent = { item: { chunk }, probe: undefined, doneBefore: 0 };
      job.ended(sent, broken(sent), 0);
    }
    expect(job.hold).toMatchObject({ kind: 'outage', message: '502' });
    let now = 0;
    for (let probe = 0; probe < 100; probe++) {
      now = Math.max(now, job.hold?.until ?? 0);
      sendAndEnd(job, broken, now);
    }
    expect(job.ledger.counts).toMatchObject({ updated: 0, failed: 0 });
    sendAndEnd(job, settled(), now + 300_000);
    expect(job.hold).toBeNull();
  });

  test('fails once a chunk is given up some of whose customers it can not name', () => {
    const job = jobOf(30);
    const sent = { item: { chunk: 0 }, probe: undefined, doneBefore: 0 };
    job.ended({ item: { chunk: 1 }, probe: undefined, doneBefore: 0 }, settled(), 0);
    for (let round = 0; round < 3; round++) {
      expect(job.next(0, writing(1)).do).not.toBe('fail');
      const unnamed = { ...outcome({ updated: 0, unanswered: 4 }), calls: 1 };
      job.ended(sent, { how: 'unanswered', message: 'a fault', isDefect: true, outcome: unnamed }, 0);
    }
    expect(job.next(0, writing(0))).toEqual({ do: 'fail', why: 'a fault' });
    expect(job.work.toSend.allMaybeSent()).toEqual([0]);
  });
});

test('an outcome that leaves customers out settles nothing, and counts as no answer', () => {
  const job = jobOf(9);
  for (let chunk = 0; chunk < 3; chunk++) sendAndEnd(job, settled({ updated: 9, unanswered: 1 }));
  expect(job.ledger.done).toBe(0);
  expect(job.hold).toMatchObject({ kind: 'outage', message: 'Customers are missing in the job store.' });
});

describe('a job whose customers are rejected', () => {
  /** Ten chunks, so many of whose customers are rejected. */
  const reject = (job: Job, perChunk: number, chunks = 10) => {
    for (let chunk = 0; chunk < chunks; chunk++) {
      sendAndEnd(job, (sent) => ({ how: 'settled', outcome: failing(sent, perChunk, 'rejected') }));
    }
  };

  test('holds until a person resumes it, which waives what was rejected', () => {
    const job = jobOf(50);
    reject(job, 3);
    expect(job.hold).toMatchObject({ kind: 'rejections', until: null });
    expect(job.next(1e9, writing(1))).toEqual({ do: 'wait' });
    expect(job.next(1e9, writing(0))).toEqual({ do: 'wait' });
    job.resume();
    expect(job.next(1e9, writing(0))).toEqual(OPEN);
    expect([job.hold, job.resumed]).toEqual([null, false]);
    expect(job.rejectionsFrom).toMatchObject({ sent: { tried: 100, rejected: 30 }, waived: true });
    expect(send(job)).toMatchObject({ item: { chunk: 10 }, probe: undefined });
  });

  test.each<[JobOptions, number, boolean]>([
    [{}, 2, false],
    [{}, 3, true],
    [{ maxRejectedPercent: 0 }, 1, true],
    [{ maxRejectedPercent: 30 }, 3, false],
  ])('with %j and %i of 10 rejected holds: %s', (options, perChunk, holds) => {
    const job = jobOf(50, options);
    reject(job, perChunk);
    expect(job.hold !== null).toBe(holds);
  });

  test('keeps an earlier reason to hold', () => {
    const job = jobOf(50);
    reject(job, 3, 9);
    const [refused, rejected] = [send(job, 0, 0), send(job, 0, 1)];
    job.ended(refused, REFUSED, 0);
    job.ended(rejected, { how: 'settled', outcome: failing(rejected, 3, 'rejected') }, 0);
    expect(job.hold).toMatchObject({ kind: 'refused' });
  });
});

test('a chunk that was stopped is sent again, and is no reason to hold', () => {
  const job = jobOf(9);
  sendAndEnd(job, { how: 'stopped', outcome: outcome({ attempts: 2 }) });
  expect([job.state, job.work.toSend.attemptsBefore(0), job.ledger.done]).toEqual(['running', 2, 0]);
  expect(send(job).item).toEqual({ chunk: 0 });
});

test('what a settled chunk says of the store is kept', () => {
  const job = jobOf(9);
  job.starved = 'unserved';
  sendAndEnd(job, settled({ concurrency: 2, waitedFor: 'quota', calls: 2 }), 1_000);
  expect([job.starved, job.concurrency, job.slowed]).toEqual([null, 2, { by: 'quota', at: 1_000 }]);
  sendAndEnd(job, settled({ calls: 4 }), 3_000);
  expect([job.concurrency, job.slowed]).toEqual([3, { by: 'quota', at: 1_000 }]);
  expect(job.rate.at(3_000)).toEqual({ unitsPerSecond: 0.5, callsPerSecond: 2 });
});

test('the store was last heard when a chunk ended, or was sent while none was in flight', () => {
  const job = jobOf(9);
  const first = send(job, 100);
  expect(job.heardAt).toBe(100);
  job.ended(first, { how: 'stopped' }, 200);
  expect(job.heardAt).toBe(200);
  sendAndEnd(job, settled(), 300);
  send(job, 400, 1);
  expect(job.heardAt).toBe(300);
});

test.each<[string, (job: Job) => void, string, Job?]>([
  ['has just begun', () => {}, 'preparing'],
  ['sends', (job) => job.prepared(job.ledger), 'running'],
  ['is held', (job) => void sendAndEnd(job, REFUSED), 'held', jobOf(1)],
  [
    'is paused and held',
    (job) => {
      sendAndEnd(job, REFUSED);
      job.pause('');
    },
    'paused',
    jobOf(1),
  ],
  [
    'is paused and cancelled',
    (job) => Object.assign(job, { phase: 'running', paused: '', cancelling: true }),
    'cancelling',
  ],
  ['is paused before it sends', (job) => job.pause(''), 'preparing'],
  ['is closing', (job) => Object.assign(job, { phase: 'closing', paused: '', cancelling: true }), 'closing'],
])('the state of a job that %s', (_, change, state, job = newJob()) => {
  change(job);
  expect(job.state).toBe(state);
});

test.each<[JobOptions | undefined, boolean]>([
  [undefined, false],
  [{ backup: true }, true],
  [{ skipUnchanged: true }, true],
])('with the options %j a job looks its customers up: %s', (options, reads) => {
  expect(newJob(options).looksUp).toBe(reads);
});

test('a job that has just begun knows of no rows, and has nothing to say', () => {
  const job = newJob();
  expect(job).toMatchObject({ woken: false, notes: [], searchAttributes: false, files: { report: null, retry: null } });
  expect(job.ledger.failuresPage()).toEqual({ failures: [], total: 0, next: null, olderIn: null });
});

test('a job without an input has no options', () => {
  expect(new Job(REF, undefined as unknown as JobInput).options).toEqual({});
});

test('a job continues in its next run where it was', () => {
  const job = jobOf(9);
  sendAndEnd(job, settled({ concurrency: 2 }));
  sendAndEnd(job, REFUSED);
  job.pause('lunch');
  Object.assign(job, {
    ...{ resumed: true, rejectionsFrom: { ...NONE_REJECTED, waived: true }, emailRounds: { sent: 1, left: 7 } },
    ...{ searchAttributes: true, notes: ['a note'], attributesShown: 'running 1' },
  });
  const next = newJob();
  next.restore(structuredClone(job.carry()));
  expect(next.carry()).toEqual(job.carry());
  expect([next.isPrepared, next.phase, next.state]).toEqual([true, 'running', 'paused']);
});

describe('a job that looks its customers up', () => {
  const looking = (chunks: number, options: JobOptions = {}) => jobOf(chunks, { backup: true, ...options });
  const lookedUp = (chunks: number, about: Partial<PageOutcome> = {}): End => ({
    how: 'settled',
    outcome: {
      ...{ chunks, lastSize: 10, unchanged: 2_000 - 10 * chunks, fallen: [], calls: 0, reads: 4 },
      ...{ throttled: 0, attempts: 1, unanswered: 0, concurrency: 3, ...about },
    },
  });
  const nothing = { write: 0, read: 0 };

  /** What the job does next, once it has opened the store. */
  function next(job: Job, inFlight: InFlight = nothing, now = 0): Sent | string {
    const first = job.next(now, inFlight);
    const step = first.do === 'open' ? job.next(now, inFlight) : first;
    return step.do === 'send' ? step.sent : step.do;
  }
  const take = (job: Job, inFlight: InFlight = nothing, now = 0): Sent => {
    const sent = next(job, inFlight, now);
    if (typeof sent === 'string') throw new Error(`Expected something to be sent, got ${sent}.`);
    return sent;
  };

  test('looks up its first page alone, and the next ones beside its first chunk', () => {
    const job = looking(800);
    const first = take(job);
    expect(first.item).toEqual({ page: 0 });
    expect(next(job, { write: 0, read: 1 })).toBe('wait');
    job.ended(first, lookedUp(3), 0);
    expect(take(job).item).toEqual({ page: 1 });
    expect(take(job, { write: 0, read: 1 }).item).toEqual({ page: 2 });
    expect(take(job, { write: 0, read: 2 }).item).toEqual({ page: 3 });
    expect(take(job, { write: 0, read: LOOK_UPS }).item).toEqual({ chunk: 0 });
    expect(next(job, { write: 1, read: LOOK_UPS })).toBe('wait');
  });

  test('looks up no further page while enough chunks are ready, and one at a time while each leaves many', () => {
    const job = looking(800);
    job.ended(take(job), lookedUp(40), 0);
    expect(take(job).item).toEqual({ chunk: 0 });
    job.ended({ item: { chunk: 0 }, probe: undefined, doneBefore: 0 }, settled(), 0);
    for (let chunk = 1; chunk <= 32; chunk++) expect(take(job).item).toEqual({ chunk });
    expect(take(job).item).toEqual({ page: 1 });
    expect(take(job, { write: 0, read: 1 }).item).toEqual({ chunk: 33 });
  });

  test('ends without a call where all are unchanged', () => {
    const job = looking(400, { skipUnchanged: true });
    for (const page of [0, 1]) {
      const sent = take(job);
      expect(sent.item).toEqual({ page });
      job.ended(sent, lookedUp(0, { lastSize: 0 }), 0);
    }
    expect(next(job)).toBe('end');
    expect([job.ledger.counts.updated, job.ledger.chunks]).toEqual([4_000, { total: 0, done: 0 }]);
  });

  test('goes on without a page that brings out a fault of the worker; a dry run fails', () => {
    const broken = (about: Partial<PageOutcome>): End => {
      const { outcome: none } = lookedUp(0, { attempts: 4, unanswered: 4, ...about }) as { outcome: PageOutcome };
      return { how: 'unanswered', message: 'a fault', isDefect: true, outcome: none };
    };
    const rows = encodeRuns(Array.from({ length: 2_000 }, () => [1, 0, 1]).flat());
    const fallen = [{ outcome: 'failed', code: 'unavailable', message: 'a fault', rows, count: 2_000 } as const];
    const job = looking(400);
    const first = take(job);
    job.ended({ item: { page: 1 }, probe: undefined, doneBefore: 0 }, lookedUp(0), 0);
    for (let round = 0; round < 3; round++) job.ended(first, broken({ unchanged: 0, fallen }), 0);
    expect(job.ledger.counts).toMatchObject({ updated: 2_000, failed: 2_000, unprocessed: 0 });

    const dryRun = looking(200, { dryRun: true });
    const { chunks: _, fallen: __, ...spent } = (broken({}) as { outcome: PageOutcome }).outcome;
    const nameless = { how: 'unanswered', message: 'a fault', isDefect: true, outcome: spent } as const;
    for (let round = 0; round < 12; round++) dryRun.ended(first, nameless, 0);
    expect(dryRun.next(0, nothing)).toEqual({ do: 'fail', why: 'a fault' });
  });

  test('in a dry run only looks up: all rows stay unprocessed, and it holds for no rejections', () => {
    const job = looking(400, { dryRun: true });
    const compared = { changed: 100, unchanged: 300, unknown: 550, ambiguous: 40, sameCustomer: 9, unreadable: 1 };
    for (const page of [0, 1]) {
      const sent = take(job);
      expect(sent.item).toEqual({ page });
      job.ended(sent, lookedUp(10, { compared, ...(page === 1 && { callsToSend: 15 }) }), 0);
    }
    expect(next(job)).toBe('end');
    const twice = { changed: 200, unchanged: 600, unknown: 1_100, ambiguous: 80, sameCustomer: 18, unreadable: 2 };
    const found = { compared: twice, customers: 200, calls: 25 };
    expect([job.found, job.carry().found]).toEqual([found, found]);
    expect([job.hold, job.ledger.counts.unprocessed]).toEqual([null, 4_000]);
  });

  describe('long after a look-up', () => {
    const LATER = 5 * 60_000 + 1;

    test('looks up again what was not sent, once until some of it was', () => {
      const job = looking(200);
      job.ended(take(job), lookedUp(40), 0);
      const first = take(job);
      expect(take(job, { write: 1, read: 0 }, LATER).item).toEqual({ page: 0, asked: [1, 40] });
      job.ended(first, settled(), LATER);
      const again = { item: { page: 0, asked: [1, 40] as [number, number] }, probe: undefined, doneBefore: 0 };
      job.ended(again, lookedUp(2, { lastSize: 1, unchanged: 379 }), LATER);
      expect(job.ledger.askedFor(2)).toEqual([
        [0, 200],
        [1, 40],
      ]);
      const later = 10 * LATER;
      expect(take(job, nothing, later).item).toEqual({ chunk: 1 });
      expect(take(job, { write: 1, read: 0 }, later).item).toEqual({ page: 0, asked: [2, 3] });
    });

    test('sends what was given to a call before: its values before stand', () => {
      const job = looking(200);
      job.ended(take(job), lookedUp(1), 0);
      job.ended(take(job), { how: 'stopped' }, 0);
      expect(take(job, nothing, LATER).item).toEqual({ chunk: 0 });
    });

    test('looks up again what the activity finds too old', () => {
      const job = looking(200);
      job.ended(take(job), lookedUp(3), 0);
      const sent = take(job);
      job.ended(sent, settled({ stale: true, updated: 0, calls: 0 }), LATER);
      expect(job.ledger.done).toBe(0);
      expect(take(job, nothing, 0).item).toEqual({ page: 0, asked: [0, 1] });
    });
  });

  describe('takes no read as a proof that writes work', () => {
    /** A job that has looked up a page and holds, because its first chunk was refused or got no answer. */
    function held(end: End | ((sent: Sent) => End), chunks = 2): Job {
      const job = looking(1_800);
      job.ended(take(job), lookedUp(chunks), 0);
      for (let count = 0; job.hold === null; count++) {
        const sent = take(job, { write: 0, read: LOOK_UPS });
        job.ended(sent, typeof end === 'function' ? end(sent) : end, 0);
        if (count > 9) throw new Error('It does not hold.');
      }
      return job;
    }

    test.each<[string, End | ((sent: Sent) => End)]>([
      ['refuses', REFUSED],
      ['does not answer', unanswered],
    ])('while the store %s PUTs, its probe is a chunk, and look-ups that end meanwhile change nothing', (_, end) => {
      const job = held(end);
      const before = job.hold;
      job.ended({ item: { page: 1 }, probe: undefined, doneBefore: 1 }, lookedUp(1), 5);
      expect(job.hold).toBe(before);
      const probe = take(job, nothing, before?.until ?? NaN);
      expect(probe).toMatchObject({ item: { chunk: expect.any(Number) }, probe: 'check' });
      job.ended(probe, typeof end === 'function' ? end(probe) : end, 40_000);
      expect(job.hold).toMatchObject({ probes: 1 });
      job.resume();
      job.ended(take(job, nothing, 40_000), settled(), 40_001);
      expect(job.hold).toBeNull();
    });

    test('a probe that has to be looked up first is followed by its chunk', () => {
      const job = held(REFUSED, 1);
      // The chunk is given up, as a person ends its activity.
      job.work.toSend.take();
      job.resume();
      const lookUp = take(job);
      expect(lookUp).toMatchObject({ item: { page: 1 }, probe: 'resume' });
      job.ended(lookUp, lookedUp(1), 0);
      expect(job.hold?.kind).toBe('refused');
      expect(take(job)).toMatchObject({ item: { chunk: 200 }, probe: 'resume' });
    });

    test('a probe that was not sent, as what was looked up is too old, ends no hold: it is looked up and sent', () => {
      const job = held(REFUSED, 1);
      job.resume();
      const stale = take(job);
      expect(stale).toMatchObject({ item: { chunk: 0 }, probe: 'resume' });
      job.ended(stale, settled({ stale: true, updated: 0, calls: 0 }), 0);
      expect(job.hold?.kind).toBe('refused');
      const again = take(job);
      expect(again).toMatchObject({ item: { page: 0, asked: [0, 1] }, probe: 'resume' });
      job.ended(again, lookedUp(1, { unchanged: 0 }), 0);
      expect(take(job)).toMatchObject({ item: { chunk: 0 }, probe: 'resume' });
    });

    test('tries of a chunk count nothing while only look-ups end', () => {
      const job = held(unanswered);
      for (let page = 1; page < 9; page++) {
        job.ended({ item: { page }, probe: undefined, doneBefore: 0 }, lookedUp(0, { lastSize: 0 }), 0);
        job.resume();
        const sent = take(job);
        job.ended(sent, unanswered(sent), 0);
      }
      expect([job.ledger.counts.failed, job.hold?.kind]).toEqual([0, 'outage']);
    });

    test('reads that are refused hold it by themselves, and are asked again first', () => {
      const job = held(REFUSED);
      job.ended({ item: { page: 1 }, probe: undefined, doneBefore: 1 }, { how: 'refused', message: 'no reads' }, 5);
      expect(job.hold).toMatchObject({ message: 'no reads', probes: 0 });
      job.resume();
      const probe = take(job);
      expect(probe.item).toEqual({ page: 1 });
      job.ended(probe, lookedUp(1), 6);
      expect(job.hold).toMatchObject({ message: '401' });
    });
  });

  test('a look-up is never said to have been sent, nor a chunk that made no call', () => {
    const job = looking(800);
    job.ended(take(job), lookedUp(3), 0);
    job.ended(take(job), { how: 'stopped' }, 0);
    const unread = { ...outcome({ updated: 0, calls: 0 }), unanswered: 4 };
    const chunks = [0, 1, 2].map((chunk) => ({ item: { chunk }, probe: undefined, doneBefore: 0 }));
    job.ended(chunks[0] as Sent, { how: 'unanswered', message: 'unreadable', outcome: unread }, 0);
    job.ended(chunks[1] as Sent, { how: 'stopped', outcome: { ...unread, uncounted: true } }, 0);
    job.ended(chunks[2] as Sent, { how: 'stopped', outcome: { ...unread, calls: 1 } }, 0);
    expect(job.work.toSend.allMaybeSent()).toEqual([1, 2]);
  });
});
