import { CancelledFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { lookUpPage } from '../../src/activities/look-up-page.ts';
import type { StoreParts } from '../../src/activities/store-activities.ts';
import { Attempt } from '../../src/bigcommerce/attempt.ts';
import { Draining, Throttled, Unavailable } from '../../src/bigcommerce/errors.ts';
import type { Finding, Found, FoundValues, Permit } from '../../src/bigcommerce/store.ts';
import type { PageOutcome, PageRef } from '../../src/contract/activities.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import { knownHash, writeKnown } from '../../src/jobs/known.ts';
import { LookUpFiles } from '../../src/jobs/look-ups.ts';
import { PageReader } from '../../src/jobs/pages.ts';
import { prepare } from '../../src/jobs/prepare.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { inline, newStorage } from '../jobs/support.ts';

const job = { storeHash: 'abc', key: 'run-1' };
const keys = jobKeys(job);
const permit = { draining: new AbortController().signal } as Permit;
const ref: PageRef = { job, page: 0, asked: [[0, 3]], match: 'id', skipUnchanged: true, dryRun: false };

let storage: Storage;
/** Ids of each question. */
let asked: (readonly number[])[];
/** What the store says of a customer. */
let says: (id: number) => Found;
/** The error with which the next questions end, once this many customers are found. */
let ends: { after: number; error: (attempt: Attempt) => Error }[];
let lookUps: LookUpFiles;

const found = (id: number, notes: string): Found => ({ kind: 'found', customer: { id, notes, company: 'c' } });

beforeEach(async () => {
  storage = await newStorage();
  lookUps = new LookUpFiles(storage, new PageReader(storage));
  asked = [];
  ends = [];
  says = (id) => found(id, id <= 20 ? 'new' : 'old');
  const rows = Array.from({ length: 25 }, (_, index) => ({ id: index + 1, notes: 'new' }));
  await prepare({ storage, keys, records: inline(rows), limit: null });
});

async function findById({ ids, onFound, ...options }: Finding<number> & { ids: number[] }): Promise<void> {
  asked.push(ids);
  const attempt = new Attempt(options);
  attempt.tally.reads++;
  const end = ends.shift();
  for (const id of ids.slice(0, end?.after)) onFound?.(id, says(id));
  if (end) throw end.error(attempt);
}

/** Each has the number in his address as his id. */
async function findByEmail({ emails, onFound }: Finding<string> & { emails: string[] }): Promise<void> {
  for (const email of emails) onFound?.(email, says(Number(/\d+/.exec(email)?.[0])));
}

function run(about: Partial<PageRef> = {}, environment = new MockActivityEnvironment()): Promise<PageOutcome> {
  const parts = {
    store: { concurrency: () => 3, findById, findByEmail },
    permit,
    lookUps,
    storage,
  } as unknown as StoreParts;
  return environment.run<[StoreParts, PageRef], PageOutcome, typeof lookUpPage>(lookUpPage, parts, {
    ...ref,
    ...about,
  });
}

/** Of whom which values are asked for. */
interface AskedValues {
  customers: readonly number[];
  attributes: readonly number[];
}

describe('rows that set attributes', () => {
  let askedValues: AskedValues[];
  let valuesEnd: { after: number; error: (attempt: Attempt) => Error }[];

  beforeEach(async () => {
    [askedValues, valuesEnd] = [[], []];
    storage = await newStorage();
    lookUps = new LookUpFiles(storage, new PageReader(storage));
    const rows = Array.from({ length: 25 }, (_, index) => ({
      ...{ id: index + 1, notes: 'new' },
      ...(index < 20 && { [`attribute_id:${1 + (index % 2)}`]: 'x' }),
    }));
    await prepare({ storage, keys, records: inline(rows), limit: null });
  });

  async function findAttributeValues({
    customers,
    attributes,
    onFound,
    ...options
  }: Finding<number, FoundValues> & AskedValues): Promise<void> {
    askedValues.push({ customers, attributes });
    const attempt = new Attempt(options);
    attempt.tally.reads++;
    const end = valuesEnd.shift();
    for (const customer_id of customers.slice(0, end?.after)) {
      const values = attributes.map((attribute_id) => ({ id: 9, customer_id, attribute_id, attribute_value: 'x' }));
      onFound?.(
        customer_id,
        customer_id === 2 ? { kind: 'unreadable', message: '500' } : { kind: 'found', values: values.slice(0, 1) },
      );
    }
    if (end) throw end.error(attempt);
  }

  const lookUp = (about: Partial<PageRef> = {}, environment = new MockActivityEnvironment()) => {
    const store = { concurrency: () => 3, findById, findAttributeValues };
    const parts = { store, permit, lookUps, storage } as unknown as StoreParts;
    return environment.run<[StoreParts, PageRef], PageOutcome, typeof lookUpPage>(lookUpPage, parts, {
      ...ref,
      ...about,
    });
  };

  test('have the values of theirs asked for, of customers who are there', async () => {
    says = (id) => (id === 1 ? { kind: 'unknown' } : found(id, 'new'));
    expect(await lookUp()).toMatchObject({ chunks: 2, lastSize: 1, unchanged: 14, reads: 2 });
    expect(askedValues).toEqual([{ customers: Array.from({ length: 19 }, (_, n) => n + 2), attributes: [2, 1] }]);
    const { rows, key } = await lookUps.asked(keys, 0, ref.asked);
    const kept = (await lookUps.find(keys, key))?.rows;
    const before = rows.slice(0, 4).map(({ row }) => kept?.get(row)?.before);
    expect(before).toEqual([
      null,
      { notes: 'new' },
      { notes: 'new', attributes: { 1: null } },
      { notes: 'new', attributes: { 2: 'x' } },
    ]);
  });

  test('take calls of their own, as a dry run says of what it would send', async () => {
    const trial = (skipUnchanged: boolean) => lookUp({ dryRun: true, skipUnchanged });
    expect(await trial(false)).toMatchObject({ chunks: 3, callsToSend: 5 });
    lookUps = new LookUpFiles((storage = await newStorage()), new PageReader(storage));
    const rows = [4, 6].map((id) => ({ id, notes: 'new', 'attribute_id:2': 'y' }));
    await prepare({ storage, keys, records: inline(rows), limit: null });
    expect(await lookUp({ dryRun: true, asked: [[0, 1]] })).toMatchObject({ chunks: 1, lastSize: 2, callsToSend: 1 });
  });

  test('are not asked for again if an attempt was throttled in between', async () => {
    valuesEnd = [{ after: 15, error: (attempt) => new Throttled('429', attempt, 100) }];
    await expect(lookUp({}, quiet())).rejects.toMatchObject({ type: 'Throttled' });
    expect(await lookUp()).toMatchObject({ reads: 1 });
    expect([asked.length, askedValues[1]?.customers]).toEqual([1, [2, 16, 17, 18, 19, 20]]);
  });
});

const quiet = (info = {}) => new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });

