import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { callFailure, jobFailure } from '../../src/activities/failures.ts';
import type { Attempt } from '../../src/bigcommerce/attempt.ts';
import { Draining, LeaseLost, Refused, Throttled, Unavailable } from '../../src/bigcommerce/errors.ts';
import { BadInput } from '../../src/contract/schema.ts';
import { BadPage } from '../../src/jobs/pages.ts';
import { BadSource, MissingSource } from '../../src/jobs/sources/record.ts';
import { NothingToRetry } from '../../src/activities/job-source.ts';
import { StorageFailed } from '../../src/storage/storage.ts';

const reached = { tally: { calls: 1 } } as Attempt;
const outcome = { calls: 1, reads: 0, throttled: 0, attempts: 1, unanswered: 0, concurrency: 3 };
const half = () => 0.5;

test.each<[string, Error, number, { type: string; nonRetryable: boolean; nextRetryDelay?: number }]>([
  ['a 429', new Throttled('429', reached, 2_500), 0, { type: 'Throttled', nonRetryable: false, nextRetryDelay: 2_500 }],
  ['a refusal', new Refused('no', reached), 0, { type: 'Refused', nonRetryable: true }],
  ['a handover', new Draining('stop', reached), 0, { type: 'HandedOver', nonRetryable: false, nextRetryDelay: 100 }],
  ['a lost lease', new LeaseLost('lost', reached), 0, { type: 'HandedOver', nonRetryable: false, nextRetryDelay: 100 }],
  [
    'a first try without an answer',
    new Unavailable('502', reached),
    1,
    { type: 'Unavailable', nonRetryable: false, nextRetryDelay: 1_000 },
  ],
  [
    'a third one',
    new Unavailable('502', reached),
    3,
    { type: 'Unavailable', nonRetryable: false, nextRetryDelay: 4_000 },
  ],
  [
    'one that asks for more patience',
    new Unavailable('503', reached, 9_000),
    1,
    { type: 'Unavailable', nonRetryable: false, nextRetryDelay: 9_000 },
  ],
  ['a fourth one', new Unavailable('502', reached), 4, { type: 'Unavailable', nonRetryable: true }],
  ['a job store that fails', new StorageFailed("Can't read a file."), 4, { type: 'Unavailable', nonRetryable: true }],
  ['a page that is gone', new BadPage('gone'), 1, { type: 'Unavailable', nonRetryable: false, nextRetryDelay: 1_000 }],
])('%s', (_, error, unanswered, expected) => {
  const failure = callFailure(error, unanswered, outcome, half) as ApplicationFailure;
  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(failure).toMatchObject({ ...expected, message: error.message, details: [outcome] });
  expect(failure.category).toBe(ApplicationFailureCategory.BENIGN);
});

test('pauses after tries without an answer are spread out', () => {
  const delay = (random: number) =>
    (callFailure(new Unavailable('502', reached), 2, outcome, () => random) as ApplicationFailure).nextRetryDelay;
  expect([delay(0), delay(0.999)]).toEqual([1_000, expect.closeTo(2_998)]);
});

test.each([
  ['BadInput', new BadInput('x')],
  ['BadSource', new BadSource('x')],
  ['MissingSource', new MissingSource('x')],
  ['NothingToRetry', new NothingToRetry('x')],
])('%s ends an activity', (type, error) => {
  expect(jobFailure(error, 1)).toMatchObject({ type, message: 'x', nonRetryable: true });
});

test('errors of the surroundings stay as they are, to be retried and seen', () => {
  const error = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  expect(jobFailure(error, 1_000)).toBe(error);
  expect(callFailure(error, 0, outcome)).toBe(error);
});
