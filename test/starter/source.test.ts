import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Session } from '../../src/starter/session.ts';
import { openStartSource, retrySource } from '../../src/starter/source.ts';
import { openStorage } from '../../src/storage/open.ts';

const CSV = 'id,notes\n1,hello\n2,there\n';
const SHA = createHash('sha256').update(CSV).digest('hex').slice(0, 8);
const { signal } = new AbortController();

let folder: string;
const open = (argument: string) => openStartSource(argument, undefined, folder, signal);
const session = { openJobStore: () => openStorage(`file:${folder}/jobs`, '/') } as unknown as Session;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'source-'));
  await writeFile(join(folder, 'spring.csv'), CSV);
});
afterEach(() => rm(folder, { recursive: true }));

test('a file is copied whole into the job store, readable by its owner only, under a name made from its content', async () => {
  const source = await open('spring.csv');
  expect(source.jobName).toBe(`spring-${SHA}`);
  const { uri } = (await source.make(session, 'abc123', source.jobName)) as { uri: string };
  expect(uri).toBe(`file://${folder}/jobs/sources/copies/abc123/spring-${SHA}/spring-${SHA}.csv`);
  expect(await readFile(new URL(uri), 'utf8')).toBe(CSV);
  expect((await stat(new URL(uri))).mode & 0o777).toBe(0o600);
  expect(source.is(uri)).toBe(true);
});

test('a file with other content is another job', async () => {
  const source = await open('spring.csv');
  await writeFile(join(folder, 'jobs.csv'), CSV);
  expect((await open('jobs.csv')).jobName).not.toBe(source.jobName);
  const { uri } = (await source.make(session, 'abc123', 'mine')) as { uri: string };
  await writeFile(join(folder, 'spring.csv'), `${CSV}3,more\n`);
  const changed = await open('spring.csv');
  expect(changed.jobName).not.toBe(source.jobName);
  expect(changed.is(uri)).toBe(false);
});

test.each([
  [{}, '2 customers'],
  [{ limit: 1 }, '1 of 2 customers'],
  [{ limit: 5 }, '2 customers'],
])('with %j it counts %s, also through a link', async (options, words) => {
  await symlink(join(folder, 'spring.csv'), join(folder, 'link.csv'));
  expect(await (await open('spring.csv')).count(options)).toBe(words);
  expect(await (await open('link.csv')).count(options)).toBe(words);
});

test('a file that changes while it is being copied starts nothing', async () => {
  const source = await open('spring.csv');
  await writeFile(join(folder, 'spring.csv'), 'id,notes\n9,other\n');
  await expect(source.make(session, 'abc123', 'mine')).rejects.toThrow(/changed while it was being copied/);
  await expect(stat(join(folder, 'jobs/sources/copies/abc123/mine', `spring-${SHA}.csv`))).rejects.toThrow('ENOENT');
});

test.each([
  ['file:///data/spring.csv', 'file:///other/spring.csv'],
  ['s3://bucket/my data%/ü/spring.csv', 's3://bucket/my data%/u/spring.csv'],
])('the URI %s is passed on as it is, and makes the name', async (uri, other) => {
  const source = await open(uri);
  expect(source.jobName).toBe(`spring-${createHash('sha256').update(uri).digest('hex').slice(0, 8)}`);
  expect(await source.make(session, 'abc123', source.jobName)).toEqual({ uri });
  expect(source.is(uri)).toBe(true);
  expect(source.is(other)).toBe(false);
});

test('what two jobs with the same id left, one after the other, is not the same', () => {
  const id = 'customer-updates/abc/spring';
  const left = retrySource({ id, firstRunId: 'first' }, 3);
  expect(left.is(retrySource({ id, firstRunId: 'first' }, 3).words)).toBe(true);
  expect(left.is(retrySource({ id, firstRunId: 'second' }, 3).words)).toBe(false);
});
