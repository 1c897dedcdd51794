import { CHUNKS_PER_PAGE } from '../../src/contract/activities.ts';
import { addressKey } from '../../src/contract/address.ts';
import { NO_LOOK_UPS } from '../../src/contract/look-ups.ts';
import { encodeRuns } from '../../src/contract/outcomes.ts';
import { closeJob, purgeJob } from '../../src/jobs/close.ts';
import { takeOver } from '../../src/jobs/earlier-runs.ts';
import { jobKeys, latestRunKey } from '../../src/jobs/keys.ts';
import type { FoundCustomer, KeyedRow } from '../../src/jobs/keyed-rows.ts';
import { knew, readKnown } from '../../src/jobs/known.ts';
import { look } from '../../src/jobs/look-up.ts';
import { LookUpFiles } from '../../src/jobs/look-ups.ts';
import { newSet, PageReader } from '../../src/jobs/pages.ts';
import { prepare } from '../../src/jobs/prepare.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { all, inline, newStorage } from './support.ts';

const storeHash = 'abc';
const ID = 'customer-updates/abc/renames';
const ROWS = Array.from({ length: 2_030 }, (_, index): KeyedRow => ({
  email: `Old${index + 1}@x.com`,
  new_email: `new${index + 1}@x.com`,
}));

let storage: Storage;

beforeEach(async () => {
  storage = await newStorage();
});

const keysOf = (key: string) => jobKeys({ storeHash, key });

/** Prepares a run of these rows, as prepareJob does. */
async function begin(key: string, rows = ROWS) {
  const keys = await newSet(storage, keysOf(key));
  const onRenames = (chunksToSend: number) => takeOver(storage, ID, { storeHash, key, set: keys.set, chunksToSend });
  const { failures, olderIn, ...plan } = await prepare({
    ...{ storage, keys, records: inline(rows), limit: null, match: 'email', onRenames },
  });
  return { key, keys, rows, plan, failures, olderIn };
}

/** Looks these pages up at a store where each customer has the address of his row. */
async function lookUp({ keys, plan }: Awaited<ReturnType<typeof begin>>, pages: number[]) {
  const files = new LookUpFiles(storage, new PageReader(storage));
  for (const page of pages) {
    const { rows, key } = await files.asked(keys, page, [
      [0, Math.min(CHUNKS_PER_PAGE, plan.chunks - CHUNKS_PER_PAGE * page)],
    ]);
    const found = rows.map(({ values: { email = '' }, row }): [string, FoundCustomer] => [
      addressKey(email),
      { kind: 'found', customer: { id: row, email } },
    ]);
    const how = {
      match: 'email',
      from: 0,
      skipUnchanged: false,
      dryRun: false,
      isNamed: () => false,
      knew: () => false,
    } as const;
    await files.keep(keys, key, { at: 1, match: 'email', rows: look(rows, new Map(found), how) });
  }
}

/** Ends a run whose chunks are all unprocessed. */
async function end({ key, keys, rows, plan, failures, olderIn }: Awaited<ReturnType<typeof begin>>) {
  await closeJob(storage, key, {
    ...{ job: { storeHash, key, set: keys.set }, id: ID, source: { customers: rows }, isLastTry: false },
    readAgain: async () => inline(rows),
    options: {
      ...{ dryRun: false, limit: null, reportAll: false, backup: false, skipUnchanged: false, blankCells: 'keep' },
      match: 'email',
    },
    ...{ plan, outcomes: encodeRuns(new Uint16Array(plan.chunks)), lookUps: NO_LOOK_UPS },
    ...{ olderIn, failures, maybeSent: [] },
  });
}

/** The rows whose customers a run knows by their old addresses. */
async function knownTo(key: string): Promise<number[]> {
  const known = await readKnown(storage, keysOf(key));
  return ROWS.flatMap(({ email = '' }, index) => (knew(known, addressKey(email), index + 1) ? [index + 1] : []));
}

const rows = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

test('a run knows whom the one before it had looked up, although its look-ups are deleted', async () => {
  const first = await begin('run-1');
  await lookUp(first, [0]);
  await end(first);
  expect(await storage.exists(first.keys.page(0))).toBe(false);
  await begin('run-2');
  expect(await knownTo('run-2')).toEqual(rows(1, 2_000));
  const known = await readKnown(storage, keysOf('run-2'));
  expect([knew(known, 'old1@x.com', 2), knew(known, 'new1@x.com', 1)]).toEqual([false, false]);
});

test('and so if that one was terminated, and has not ended by itself', async () => {
  await lookUp(await begin('run-1'), [0, 1]);
  await begin('run-2');
  expect(await knownTo('run-2')).toEqual(rows(1, 2_030));
});

test('and what that one knew by the ones before', async () => {
  const first = await begin('run-1');
  await lookUp(first, [0]);
  await end(first);
  const second = await begin('run-2', ROWS.slice(2_000));
  await end(second);
  await begin('run-3');
  expect(await knownTo('run-3')).toEqual(rows(1, 2_000));
});

test('a second attempt, or a run that a reset made, loses nothing of it', async () => {
  const first = await begin('run-1');
  await lookUp(first, [0]);
  await end(first);
  await begin('run-2');
  await begin('run-2');
  expect(await knownTo('run-2')).toEqual(rows(1, 2_000));
  await begin('run-1');
  expect(await knownTo('run-1')).toEqual(rows(1, 2_000));
});

test('what is known has no address, and purge deletes it', async () => {
  const first = await begin('run-1');
  await lookUp(first, [0]);
  await end(first);
  const bytes = Buffer.concat(await all(storage.read(first.keys.known)));
  expect([bytes.length, bytes.includes('x.com')]).toEqual([16_000, false]);
  expect(await storage.exists(latestRunKey(storeHash, ID))).toBe(true);
  await purgeJob(storage, { storeHash, key: 'run-1' }, ID);
  expect(await storage.exists(latestRunKey(storeHash, ID))).toBe(false);
  await begin('run-2');
  expect(await knownTo('run-2')).toEqual([]);
});

test('a damaged look-up keeps no run from beginning', async () => {
  const first = await begin('run-1');
  await lookUp(first, [0]);
  const files = new LookUpFiles(storage, new PageReader(storage));
  const { key } = await files.asked(first.keys, 0, [[0, CHUNKS_PER_PAGE]]);
  await storage.write(key, ['{"at":1}\n[1,0,\n']);
  await begin('run-2');
  expect(await knownTo('run-2')).toEqual([]);
});

test('a job that gives no new addresses leaves nothing of this', async () => {
  const run = await begin('run-1', [
    { email: 'a@x.com', notes: 'n' },
    { email: 'b@x.com', new_email: 'B@x.com' },
  ]);
  await end(run);
  expect([await storage.exists(run.keys.known), await storage.exists(latestRunKey(storeHash, ID))]).toEqual([
    false,
    false,
  ]);
});
