import { BadInput } from '../../src/client.ts';
import { checkNewJob, type NewCustomerUpdate } from '../../src/client/source.ts';
import { customers } from '../support/customers.ts';

const input = (customers: unknown, more = {}): NewCustomerUpdate =>
  ({ storeHash: 'abc', source: { customers }, ...more }) as NewCustomerUpdate;
const cycle: Record<string, unknown> = { id: 2 };
cycle['self'] = cycle;

test.each<[string, () => unknown]>([
  ['an async generator', async function* () {}],
  ['a generator', function* () {}],
  ['a Set', () => new Set([{ id: 1 }])],
])('customers from %s are streamed', (_, make) => {
  const customers = make();
  expect(checkNewJob(input(customers), 'x')).toEqual({ stream: customers });
});

test('a list, a file and what another job left are passed along with the job', () => {
  for (const source of [{ customers: [{ id: 1 }] }, { uri: 's3://bucket/a.csv' }, { retryOf: 'customer-updates/a/b' }])
    expect(checkNewJob({ storeHash: 'abc', source }, 'x')).toEqual({ source });
});

const stream = (function* () {})();

test.each<[string, unknown, string, string]>([
  ['no input', undefined, 'x', "Expected a job's input"],
  ['a wrong store hash', input(stream, { storeHash: 'ABC' }), 'x', 'storeHash: expected a store hash'],
  ['a wrong option', input(stream, { options: { dryrun: true } }), 'x', 'options: expected only dryRun'],
  [
    'a field beside the iterable',
    { storeHash: 'abc', source: { customers: stream, format: 'csv' } },
    'x',
    'source: expected',
  ],
  ['text, although it is an iterable of letters', input('{"id":1}'), 'x', 'source.customers: expected a list'],
  ['1,001 inline', input(customers(1_001)), 'x', 'An iterable other than an array, such as an async'],
  ['more than 512 KiB inline', input([{ id: 1, notes: 'x'.repeat(600_000) }]), 'x', 'An iterable other than an array'],
  ['a BigInt inline', input([{ id: 1 }, { id: 2n }]), 'x', 'source.customers: expected customer 2 to be'],
  ['a customer inline that contains itself', input([cycle]), 'x', 'source.customers: expected customer 1 to be'],
  ['an empty name', input(stream), '', 'name: expected'],
  ['a name that is not text', input(stream), undefined as unknown as string, 'name: expected'],
  ['a name that leads elsewhere', input(stream), '..', 'name: expected'],
  ['a name with half a character', input(stream), 'a\ud800', 'name: expected'],
  ['a name with a line break', input(stream), 'a\nb', 'name: expected'],
  ['a name that is too long for a folder', input(stream), 'ä'.repeat(34), 'name: expected'],
])('%s is refused, and nothing is read', (_, wrong, name, message) => {
  expect(() => checkNewJob(wrong as NewCustomerUpdate, name)).toThrow(BadInput);
  expect(() => checkNewJob(wrong as NewCustomerUpdate, name)).toThrow(message);
});

test.each(['spring', 'spring sale 2026', 'a/b', 'ä'.repeat(33), '...'])('a job can be named %s', (name) => {
  expect(() => checkNewJob(input([]), name)).not.toThrow();
});