test('asks for the customers of a page, and says which chunks are left to be sent', async () => {
  expect(await run()).toEqual({
    ...{ chunks: 1, lastSize: 5, unchanged: 20, fallen: [] },
    ...{ calls: 0, reads: 1, throttled: 0, unanswered: 0, attempts: 1, concurrency: 3 },
  });
  expect(await run({ asked: [[0, 2]], skipUnchanged: false })).toMatchObject({ chunks: 2, lastSize: 10, unchanged: 0 });
  expect(asked.map(({ length }) => length)).toEqual([25, 20]);
});

test('asks for nobody once that was done: what was found stands, because the store may have what the job has sent', async () => {
  await run();
  says = (id) => found(id, 'new');
  lookUps = new LookUpFiles(storage, new PageReader(storage));
  expect(await run()).toMatchObject({ chunks: 1, lastSize: 5, unchanged: 20, reads: 0 });
  expect(asked).toHaveLength(1);
});

test('as a probe makes a call even if what was found stands', async () => {
  await run();
  expect(await run({ probe: 'resume' })).toMatchObject({ chunks: 1, reads: 1 });
  expect(asked[1]).toEqual([1]);
});

test('looks rows up again, apart from what stands', async () => {
  await run({ skipUnchanged: false });
  says = (id) => found(id, id === 24 ? 'other' : 'new');
  expect(
    await run({
      asked: [
        [0, 3],
        [1, 3],
      ],
    }),
  ).toMatchObject({ chunks: 1, lastSize: 1, unchanged: 14 });
  expect(asked[1]).toHaveLength(15);
});

