import { meetExisting } from '../../src/starter/begin.ts';
import type { JobOptions } from '../../src/contract/job.ts';

const source = { words: 'spring.csv', is: (uri: string) => uri === 'file:///copy' };
const wanted = (options: JobOptions = {}) => ({ id: 'customer-updates/abc123/spring', source, options });
const found = (status: string, options: JobOptions | undefined = {}, from: string | undefined = 'file:///copy') => ({
  status,
  source: from,
  options,
});

test.each([
  ['there is none', undefined, {}, 'start'],
  ['it failed', found('FAILED'), {}, 'start'],
  ['it was cancelled', found('CANCELED'), {}, 'start'],
  ['it was terminated, whatever it was', found('TERMINATED', { dryRun: true }, 'file:///other'), {}, 'start'],
  ['it runs', found('RUNNING'), {}, 'attach'],
  ['it has ended', found('COMPLETED'), {}, 'attach'],
  ['defaults were spelt out', found('COMPLETED', { maxRejectedPercent: 20, limit: null }), { dryRun: false }, 'attach'],
  ['it was the same dry run', found('COMPLETED', { dryRun: true }), { dryRun: true }, 'attach'],
  ['it was a dry run', found('COMPLETED', { dryRun: true }), {}, 'startAgain'],
  ['it was a first few', found('COMPLETED', { limit: 10 }), {}, 'startAgain'],
  ['another program started it', { status: 'RUNNING', source: undefined, options: undefined }, {}, 'attach'],
])('where %s', (_, existing, options, todo) => {
  expect(meetExisting(existing, wanted(options))).toBe(todo);
});

test.each([
  ['a dry run is still running', found('RUNNING', { dryRun: true }), {}],
  ['it runs with other options', found('RUNNING'), { blankCells: 'clear' as const }],
  ['it has ended with other options', found('COMPLETED'), { reportAll: true }],
  ['it has ended, and a dry run is wanted', found('COMPLETED'), { dryRun: true }],
  ['it is of another file', found('COMPLETED', {}, 'file:///other'), {}],
  ['it was a dry run of another file', found('COMPLETED', { dryRun: true }, 'file:///other'), {}],
])('refuses where %s', (_, existing, options) => {
  expect(() => meetExisting(existing, wanted(options))).toThrow(/from another source or with other options[^]*--name/);
});

test('says what differs', () => {
  const existing = found('RUNNING', { dryRun: true }, 'file:///other');
  expect(() => meetExisting(existing, wanted({ limit: 3, ignoreColumns: ['Age'] }))).toThrow(
    'The job customer-updates/abc123/spring is running already, from another source or with other options:\n' +
      '  there:  file:///other; options: dryRun true\n' +
      '  wanted: spring.csv; options: limit 3, ignoreColumns ["Age"]\n' +
      'Give the new one a name of its own with --name. ' +
      'To see the other one: npm run starter -- show customer-updates/abc123/spring',
  );
});
