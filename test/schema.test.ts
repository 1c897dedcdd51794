import type { z } from 'zod';
import type { JobInput } from '../src/contract/job.ts';
import { BadInput, type jobInputSchema, parseJobInput } from '../src/contract/schema.ts';

// Compiles only while schema and contract say the same, word for word.
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Flat<T> = T extends object ? { [Key in keyof T]: Flat<T[Key]> } : T;
const same = <A, B>(isSame: Same<Flat<A>, Flat<B>>): boolean => isSame;
same<z.input<typeof jobInputSchema>, JobInput>(true);

const source = { uri: 'file:///data/a.csv' };
const DEFAULTS = {
  dryRun: false,
  limit: null,
  onInvalid: 'skip',
  maxRejectedPercent: 20,
  backup: false,
  skipUnchanged: false,
  priority: 3,
  match: 'id',
  blankCells: 'keep',
  ignoreColumns: [],
  ignoreUnknown: false,
  columns: {},
  encoding: null,
  trustQuotes: false,
  blankWords: [],
  reportAll: false,
};

test('fills in every default', () => {
  expect(parseJobInput({ storeHash: 'abc123', source })).toEqual({ storeHash: 'abc123', source, options: DEFAULTS });
  const options = { limit: 5, blankCells: 'clear', ignoreColumns: ['Date Joined'] };
  expect(parseJobInput({ storeHash: 'a', source, options }).options).toEqual({ ...DEFAULTS, ...options });
});

test('accepts its own result', () => {
  const checked = parseJobInput({ storeHash: 'abc123', source, options: { dryRun: true } });
  expect(parseJobInput(checked)).toEqual(checked);
});

test.each([
  [{ customers: [] }],
  [{ customers: [{ id: 1 }, 'not checked here', null] }],
  [{ uri: 's3://bucket/a', format: 'ndjson' }],
  [{ retryOf: 'customer-updates/abc/first-try' }],
])('accepts the source %j', (given) => {
  expect(parseJobInput({ storeHash: 'a', source: given }).source).toEqual(given);
});

test('accepts 1,000 inline customers of 512 KiB, and no more', () => {
  const customers = (count: number, bytes: number) => {
    const list = Array.from({ length: count }, (_, index) => ({ id: index + 1, notes: '' }));
    (list[0] as { notes: string }).notes = 'x'.repeat(bytes - JSON.stringify(list).length);
    return { storeHash: 'a', source: { customers: list } };
  };
  expect(() => parseJobInput(customers(1_000, 512 * 1024))).not.toThrow();
  expect(() => parseJobInput(customers(1_001, 100_000))).toThrow(
    'source.customers: expected a list of at most 1000 customers; a file (source.uri) may have more, got a list of 1001.',
  );
  expect(() => parseJobInput(customers(3, 512 * 1024 + 1))).toThrow(
    'source.customers: expected at most 524288 bytes of JSON, here 524289; a file may have more, got a list of 3.',
  );
});

