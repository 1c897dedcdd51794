import type { CustomerCounts, JobResult } from '../../src/contract/job.ts';
import { EXIT, exitCodeOf, wasDryRun } from '../../src/starter/exit.ts';

function result(calls: number, counts: Partial<CustomerCounts>): JobResult {
  const customers = { total: 0, updated: 0, rejected: 0, failed: 0, invalid: 0, unprocessed: 0, ...counts };
  return {
    customers,
    chunks: { total: 0, done: 0 },
    calls,
    reads: 0,
    throttled: 0,
    report: null,
    retry: null,
    fix: null,
    changes: null,
  };
}

function dryRun(counts: Partial<CustomerCounts>): JobResult {
  return { ...result(0, counts), wouldSend: { customers: 0, calls: 0, quota: null } };
}

test.each([
  ['all were updated', 1, { total: 10, updated: 10 }, EXIT.allUpdated],
  ['the source was empty', 0, {}, EXIT.allUpdated],
  ['one was rejected', 1, { total: 10, updated: 9, rejected: 1 }, EXIT.notAllUpdated],
  ['one failed', 1, { total: 10, updated: 9, failed: 1 }, EXIT.notAllUpdated],
  ['a row was invalid', 1, { total: 10, updated: 9, invalid: 1 }, EXIT.notAllUpdated],
  ['all rows were invalid', 0, { total: 10, invalid: 10 }, EXIT.notAllUpdated],
  ['a limit left some', 1, { total: 10, updated: 4, unprocessed: 6 }, EXIT.notAllUpdated],
])('the exit code if %s', (_, calls, counts, code) => {
  expect(exitCodeOf(result(calls, counts))).toBe(code);
});

test.each([
  ['nothing', { total: 10, unprocessed: 10 }, EXIT.allUpdated],
  ['an invalid row', { total: 10, invalid: 1, unprocessed: 9 }, EXIT.notAllUpdated],
])('the exit code if a dry run found %s', (_, counts, code) => {
  expect(exitCodeOf(dryRun(counts))).toBe(code);
});

test('a job without a call was a dry run only if it says what it would send', () => {
  expect(wasDryRun(dryRun({ total: 2, invalid: 2 }))).toBe(true);
  // A job that was cancelled before its first call.
  expect(wasDryRun(result(0, { total: 2, unprocessed: 2 }))).toBe(false);
});
