import type { JobOptions } from '../../src/contract/job.ts';
import { attachOrStart } from '../../src/starter/start.ts';

const source = { words: 'spring.csv', is: (uri: string) => uri === 'file:///copy' };
const wanted = (options: JobOptions = {}) => ({ id: 'customer-updates/abc123/spring', source, options });
const existingJob = (
  status: string,
  options: JobOptions | undefined = {},
  from: string | undefined = 'file:///copy',
) => ({
  status,
  source: from,
  options,
});

test.each([
  ['there is no job with this id', undefined, {}, 'start'],
  ['it failed', existingJob('FAILED'), {}, 'start'],
  ['it was cancelled', existingJob('CANCELED'), {}, 'start'],
  [
    'it was terminated, whatever it was doing',
    existingJob('TERMINATED', { dryRun: true }, 'file:///other'),
    {},
    'start',
  ],
  ['it is running', existingJob('RUNNING'), {}, 'attach'],
  ['it has ended', existingJob('COMPLETED'), {}, 'attach'],
  [
    'its defaults were spelt out',
    existingJob('COMPLETED', { maxRejectedPercent: 20, limit: null }),
    { dryRun: false },
    'attach',
  ],
  ['it was the same dry run', existingJob('COMPLETED', { dryRun: true }), { dryRun: true }, 'attach'],
  ['it was a dry run', existingJob('COMPLETED', { dryRun: true }), {}, 'startAgain'],
  ['it sent only the first few', existingJob('COMPLETED', { limit: 10 }), {}, 'startAgain'],
  ['another program started it', { status: 'RUNNING', source: undefined, options: undefined }, {}, 'attach'],
])('if %s', (_, existing, options, todo) => {
  expect(attachOrStart(existing, wanted(options))).toBe(todo);
});

test.each([
  ['a dry run is still running', existingJob('RUNNING', { dryRun: true }), {}],
  ['it is running with other options', existingJob('RUNNING'), { blankCells: 'clear' as const }],
  ['it has ended with other options', existingJob('COMPLETED'), { reportAll: true }],
  ['it has ended, and a dry run is wanted', existingJob('COMPLETED'), { dryRun: true }],
  ['it is for another file', existingJob('COMPLETED', {}, 'file:///other'), {}],
  ['it was a dry run of another file', existingJob('COMPLETED', { dryRun: true }, 'file:///other'), {}],
])('refuses if %s', (_, existing, options) => {
  expect(() => attachOrStart(existing, wanted(options))).toThrow(/from another source or with other options[^]*--name/);
});

test('says what differs', () => {
  const existing = existingJob('RUNNING', { dryRun: true }, 'file:///other');
  expect(() => attachOrStart(existing, wanted({ limit: 3, ignoreColumns: ['Age'] }))).toThrow(
    'The job customer-updates/abc123/spring is already running, from another source or with other options:\n' +
      '  existing: file:///other; options: dryRun true\n' +
      '  wanted:   spring.csv; options: limit 3, ignoreColumns ["Age"]\n' +
      'Give the new one another name with --name. ' +
      'To see the existing one: npm run starter -- show customer-updates/abc123/spring',
  );
});
