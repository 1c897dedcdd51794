import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CHUNKS_PER_PAGE } from '../../src/contract/activities.ts';
import type { Failure } from '../../src/contract/job.ts';
import { backUpAllRead } from '../../src/jobs/backup.ts';
import { closeJob, purgeJob } from '../../src/jobs/close.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import { prepare } from '../../src/jobs/prepare.ts';
import type { Row, Values } from '../../src/jobs/fields.ts';
import { LookUps, NO_LOOK_UPS, type Places } from '../../src/contract/look-ups.ts';
import { type ChunkCode, encodeChunk, encodeRuns } from '../../src/contract/outcomes.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { textOf } from '../storage/conformance.ts';
import { inline, lookUp, newStorage } from './support.ts';

const job = { storeHash: 'abc', key: 'run-1' };
const ID = 'customer-updates/abc/job';
const keys = jobKeys(job);
const DONE: ChunkCode = { state: 'done', rejected: 0, failed: 0, attempts: 1 };
const UNPROCESSED: ChunkCode = { state: 'unprocessed', rejected: 0, failed: 0, attempts: 0 };
const OPTIONS = {
  dryRun: false,
  limit: null,
  reportAll: false,
  backup: true,
  skipUnchanged: false,
  blankCells: 'keep',
  match: 'id',
} as const;

let storage: Storage;

beforeEach(async () => {
  storage = await newStorage();
});

const rows = (count: number): Row[] => Array.from({ length: count }, (_, index) => ({ id: index + 1, notes: 'new' }));
const old = (id: number) => ({ id, notes: `old ${id}` });

/** A job of these rows that has looked up the first page, and whose chunks ended like this. */
async function ended(
  source: Row[],
  chunks: ChunkCode[],
  more: Partial<Parameters<typeof closeJob>[2]> = {},
  has: (id: number) => Values | null | undefined = old,
) {
  await storage.writeOnce(keys.taken(0), '');
  const { failures: _, ...plan } = await prepare({ storage, keys, records: inline(source), limit: null });
  const asked: Places = [0, Math.min(CHUNKS_PER_PAGE, plan.chunks)];
  const { skipUnchanged } = more.options ?? OPTIONS;
  const left = await lookUp(storage, keys, { asked: [asked], skipUnchanged }, (id) => (id < 900 ? has(id) : null));
  const lookUps = new LookUps(NO_LOOK_UPS);
  lookUps.add(0, { asked, ...left });
  const outcomes = encodeRuns(chunks.map(encodeChunk));
  return {
    job,
    id: ID,
    source: { customers: [] },
    options: OPTIONS,
    readAgain: async () => inline(source),
    isLastTry: false,
    plan,
    outcomes,
    lookUps: lookUps.carry(),
    olderIn: null,
    failures: [],
    maybeSent: [],
    ...more,
  };
}

const backup = async () =>
  (await textOf(storage, keys.backup))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);

