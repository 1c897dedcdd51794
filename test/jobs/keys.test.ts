import { jobKeys, SOURCE_COPIES, sourceCopyKey } from '../../src/jobs/keys.ts';
import { checkKey } from '../../src/storage/storage.ts';

const job = { storeHash: 'abc123', key: '0190f3a1-7c3e-7000-8000-000000000000' };

test('keeps all files of a job in one folder', () => {
  const keys = jobKeys(job);
  const folder = `jobs/abc123/${job.key}`;
  expect([keys.page(0), keys.page(1999), keys.failures('run-2'), keys.report, keys.retry, keys.done]).toEqual([
    `${folder}/pages/000000.ndjson`,
    `${folder}/pages/001999.ndjson`,
    `${folder}/failures/run-2.ndjson`,
    `${folder}/report.csv`,
    `${folder}/retry.ndjson`,
    `${folder}/done.json`,
  ]);
});

test.each(['', '..', 'a/b', 'a b', 'a.b', 'a\n', 'x'.repeat(65)])('takes no job key or file name such as %j', (key) => {
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

test('takes no name for a copy that would lead out', () => {
  expect(() => checkKey(sourceCopyKey('abc123', '..', '..'))).toThrow(RangeError);
  expect(() => sourceCopyKey('../x', 'a', 'a')).toThrow(RangeError);
});
