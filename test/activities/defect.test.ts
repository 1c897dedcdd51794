import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger, type LogEntry } from '@temporalio/worker';
import { asDefect, Defect } from '../../src/activities/defect.ts';
import { callFailure, jobFailure } from '../../src/activities/failures.ts';
import { StorageFailed } from '../../src/storage/storage.ts';

let logged: LogEntry[];

beforeEach(() => void (logged = []));

function inActivity<T>(run: () => T): Promise<T> {
  const logger = new DefaultLogger('INFO', (entry) => void logged.push(entry));
  return new MockActivityEnvironment({ activityType: 'closeJob' }, { logger }).run(async () => run());
}

function thrownBy(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

const nothing = null as unknown as { name: string };

test.each<[string, () => unknown]>([
  ['a TypeError', () => nothing.name],
  ['a RangeError', () => 'x'.repeat(-1)],
  ['a SyntaxError', () => JSON.parse('ann.miller@example.com')],
])('%s is a fault of the program: it says where, and is logged, without what was in the data', async (_, run) => {
  const error = (await inActivity(() => asDefect(thrownBy(run)))) as Defect;
  expect(error).toBeInstanceOf(Defect);
  expect(error.message).toMatch(
    /(Type|Range|Syntax)Error in closeJob at .*\(?activities\/defect\.test\.ts:\d+:\d+\)?, brought/,
  );
  expect(logged).toMatchObject([
    { level: 'ERROR', message: 'the worker is at fault', meta: { error: expect.any(String) } },
  ]);
  expect(JSON.stringify([error.message, logged[0]?.meta?.['at']])).not.toMatch(/ann\.miller/);
});

test.each<[string, unknown]>([
  ['a job store that fails', new StorageFailed("Can't read a file.")],
  ['a network that fails', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })],
  ['memory that has run out', new RangeError('Array buffer allocation failed')],
  ['nothing', undefined],
])('%s is none', async (_, error) => {
  expect(await inActivity(() => asDefect(error))).toBe(error);
  expect(logged).toEqual([]);
});

test('a job fails with it once it has come ten times', async () => {
  const failures = await inActivity(() => [1, 9, 10].map((attempt) => jobFailure(new TypeError('x'), attempt)));
  expect(failures).toMatchObject([
    { type: 'Defect', nonRetryable: false },
    { type: 'Defect', nonRetryable: false },
    { type: 'Defect', nonRetryable: true, message: expect.stringMatching(/Report this/) },
  ]);
});

test('a chunk is tried again as if no answer had come, and what is entered in the end comes along', () => {
  const outcome = { calls: 1, reads: 0, throttled: 0, attempts: 1, unanswered: 0, concurrency: 3 };
  const failures = [1, 4].map((unanswered) => callFailure(new Defect('x'), unanswered, outcome, () => 0.5));
  expect(failures).toMatchObject([
    { type: 'Defect', nonRetryable: false, nextRetryDelay: 1_000, details: [outcome] },
    { type: 'Defect', nonRetryable: true, details: [outcome] },
  ]);
});
