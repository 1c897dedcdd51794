import { jsonView, linesView } from '../../src/starter/watch-view.ts';
import type { Progress } from '../../src/contract/job.ts';

/** A job of ten customers, this many of them updated. */
function progress(updated: number, more: Partial<Progress> = {}): Progress {
  return {
    state: 'running',
    customers: { total: 10, updated, rejected: 0, failed: 0, invalid: 0, unprocessed: 10 - updated },
    chunks: { total: 1, done: 0 },
    calls: 0,
    reads: 0,
    throttled: 0,
    report: null,
    retry: null,
    fix: null,
    changes: null,
    waitingFor: null,
    pace: null,
    eta: null,
    ...more,
  };
}

function view() {
  const lines: string[] = [];
  const clock = { now: 0 };
  return {
    lines,
    clock,
    ...linesView(
      (line) => lines.push(line),
      () => clock.now,
    ),
  };
}

const line = (updated: number) =>
  `running · ${updated} of 10 · updated ${updated} · rejected 0 · failed 0 · invalid 0 · unprocessed ${10 - updated}`;

test('there is a line per change: the first at once, others at most every five seconds, and always the last', () => {
  const { lines, clock, show, end } = view();
  for (let updated = 0; updated <= 9; updated++) {
    show(progress(updated));
    clock.now += 1_000;
  }
  expect(lines).toEqual([line(0), line(5)]);
  end();
  end();
  expect(lines).toEqual([line(0), line(5), line(9)]);
});

test('there is no line if nothing has happened, even if the pace goes down', () => {
  const { lines, clock, show, end } = view();
  for (const callsPerSecond of [5, 4, 3]) {
    show(progress(1, { pace: { callsPerSecond, concurrency: 3 } }));
    clock.now += 60_000;
  }
  end();
  expect(lines).toHaveLength(1);
});

test('what has to be read once is shown at once', () => {
  const { lines, show, say } = view();
  show(progress(1));
  say('The job is held: …');
  expect(lines).toEqual([line(1), 'The job is held: …']);
});

test('a job without progress leaves no line', () => {
  const { lines, end } = view();
  end();
  expect(lines).toEqual([]);
});

test('for programs changes are passed on as often, messages go elsewhere, and the end is left to the caller', () => {
  const [passed, said]: [Progress[], string[]] = [[], []];
  const clock = { now: 0 };
  const { show, say, end } = jsonView(
    (progress) => passed.push(progress),
    (text) => said.push(text),
    () => clock.now,
  );
  for (let updated = 0; updated <= 9; updated++) {
    show(progress(updated));
    clock.now += 1_000;
  }
  say('The job is held: …');
  show(progress(10, { state: 'completed' }));
  end();
  expect(passed).toEqual([progress(0), progress(5)]);
  expect(said).toEqual(['The job is held: …']);
});