async function files(): Promise<string[]> {
  const entries = await readdir(fileURLToPath(storage.root), { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => (entry.isFile() ? [entry.name] : [])).sort();
}

const failure = (row: number, outcome: Failure['outcome']): Failure => {
  return { row, line: null, id: row, outcome, code: 'unavailable', message: 'm' };
};

test('has the earlier values of customers that were or may have been updated; the files of values read are deleted', async () => {
  const chunks = [{ ...DONE, rejected: 1, failed: 1 }, DONE, UNPROCESSED, UNPROCESSED];
  const failures = [failure(2, 'rejected'), failure(3, 'failed')];
  const closed = await closeJob(storage, 'r', await ended(rows(40), chunks, { failures, maybeSent: [3] }));
  expect(closed).toMatchObject({ backup: storage.uri(keys.backup), notInBackup: 0 });
  const ids = rows(40).flatMap(({ id }) => (id === 2 || (id > 20 && id <= 30) ? [] : [id]));
  expect(await backup()).toEqual(ids.map(old));
  expect(await files()).toEqual(['0', 'done.json', 'fix.ndjson', 'report.csv', 'retry.ndjson', 'run-1.ndjson']);
});

test('has what was taken of a customer whose attributes were not all taken, by id in a form that is no name', async () => {
  const attributes = { 'attribute_id:1': 'Gold', 'attribute_id:2': '5' };
  const source = [
    { id: 1, notes: 'n', ...attributes },
    { id: 2, notes: 'n', ...attributes },
    { id: 3, 'attribute_id:1': 'Gold' },
    { id: 4, notes: 'n', 'attribute_id:1': null },
  ];
  const has = (id: number) => ({ id, notes: 'old', attributes: { 1: null, 2: '4' } });
  const failures: Failure[] = [
    { ...failure(2, 'rejected'), code: 'attributes_rejected', attributes: [1] },
    { ...failure(3, 'rejected'), code: 'attributes_rejected', attributes: [1] },
    { ...failure(4, 'failed') },
  ];
  const closed = await closeJob(
    storage,
    'r',
    await ended(source, [{ ...DONE, rejected: 2, failed: 1 }], { failures }, has),
  );
  expect(closed.notInBackup).toBe(0);
  expect(await backup()).toEqual([
    { id: 1, notes: 'old', 'attribute_id:1': null, 'attribute_id:2': '4' },
    { id: 2, notes: 'old', 'attribute_id:2': '4' },
    { id: 4, notes: 'old', 'attribute_id:1': null },
  ]);
  expect(JSON.parse(await textOf(storage, keys.retry))).toEqual(source[3]);
});

test('leaves out customers who already had all values, and counts those that it cannot restore in full', async () => {
  const source = [
    { id: 1, notes: 'new' },
    { id: 2, authentication: { new_password: 'x' }, notes: 'n' },
    { id: 901, notes: 'n' },
  ];
  const has = (id: number) => ({ id, notes: id === 1 ? 'new' : 'old' });
  const closed = await closeJob(storage, 'r', await ended(source, [DONE], {}, has));
  expect(closed.notInBackup).toBe(2);
  expect(await backup()).toEqual([{ id: 2, notes: 'old' }]);
  expect(await textOf(storage, keys.backup)).not.toContain('password');
});

test('whoever failed in a look-up is to be sent again, although no chunk of his page is open', async () => {
  const none = { ...DONE, state: 'none' } as const;
  const about = { failures: [failure(3, 'failed')], options: { ...OPTIONS, skipUnchanged: true } };
  const job = await ended(rows(20), [none, none], about, (id) => rows(20)[id - 1]);
  await closeJob(storage, 'r', job);
  expect(await textOf(storage, keys.retry)).toBe(`${JSON.stringify(rows(20)[2])}\n`);
});

test('puts an address back in its case, though another one is no change', async () => {
  const source = [1, 2].map((id) => ({ id, email: `A${id}@X.com` }));
  const has = (id: number) => ({ id, email: `${id === 1 ? 'a' : 'A'}${id}@X.com` });
  await closeJob(storage, 'r', await ended(source, [DONE], {}, has));
  expect(await backup()).toEqual([{ id: 1, email: 'a1@X.com' }]);
});

test('is not written if nothing was changed or no backup was requested', async () => {
  const nothing = await closeJob(storage, 'r', await ended(rows(2), [UNPROCESSED]));
  expect(nothing).toMatchObject({ backup: null, notInBackup: 0 });
  const options = { ...OPTIONS, backup: false, skipUnchanged: true, reportAll: true };
  const closed = await closeJob(storage, 'r2', await ended(rows(2), [DONE], { options }));
  expect(closed).toEqual({ report: storage.uri(keys.report), retry: null, fix: null, changes: null, notes: [] });
  expect(await files()).toEqual(['0', 'done.json', 'report.csv']);
});

test('counts customers whose page, or what was looked up for it, is gone: the report does not say that they were updated', async () => {
  const job = await ended(rows(30), [{ ...DONE, rejected: 1 }, DONE, UNPROCESSED], {
    failures: [failure(2, 'rejected')],
  });
  await storage.deleteBelow(`${keys.folder}/look-ups`);
  expect(await closeJob(storage, 'r', job)).toMatchObject({ backup: null, notInBackup: 29 });
  const report = (await textOf(storage, keys.report)).trim().split('\n').slice(1);
  expect(report).toHaveLength(30);
  expect(report.filter((line) => /failed,unavailable,What became of it is not known/.test(line))).toHaveLength(29);
  expect((await textOf(storage, keys.retry)).trim().split('\n')).toHaveLength(29);

  const again = await ended(rows(30), [DONE, DONE, DONE]);
  await storage.delete(keys.page(0));
  expect(await closeJob(storage, 'r2', again)).toMatchObject({ notInBackup: 30 });
});

test('of customers that were looked up again has the values that were overwritten, and those of a reset run the first ones', async () => {
  const again = async (wasReset: boolean) => {
    storage = await newStorage();
    const job = await ended(rows(30), [DONE, DONE, DONE]);
    const asked: Places[] = [
      [0, 3],
      [1, 3],
    ];
    const later = (id: number) => ({ id, notes: `later ${id}` });
    const lookUps = new LookUps(job.lookUps);
    lookUps.add(0, { asked: [1, 3], ...(await lookUp(storage, keys, { asked }, later)) });
    await closeJob(storage, 'r', { ...job, wasReset, lookUps: lookUps.carry() });
    return (await backup()).map(({ notes }) => notes);
  };
  const numbers = Array.from({ length: 30 }, (_, index) => index + 1);
  expect(await again(false)).toEqual(numbers.map((id) => (id <= 10 ? `old ${id}` : `later ${id}`)));
  expect(await again(true)).toEqual(numbers.map((id) => `old ${id}`));
});

test('of customers whom the store would not show has nothing, and they are counted', async () => {
  const closed = await closeJob(
    storage,
    'r',
    await ended(rows(2), [DONE], {}, (id) => (id === 1 ? undefined : old(id))),
  );
  expect(closed.notInBackup).toBe(1);
  expect(await backup()).toEqual([old(2)]);
});

test('does not count customers of a page that was never read: nothing from it was sent', async () => {
  const chunks = Array.from({ length: 202 }, (_, chunk) => (chunk === 0 ? DONE : UNPROCESSED));
  const closed = await closeJob(storage, 'r', await ended(rows(2_020), chunks, { maybeSent: [1, 200, 201] }));
  expect(closed.notInBackup).toBe(0);
  expect(await backup()).toEqual(rows(20).map(({ id }) => old(id)));
  const report = (await textOf(storage, keys.report)).split('\n');
  expect(report.filter((line) => line.includes('may have been sent'))).toHaveLength(10);
});

test('keeps its entries, whatever a job that is reset after its end finds', async () => {
  await closeJob(storage, 'r', await ended(rows(20), [DONE, UNPROCESSED]));
  const ours = (id: number) => (id <= 10 ? { id, notes: 'ours' } : old(id));
  const closed = await closeJob(storage, 'r2', await ended(rows(20), [DONE, DONE], {}, ours));
  expect(closed.backup).toBe(storage.uri(keys.backup));
  expect(await backup()).toEqual(rows(20).map(({ id }) => old(id)));
});

test('of a job that was reset has every customer it had read: it may have sent them before', async () => {
  const chunks = [DONE, UNPROCESSED, UNPROCESSED];
  await closeJob(storage, 'r2', await ended(rows(30), chunks, { wasReset: true }));
  expect(await backup()).toEqual(rows(30).map(({ id }) => old(id)));
  const report = (await textOf(storage, keys.report)).split('\n');
  expect(report.filter((line) => line.includes('may have been sent: the job was reset'))).toHaveLength(20);
});

test('of a job that was reset and ended before it had read its source again has them too', async () => {
  const { plan: was, ...job } = await ended(rows(30), [DONE, DONE, UNPROCESSED]);
  const plan = { ...was, total: 0, valid: 0, chunks: 0, chunksToSend: 0, gaps: '' };
  const closed = await closeJob(storage, 'r2', { ...job, plan, outcomes: '' });
  expect(closed.backup).toBe(storage.uri(keys.backup));
  expect(await backup()).toEqual(rows(30).map(({ id }) => old(id)));
  expect(await files()).toEqual(['0', 'done.json', 'report.csv', 'run-1.ndjson']);
});

test('of a job that could not write it has every customer it had read, except those who already had all values', async () => {
  const has = (id: number) => (id === 5 ? { id, notes: 'new' } : old(id));
  const { plan } = await ended(
    rows(2_015),
    Array.from({ length: 202 }, () => DONE),
    {},
    has,
  );
  expect(plan.chunks).toBe(202);
  const written = await backUpAllRead(storage, keys, null);
  expect(written).toEqual({ backup: storage.uri(keys.backup), notInBackup: 1_101 });
  const ids = rows(899).flatMap(({ id }) => (id === 5 ? [] : [id]));
  expect(await backup()).toEqual(ids.map(old));
  expect(await backUpAllRead(await newStorage(), keys, null)).toEqual({ backup: null, notInBackup: 0 });
});

test('of a job with a limit that could not write it has those it had looked up', async () => {
  const { failures: _, ...plan } = await prepare({ storage, keys, records: inline(rows(40)), limit: 15 });
  await storage.writeOnce(keys.taken(0), '');
  await lookUp(storage, keys, { asked: [[0, plan.chunksToSend]] }, old);
  await backUpAllRead(storage, keys, 15);
  expect(await backup()).toEqual(rows(15).map(({ id }) => old(id)));
});

test('is deleted by purge, as is what a terminated job had read', async () => {
  await closeJob(storage, 'r', await ended(rows(20), [DONE, DONE]));
  expect(await purgeJob(storage, job, ID)).toBe(4);
  await ended(rows(20), [DONE, DONE]);
  await purgeJob(storage, job, ID);
  expect(await files()).toEqual([]);
});
