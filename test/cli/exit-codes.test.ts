import { EXIT, exitCodeOf, wasDryRun } from '../../src/cli/exit-codes.ts';
import type { CustomerCounts, JobResult } from '../../src/contract.ts';

function result(calls: number, counts: Partial<CustomerCounts>): JobResult {
  const customers = { total: 0, updated: 0, rejected: 0, failed: 0, invalid: 0, unprocessed: 0, ...counts };
  return { customers, chunks: { total: 0, done: 0 }, calls, throttled: 0, report: null, retry: null };
}

test.each([
  ['all were updated', 1, { total: 10, updated: 10 }, EXIT.allUpdated],
  ['the source was empty', 0, {}, EXIT.allUpdated],
  ['one was rejected', 1, { total: 10, updated: 9, rejected: 1 }, EXIT.notAllUpdated],
  ['one failed', 1, { total: 10, updated: 9, failed: 1 }, EXIT.notAllUpdated],
  ['a row was invalid', 1, { total: 10, updated: 9, invalid: 1 }, EXIT.notAllUpdated],
  ['all rows were invalid', 0, { total: 10, invalid: 10 }, EXIT.notAllUpdated],
  ['a limit left some', 1, { total: 10, updated: 4, unprocessed: 6 }, EXIT.notAllUpdated],
  ['a dry run found nothing', 0, { total: 10, unprocessed: 10 }, EXIT.allUpdated],
  ['a dry run found an invalid row', 0, { total: 10, invalid: 1, unprocessed: 9 }, EXIT.notAllUpdated],
])('where %s', (_, calls, counts, code) => {
  expect(exitCodeOf(result(calls, counts))).toBe(code);
});

test('a job without a call was a dry run only if it could have sent something', () => {
  expect(wasDryRun(result(0, { total: 2, unprocessed: 2 }))).toBe(true);
  expect(wasDryRun(result(1, { total: 2, updated: 1, unprocessed: 1 }))).toBe(false);
  expect(wasDryRun(result(0, { total: 2, invalid: 2 }))).toBe(false);
  // Those within the limit had all values already.
  expect(wasDryRun(result(0, { total: 2, updated: 1, unprocessed: 1 }))).toBe(false);
});
