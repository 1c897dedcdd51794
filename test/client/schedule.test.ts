import type { Client } from '@temporalio/client';
import { BadInput, type ScheduledInput, scheduleCustomerUpdate } from '../../src/client.ts';

// Anything that is asked of it fails.
const nobody = {} as Client;
const source = { uri: 's3://bucket/all.csv' };
const when = { cron: '30 2 * * *' };

test.each<[string, object, string, object, string]>([
  [
    'customers given inline',
    { source: { customers: [{ id: 1 }] } },
    'x',
    when,
    'source: expected the uri of a file for a schedule',
  ],
  ['what a job has left', { source: { retryOf: 'customer-updates/abc/x' } }, 'x', when, 'got retryOf'],
  ['no source', { source: undefined }, 'x', when, 'source: expected'],
  ['a wrong store hash', { storeHash: 'ABC' }, 'x', when, 'storeHash: expected a store hash'],
  ['a wrong option', { options: { dryrun: true } }, 'x', when, 'options: expected only dryRun'],
  ['no name', {}, '', when, 'name: expected a name of 1 to 160 characters'],
  ['a name that leaves no room for the time', {}, 'x'.repeat(161), when, 'name: expected'],
  ['a wrong time', {}, 'x', { every: 'night' }, 'every: expected'],
])('%s is refused for a schedule before anything is done', async (_, more, name, when, message) => {
  const input = { storeHash: 'abc', source, ...more } as ScheduledInput;
  const made = scheduleCustomerUpdate(nobody, input, name, when);
  await expect(made).rejects.toThrow(BadInput);
  await expect(made).rejects.toThrow(message);
});
