import {
  checkJobName,
  checkScheduleName,
  copyName,
  defaultJobName,
  storeOfJob,
  tidyStoreHash,
  typedJobId,
} from '../../src/starter/names.ts';

const SHA = '08b86c3c9c1f';

test.each([
  ['abc123', 'abc123'],
  [' abc123 ', 'abc123'],
  ['https://api.bigcommerce.com/stores/abc123/v3/', 'abc123'],
  ['https://api.bigcommerce.com/stores/abc123', 'abc123'],
  ['stores/abc123/v3/customers?id:in=1', 'abc123'],
])('%p is the store %s', (typed, hash) => {
  expect(tidyStoreHash(typed)).toBe(hash);
});

test.each(['', 'ABC', 'abc 123', 'https://api.bigcommerce.com/v3/', 'https://x/stores//v3', 'a'.repeat(33)])(
  '%p is not a store hash, and the message says what is',
  (typed) => {
    expect(() => tidyStoreHash(typed)).toThrow('expected a store hash of 1 to 32 lower-case letters and digits, got');
  },
);

test.each([
  ['/data/spring.csv', 'spring-08b86c3c', 'spring-08b86c3c.csv'],
  ['spring.CSV.gz', 'spring-08b86c3c', 'spring-08b86c3c.csv.gz'],
  ['a.b.jsonl', 'a.b-08b86c3c', 'a.b-08b86c3c.jsonl'],
  ['spring.txt', 'spring-08b86c3c', 'spring-08b86c3c.txt'],
  ['spring.xlsx', 'spring.xlsx-08b86c3c', 'spring.xlsx-08b86c3c'],
  ['s3://bucket/deep/key.ndjson', 'key-08b86c3c', 'key-08b86c3c.ndjson'],
  ['Übersicht (März) 2.csv', 'Ubersicht-Marz-2-08b86c3c', 'Ubersicht-Marz-2-08b86c3c.csv'],
  ['客户.csv', 'customers-08b86c3c', 'customers-08b86c3c.csv'],
  ['...csv', 'customers-08b86c3c', 'customers-08b86c3c.csv'],
  [`${'x'.repeat(200)}.json`, `${'x'.repeat(60)}-08b86c3c`, `${'x'.repeat(60)}-08b86c3c.json`],
])('the file %s gives the name %s and the copy %s', (file, name, copy) => {
  expect(defaultJobName(file, SHA)).toBe(name);
  expect(copyName(file, SHA)).toBe(copy);
  expect(checkJobName(name)).toBe(name);
});

test.each(['', '..', '-x', 'a/b', 'a b', 'ü', 'x'.repeat(101)])('%p is not a name for a job', (typed) => {
  expect(() => checkJobName(typed)).toThrow('--name: expected up to 100 letters');
});

test.each([
  ['any-id', undefined, 'any-id'],
  ['customer-updates/abc123/spring', undefined, 'customer-updates/abc123/spring'],
  ['customer-updates/abc123/spring', 'abc123', 'customer-updates/abc123/spring'],
  ['spring', 'abc123', 'customer-updates/abc123/spring'],
  ['spring', 'https://api.bigcommerce.com/stores/abc123/v3/', 'customer-updates/abc123/spring'],
])('%s with the store %s is the job %s', (typed, store, id) => {
  expect(typedJobId(typed, store)).toBe(id);
});

test.each([
  ['customer-updates/abc123/spring', 'abc123'],
  ['customer-updates/abc123/a/b', 'abc123'],
  ['customer-updates-store/abc123', undefined],
  ['mine', undefined],
])('the store of the job %s is %s', (id, store) => {
  expect(storeOfJob(id)).toBe(store);
});

test('a schedule has a name that leaves room for the time, and for what undo and retry add', () => {
  const longest = 'x'.repeat(70);
  expect(checkScheduleName(longest)).toBe(longest);
  expect(checkJobName(`${longest}-2026-11-30T02:30:00Z-retry`)).toContain('-retry');
  for (const typed of ['', 'a/b', `${longest}x`]) {
    expect(() => checkScheduleName(typed)).toThrow("Expected a schedule's name of up to 70 letters");
  }
});
