import { Command } from 'commander';
import { jobOptionsSchema } from '../../src/contract/schema.ts';
import { inherited, jobOptionsOf, READING_AND_RUNNING, flagsToFix, RUNNING_ONLY } from '../../src/starter/options.ts';

function typed(options: typeof READING_AND_RUNNING, ...args: string[]) {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  for (const option of options) command.addOption(option);
  return jobOptionsOf(command.parse(args, { from: 'user' }).opts());
}

test('every option of a job can be typed, and becomes the option of that name', () => {
  const args =
    '--match email --ignore Age --ignore Size --blank-cells clear --on-invalid fail --max-rejected-percent 5 --limit 7 --priority 1';
  const more = [
    '--column',
    'Fax=2=phone',
    '--column',
    'Telephone=phone',
    '--encoding',
    'windows-1252',
    '--blank-words',
    'NULL,N/A',
  ];
  const flags = ['--ignore-unknown', '--trust-quotes', '--dry-run', '--report-all', '--backup', '--skip-unchanged'];
  const options = typed(READING_AND_RUNNING, ...args.split(' '), ...more, ...flags);
  expect(options).toEqual({
    ...{
      match: 'email',
      ignoreColumns: ['Age', 'Size'],
      blankCells: 'clear',
      onInvalid: 'fail',
      maxRejectedPercent: 5,
      limit: 7,
      priority: 1,
    },
    ...{ columns: { 'Fax=2': 'phone', Telephone: 'phone' }, encoding: 'windows-1252', blankWords: ['NULL', 'N/A'] },
    ...{ ignoreUnknown: true, trustQuotes: true, dryRun: true, reportAll: true, backup: true, skipUnchanged: true },
  });
  expect(Object.keys(options).toSorted()).toEqual(Object.keys(jobOptionsSchema.shape).toSorted());
});

test('what is not typed is left to its default', () => {
  expect(typed(READING_AND_RUNNING)).toEqual({});
});

test('a job that is made from another one takes no options for reading a file', () => {
  expect(typed(RUNNING_ONLY, '--limit', '7')).toEqual({ limit: 7 });
  expect(() => typed(RUNNING_ONLY, '--blank-cells', 'clear')).toThrow(/unknown option/);
});

test.each([
  ['--max-rejected-percent', '101', /from 0 to 100/],
  ['--limit', '0', /from 1\./],
  ['--limit', '1.5', /whole number/],
  ['--priority', '6', /from 1 to 5/],
  ['--on-invalid', 'ignore', /skip, fail/],
  ['--column', 'phone', /a heading and a field/],
  ['--encoding', 'latin', /--encoding: expected .*name of an encoding/],
])('%s %s is refused', (flag, value, message) => {
  expect(() => typed(READING_AND_RUNNING, flag, value)).toThrow(message);
});

test('a corrected file is read as the one that it was made from, and its job runs as that one did', () => {
  const reading = ['--match', 'email', '--ignore', 'Age', '--ignore-unknown', '--column', 'Telephone=phone'];
  const running = [
    '--on-invalid',
    'fail',
    '--max-rejected-percent',
    '7',
    '--backup',
    '--skip-unchanged',
    '--priority',
    '2',
  ];
  const flags = [...reading, ...running];
  const options = typed(READING_AND_RUNNING, ...flags, '--limit', '7', '--encoding', 'latin1');
  expect(flagsToFix(options)).toEqual(flags);
  expect(flagsToFix({ match: 'id' })).toEqual([]);
});

test('a retry runs as its job did, and names customers in the same way', () => {
  const flags = ['--match', 'email', '--backup', '--priority', '2', '--limit', '5', '--dry-run', '--ignore', 'Age'];
  expect(inherited(typed(READING_AND_RUNNING, ...flags))).toEqual({ match: 'email', backup: true, priority: 2 });
});
