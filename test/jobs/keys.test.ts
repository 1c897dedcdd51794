import fc from 'fast-check';
import { isSourceFor, jobKeys, ownCopy, SOURCE_COPIES, sourceCopyKey, type SourceReader } from '../../src/jobs/keys.ts';
import { FileStorage } from '../../src/storage/file.ts';
import { checkKey } from '../../src/storage/storage.ts';
import { RUNS } from '../support/fuzz.ts';

const job = { storeHash: 'abc123', key: '0190f3a1-7c3e-7000-8000-000000000000' };

test('keeps all files of a job in one folder', () => {
  const keys = jobKeys(job);
  const folder = `jobs/abc123/${job.key}`;
  expect([keys.page(0), keys.page(1999), keys.failures('run-2'), keys.report, keys.retry, keys.done]).toEqual([
    `${folder}/pages/0/000000.ndjson`,
    `${folder}/pages/0/001999.ndjson`,
    `${folder}/failures/run-2.ndjson`,
    `${folder}/report.csv`,
    `${folder}/retry.ndjson`,
    `${folder}/done.json`,
  ]);
});

test.each(['', '..', 'a/b', 'a b', 'a.b', 'a\n', 'x'.repeat(65)])('rejects the job key or file name %j', (key) => {
  expect(() => jobKeys({ ...job, key })).toThrow(RangeError);
  expect(() => jobKeys(job).failures(key)).toThrow(RangeError);
  expect(() => jobKeys({ ...job, storeHash: key })).toThrow(RangeError);
});

test.each(['a.csv', 'ü & ä?.ndjson.gz', '../../etc/a.csv', 'a/b.json'])('makes a key for a copy of %j', (name) => {
  const key = sourceCopyKey('abc123', name, name);
  expect(key).toMatch(/^sources\/copies\/abc123\/[^/]+\/[^/]+$/);
  expect(key.startsWith(SOURCE_COPIES)).toBe(true);
  expect(checkKey(key)).toBe(key);
});

test('rejects a store hash that would lead a copy out of the store', () => {
  expect(() => sourceCopyKey('../x', 'a', 'a')).toThrow(RangeError);
});

const storage = new FileStorage('/data');
const reader = { storeHash: 'abc', id: 'customer-updates/abc/spring' };
const uriOf = (key: string) => storage.uri(key);

describe("a copy of a source is its own job's and nobody else's", () => {
  const copy = sourceCopyKey('abc', 'spring', 'a.csv');

  test('that job may read and delete it', () => {
    expect(isSourceFor(reader, copy)).toBe(true);
    expect(ownCopy(storage, uriOf(copy), reader)).toBe(copy);
  });

  test.each<[string, SourceReader]>([
    ['another job of the store', { storeHash: 'abc', id: 'customer-updates/abc/spring-2' }],
    ['one whose name begins alike', { storeHash: 'abc', id: 'customer-updates/abc/sprin' }],
    ['a job of another store', { storeHash: 'def', id: 'customer-updates/def/spring' }],
    ['a job of another store that names this one in its id', { storeHash: 'def', id: reader.id }],
    ['a job whose id is free text', { storeHash: 'abc', id: 'spring' }],
    ['a job with an id of its own that ends alike', { storeHash: 'abc', id: 'Customer-updates/abc/spring' }],
    ['a job of no id', { storeHash: 'abc', id: '' }],
    ['a job of no name', { storeHash: 'abc', id: 'customer-updates/abc/' }],
  ])('%s may do neither', (_, other) => {
    expect(isSourceFor(other, copy)).toBe(false);
    expect(ownCopy(storage, uriOf(copy), other)).toBeUndefined();
  });

  test('it can not be reached by a detour', () => {
    const uris = ['a.csv/../../spring/a.csv', '../def/spring/a.csv', '%2e%2e/spring/a.csv', '..%2fspring/a.csv'];
    for (const uri of uris) {
      const around = `file:///data/sources/copies/abc/other/${uri}`;
      const key = storage.keyOf(around);
      const other = { storeHash: 'abc', id: 'customer-updates/abc/other' };
      expect(key === undefined || !isSourceFor(other, key)).toBe(true);
    }
  });

  test('whatever the names of two jobs are, neither may read what is for the other', () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.constantFrom('.', '..', '', '%2f', '%2e%2e', 'a/b', 'a%2Fb', '\0', '\uD800', '\uDFFF', '='),
      fc.string({ minLength: 190, maxLength: 400 }),
    );
    fc.assert(
      fc.property(name, name, name, (one, two, file) => {
        const key = sourceCopyKey('abc', one, file);
        expect(checkKey(key)).toBe(key);
        expect(storage.keyOf(storage.uri(key))).toBe(key);
        for (const part of key.split('/')) expect(Buffer.byteLength(part)).toBeLessThanOrEqual(200);
        const mine = { storeHash: 'abc', id: `customer-updates/abc/${one}` };
        const others = { storeHash: 'abc', id: `customer-updates/abc/${two}` };
        expect(isSourceFor(mine, key)).toBe(true);
        // The server keeps U+FFFD in place of what UTF-8 can't encode.
        expect(isSourceFor(others, key)).toBe(Buffer.from(one).equals(Buffer.from(two)));
      }),
      {
        numRuns: RUNS,
        examples: [
          ['..', '.', 'a.csv'],
          ['x'.repeat(300), `=${'x'.repeat(64)}`, 'y'.repeat(300)],
        ],
      },
    );
  });

  test('a copy whose name had to be shortened keeps the extension that says its format', () => {
    expect(sourceCopyKey('abc', 'spring', `${'ü'.repeat(200)}.CSV.gz`)).toMatch(/\/=[0-9a-f]{64}\.CSV\.gz$/);
  });
});

test.each([
  ['sources/uploads/a.csv', true],
  ['sources/a.csv', true],
  ['jobs/def/run-1/retry.ndjson', false],
  ['jobs/abc/run-1/pages/0/000000.ndjson', false],
  ['jobs/abc/run-1/report.csv', false],
  ['a.csv', false],
  ['sources', false],
])('what is at %s of the job store may be a source: %j', (key, may) => {
  expect(isSourceFor(reader, key)).toBe(may);
});
