import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { FileStorage } from '../../src/storage/file.ts';
import { openStorage } from '../../src/storage/open.ts';
import { S3Storage } from '../../src/storage/s3.ts';

test.each([
  ['file:./data', '/base/data'],
  ['file:data/store', '/base/data/store'],
  ['file:../data', '/data'],
  ['file:/abs/dir', '/abs/dir'],
  ['file:/abs/dir/', '/abs/dir'],
  ['file:///abs/dir%20with%20spaces', '/abs/dir with spaces'],
  ['file:///abs/a/../b', '/abs/b'],
])('opens %s as the folder %s', async (uri, path) => {
  const storage = await openStorage(uri, '/base');
  expect(storage).toBeInstanceOf(FileStorage);
  expect(storage.root).toBe(pathToFileURL(path).href);
});

test.each([
  ['s3://bucket', 's3://bucket', 's3://bucket/a/b.csv'],
  ['s3://bucket/', 's3://bucket', 's3://bucket/a/b.csv'],
  ['s3://my.bucket-1/a/prefix/', 's3://my.bucket-1/a/prefix', 's3://my.bucket-1/a/prefix/a/b.csv'],
  ['s3://bucket/ü & ä%20#1?', 's3://bucket/ü & ä%20#1?', 's3://bucket/ü & ä%20#1?/a/b.csv'],
])('opens %s as the place %s in S3', async (uri, root, file) => {
  const storage = await openStorage(uri, '/base');
  expect(storage).toBeInstanceOf(S3Storage);
  expect(storage.root).toBe(root);
  expect(storage.uri('a/b.csv')).toBe(file);
  expect(storage.keyOf(file)).toBe('a/b.csv');
});

test.each([
  's3://other/jobs/a',
  's3://bucket/jobs',
  's3://bucket/jobs/',
  's3://bucket/jobs-too/a',
  's3://bucket/a',
  's3://bucket/jobs/../a',
  's3://bucket/jobs/./a',
  's3://bucket/jobs//a',
  'S3://bucket/jobs/a',
  'file:///bucket/jobs/a',
])('s3://bucket/jobs has no key for %s', async (uri) => {
  expect((await openStorage('s3://bucket/jobs', '/')).keyOf(uri)).toBeUndefined();
});

test.each([
  '',
  'data',
  '/abs/dir',
  'https://example.com',
  'file://host/dir',
  'file:///a%2Fb',
  'file:///a?b',
  'file:///a%00',
  's3:',
  's3://',
  's3:///prefix',
  's3:/bucket/prefix',
  's3:bucket',
  's3://buc ket/prefix',
  's3://user:password@bucket/prefix',
  's3://bucket//prefix',
  's3://bucket/../other',
  's3://bucket/a/./b',
])('says what it expects instead of %j', async (uri) => {
  const opened = openStorage(uri, '/base');
  await expect(opened).rejects.toThrow(RangeError);
  await expect(opened).rejects.toThrow(
    'Expected file:./folder, file:///absolute/folder, s3://bucket or s3://bucket/prefix, got',
  );
});

test('loads the AWS SDK for a place in S3 only', () => {
  const script = (uri: string) => `
    import { createRequire } from 'node:module';
    import { openStorage } from ${JSON.stringify(new URL('../../dist/storage/open.js', import.meta.url).href)};
    await openStorage(${JSON.stringify(uri)}, '/');
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    console.log(loaded.some((path) => path.includes('@aws-sdk')));`;
  const loads = (uri: string) =>
    execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', script(uri)], { encoding: 'utf8' });
  expect(loads('file:./data')).toBe('false\n');
  expect(loads('s3://bucket')).toBe('true\n');
});