test.each([
  [undefined, `Expected a job's input: one argument, an object in JSON (json/plain) such as {"storeHash": "abc123", `],
  [undefined, ', got nothing.'],
  ['x', ', got text.'],
  ['{"storeHash": "a"}', ', got JSON in a text: give the object itself, not its JSON.'],
  [
    7,
    'Expected a job\'s input: one argument, an object in JSON (json/plain) such as {"storeHash": "abc123", "source": ',
  ],
  [[{ storeHash: 'a', source }], ', got a list of 1.'],
  [{ store_hash: 'a', source }, 'expected only storeHash, source, options, got "store_hash". Did you mean storeHash?'],
  [
    { storeHash: 'a', source: { retry_of: 'x' } },
    'one of customers, uri, retryOf, got "retry_of". Did you mean retryOf?',
  ],
  [
    { storeHash: 'a', source, options: { 'Dry-Run': true, skip: 1 } },
    'skipUnchanged, priority, got "Dry-Run", "skip". Did you mean dryRun?',
  ],
  [{ source }, 'storeHash: expected a store hash, got nothing.'],
  [{ storeHash: 'ABC', source }, 'storeHash: expected a store hash: 1 to 32 lower-case letters and digits, got text.'],
  [{ storeHash: 'a/../b', source }, 'storeHash: expected a store hash'],
  [{ storeHash: 'a\n', source }, 'storeHash: expected a store hash'],
  [{ storeHash: 'a' }, 'source: expected an object with one of customers, uri, retryOf, got nothing.'],
  [{ storeHash: 'a', source: 'x.csv' }, 'source: expected an object with one of customers, uri, retryOf, got text.'],
  [{ storeHash: 'a', source: {} }, 'source: expected an object with one of customers, uri, retryOf, got an object.'],
  [{ storeHash: 'a', source: { uri: 'a', retryOf: 'b' } }, 'one of customers, uri, retryOf, got uri and retryOf.'],
  [{ storeHash: 'a', source: { uri: '' } }, 'source.uri: expected a text that is not empty, got an empty text.'],
  [
    { storeHash: 'a', source: { uri: 'a', format: 'xml' } },
    'source.format: expected "csv", "ndjson" or "json", got text',
  ],
  [{ storeHash: 'a', source: { customers: {} } }, 'source.customers: expected a list of at most 1000 customers'],
  [{ storeHash: 'a', source: { retryOf: 3 } }, 'source.retryOf: expected a text, got a number.'],
  [
    { storeHash: 'a', source: { uri: 'a', path: 'b' } },
    'source: expected only customers, uri, retryOf, format, got "path".',
  ],
  [{ storeHash: 'a', source, option: {} }, 'expected only storeHash, source, options, got "option".'],
  [
    { storeHash: 'a', source, options: { dryrun: true } },
    'options: expected only dryRun, limit, onInvalid, maxRejected',
  ],
  [{ storeHash: 'a', source, options: [] }, 'options: expected an object, got a list of 0.'],
  [
    { storeHash: 'a', source, options: { limit: 0 } },
    'options.limit: expected null or a whole number from 1, got zero.',
  ],
  [
    { storeHash: 'a', source, options: { limit: 1.5 } },
    'options.limit: expected null or a whole number from 1, got a num',
  ],
  [
    { storeHash: 'a', source, options: { limit: '5' } },
    'options.limit: expected null or a whole number from 1, got text',
  ],
  [
    { storeHash: 'a', source, options: { onInvalid: 'stop' } },
    'options.onInvalid: expected "skip" or "fail", got text',
  ],
  [
    { storeHash: 'a', source, options: { priority: 6 } },
    'options.priority: expected a whole number from 1 to 5, got a number.',
  ],
  [{ storeHash: 'a', source, options: { maxRejectedPercent: 101 } }, 'expected a number from 0 to 100, got a number.'],
  [
    { storeHash: 'a', source, options: { ignoreColumns: [1] } },
    'options.ignoreColumns.0: expected a heading, got a num',
  ],
  [
    { storeHash: 'a', source: { uri: 'x'.repeat(5_001) } },
    'source.uri: expected a text of at most 5000 characters, got text of 5001 characters.',
  ],
  [
    { storeHash: 'a', source, options: { blankWords: Array<string>(101).fill('x') } },
    'options.blankWords: expected a list of at most 100 words of at most 1000 characters in all, got a list of 101.',
  ],
  [
    { storeHash: 'a', source, options: { blankWords: ['x'.repeat(1_001)] } },
    'options.blankWords: expected a list of at most 100 words of at most 1000 characters in all, got a list of 1.',
  ],
  [{ storeHash: 'a', source, options: { dryRun: 'yes' } }, 'options.dryRun: expected true or false, got text.'],
])('says what is wrong with %j, what was expected and what came', (input, message) => {
  expect(() => parseJobInput(input)).toThrow(BadInput);
  expect(() => parseJobInput(input)).toThrow(message);
  expect(() => parseJobInput(input)).not.toThrow('\n');
});
