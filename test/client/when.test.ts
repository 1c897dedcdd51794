import { BadInput } from '../../src/client.ts';
import { specOf, whenText, type When } from '../../src/client/when.ts';

const HOUR = 3_600_000;

test.each<[When, unknown, string]>([
  [{ cron: '30 2 * * *' }, { cronExpressions: ['30 2 * * *'], timezone: 'UTC' }, '30 2 * * * (UTC)'],
  [
    { cron: '*/5 0-10/2 1,15 jan-MAR sun', timezone: 'Europe/Berlin' },
    { cronExpressions: ['*/5 0-10/2 1,15 jan-MAR sun'], timezone: 'Europe/Berlin' },
    '*/5 0-10/2 1,15 jan-MAR sun (Europe/Berlin)',
  ],
  [{ every: '4h' }, { intervals: [{ every: 4 * HOUR }] }, 'every 4h'],
  [{ every: '2s' }, { intervals: [{ every: 2_000 }] }, 'every 2s'],
  [{ every: '366d' }, { intervals: [{ every: 366 * 24 * HOUR }] }, 'every 366d'],
])('%j is a time for a schedule', (when, spec, text) => {
  expect(specOf(when)).toEqual(spec);
  expect(whenText(when)).toBe(text);
});

test.each<[object, string]>([
  [{}, 'either cron, such as "30 2 * * *", or every, such as "4h", got neither.'],
  [{ cron: '* * * * *', every: '4h' }, 'got both.'],
  [{ every: '4h', timezone: 'UTC' }, 'timezone: expected one with cron only'],
  [{ cron: '@daily' }, 'cron: expected five fields, minute, hour, day of the month, month, day of the week'],
  [{ cron: '0 30 2 * * *' }, 'got "0 30 2 * * *".'],
  [{ cron: 30 }, 'cron: expected five fields'],
  [{ cron: '60 2 * * *' }, 'cron: expected the minute as *, 0 to 59'],
  [{ cron: '30 24 * * *' }, 'cron: expected the hour as *, 0 to 23'],
  [{ cron: '30 2 0 * *' }, 'cron: expected the day of the month as *, 1 to 31'],
  [{ cron: '30 2 * 13 *' }, 'cron: expected the month as *, 1 to 12 or JAN to DEC'],
  [{ cron: '30 2 * * 7' }, 'cron: expected the day of the week as *, 0 to 6 or SUN to SAT'],
  [{ cron: '30 5-2 * * *' }, 'got "5-2".'],
  [{ cron: '30 1-2-3 * * *' }, 'got "1-2-3".'],
  [{ cron: '30 2/4 * * *' }, 'got "2/4".'],
  [{ cron: '30 */0 * * *' }, 'got "*/0".'],
  [{ cron: '30 2, * * *' }, 'got "2,".'],
  [
    { cron: '* * * * *', timezone: 'Europe/Brelin' },
    'timezone: expected a name such as Europe/Berlin or UTC, got "Europe/Brelin".',
  ],
  [{ cron: '* * * * *', timezone: '+01:00' }, 'got "+01:00".'],
  [{ every: '4 hours' }, 'every: expected a whole number and s, m, h or d, such as "4h", at most 366d, got "4 hours".'],
  [{ every: '0h' }, 'got "0h".'],
  [{ every: '367d' }, 'got "367d".'],
  [{ every: 4 }, 'every: expected'],
])('%j is not, and the message says what is', (when, message) => {
  expect(() => specOf(when as When)).toThrow(BadInput);
  expect(() => specOf(when as When)).toThrow(message);
});