test('sends those whom the store does not have or would not show: what it answers to that is what they are told', async () => {
  says = (id) =>
    id === 1 ? { kind: 'unknown' } : id === 2 ? { kind: 'unreadable', message: '500' } : found(id, 'new');
  expect(await run()).toMatchObject({ chunks: 1, lastSize: 2, unchanged: 23 });
  const { rows, key } = await lookUps.asked(keys, 0, ref.asked);
  const kept = (await lookUps.find(keys, key))?.rows;
  expect(rows.slice(0, 3).map(({ row }) => kept?.get(row)?.before)).toEqual([null, undefined, { notes: 'new' }]);
});

test('a dry run compares, and what it has found stands too: its counts and its changes are of one moment', async () => {
  says = (id) => (id === 1 ? { kind: 'unknown' } : found(id, id <= 20 ? 'new' : 'old'));
  const compared = { changed: 5, unchanged: 19, unknown: 1, ambiguous: 0, sameCustomer: 0, unreadable: 0 };
  expect(await run({ dryRun: true })).toMatchObject({ chunks: 1, compared });
  says = (id) => found(id, 'new');
  lookUps = new LookUpFiles(storage, new PageReader(storage));
  expect(await run({ dryRun: true })).toMatchObject({ chunks: 1, compared, reads: 0 });
});

test('by e-mail address: a row falls out whose customer a row of another page names by his id', async () => {
  const rows = Array.from({ length: 1_000 }, (_, index) => ({ email: `c${index + 1}@x.com`, notes: 'new' }));
  await prepare({ storage, keys, records: inline([...rows, { id: 7, notes: 'x' }]), limit: null, match: 'email' });
  says = (id) => found(id, 'old');
  const outcome = await run({ asked: [[0, 100]], match: 'email' });
  expect(outcome).toMatchObject({ chunks: 100, lastSize: 9 });
  expect(outcome.fallen).toMatchObject([{ code: 'same_customer', count: 1 }]);
});

test('by e-mail address: who was renamed by an earlier run of the job is the one whom that knew by the address', async () => {
  const row = { email: 'c1@x.com', new_email: 'c2@x.com' };
  await prepare({ storage, keys, records: inline([row]), limit: null, match: 'email' });
  await writeKnown(storage, keys, BigUint64Array.of(knownHash('c1@x.com', 2)));
  says = (id) => (id === 1 ? { kind: 'unknown' } : found(id, 'old'));
  const ours = { asked: [[0, 1]] as [number, number][], match: 'email' as const };
  expect(await run(ours)).toMatchObject({ chunks: 1, lastSize: 1, fallen: [] });
  expect(JSON.parse((await lookUps.readChunk(keys, 0, ours.asked)).body)).toEqual([{ id: 2, email: 'c2@x.com' }]);
});

test('what an attempt found before it was throttled is not asked for again, and is in no file', async () => {
  ends = [{ after: 20, error: (attempt) => new Throttled('429', attempt, 100) }];
  const failure: unknown = await run({}, quiet()).catch((error: unknown) => error);
  expect(failure).toMatchObject({ type: 'Throttled', nextRetryDelay: 100, details: [{ reads: 1, attempts: 1 }] });
  const { key } = await lookUps.asked(keys, 0, ref.asked);
  expect(await storage.exists(key)).toBe(false);
  expect(await run()).toMatchObject({ chunks: 1, lastSize: 5, unchanged: 20 });
  expect(asked[1]).toEqual([21, 22, 23, 24, 25]);
});

test.each([
  [0, { type: 'Unavailable', nonRetryable: false }],
  [3, { type: 'Unavailable', nonRetryable: true }],
])('after %i tries without an answer, one more ends it as %j', async (unanswered, expected) => {
  ends = [{ after: 0, error: (attempt) => new Unavailable('502', attempt) }];
  const environment = quiet({ heartbeatDetails: { unanswered, reads: unanswered } });
  const failure: unknown = await run({}, environment).catch((error: unknown) => error);
  expect(failure).toMatchObject({ ...expected, details: [{ unanswered: unanswered + 1, reads: unanswered + 1 }] });
});

test('that is cancelled says what it has spent; one that is finished nevertheless returns what it has found', async () => {
  ends = [{ after: 10, error: (attempt) => new Draining('stopped', attempt) }];
  const stopped = new MockActivityEnvironment();
  stopped.cancel();
  const failure: unknown = await run({}, stopped).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(CancelledFailure);
  expect(failure).toMatchObject({ details: [{ reads: 1, attempts: 1 }] });
  const finished = new MockActivityEnvironment();
  finished.cancel();
  expect(await run({}, finished)).toMatchObject({ chunks: 1, unchanged: 20 });
});
