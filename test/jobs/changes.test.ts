import { CHUNKS_PER_PAGE, type NameKind } from '../../src/contract/activities.ts';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import { changesOf, compare } from '../../src/jobs/changes.ts';
import { closeJob, purgeJob } from '../../src/jobs/close.ts';
import { backUpAllRead } from '../../src/jobs/backup.ts';
import type { Values } from '../../src/jobs/fields.ts';
import { Groups } from '../../src/jobs/groups.ts';
import { asSource, Attributes } from '../../src/jobs/attributes.ts';
import { saveNames } from '../../src/jobs/names-file.ts';
import { type JobKeys, jobKeys } from '../../src/jobs/keys.ts';
import type { FoundCustomer, KeyedRow } from '../../src/jobs/keyed-rows.ts';
import { look } from '../../src/jobs/look-up.ts';
import { LookUpFiles } from '../../src/jobs/look-ups.ts';
import { newSet, PageReader } from '../../src/jobs/pages.ts';
import { prepare } from '../../src/jobs/prepare.ts';
import { NO_LOOK_UPS } from '../../src/contract/look-ups.ts';
import { encodeChunk, encodeRuns } from '../../src/contract/outcomes.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { textOf } from '../storage/conformance.ts';
import { inline, newStorage } from './support.ts';

const job = { storeHash: 'abc', key: 'run-1' };
const ID = 'customer-updates/abc/trial';
const OPTIONS = {
  ...{ dryRun: true, reportAll: false, backup: false, skipUnchanged: false },
  ...({ blankCells: 'keep', match: 'email' } as const),
};

let storage: Storage;
let keys: JobKeys;

beforeEach(async () => {
  storage = await newStorage();
});

/** A dry run of these rows that has looked up all of them, or only the first pages, at a store where this is found. */
async function trial(
  rows: KeyedRow[],
  found: [number | string, FoundCustomer][],
  { limit = null, pages = Infinity, named }: { limit?: number | null; pages?: number; named?: NameKind[] } = {},
) {
  keys = await newSet(storage, jobKeys(job));
  const records = inline(rows);
  const { failures, olderIn, ...plan } = await prepare({ storage, keys, records, limit, match: 'email' });
  const files = new LookUpFiles(storage, new PageReader(storage));
  const compared = [];
  for (let page = 0; page < Math.min(pages, Math.ceil(plan.chunksToSend / CHUNKS_PER_PAGE)); page++) {
    const asked = [[0, Math.min(CHUNKS_PER_PAGE, plan.chunksToSend - CHUNKS_PER_PAGE * page)] as [number, number]];
    const { rows: those, key } = await files.asked(keys, page, asked);
    const how = {
      match: 'email',
      from: 0,
      skipUnchanged: false,
      dryRun: true,
      isNamed: () => false,
      knew: () => false,
    } as const;
    const looked = look(those, new Map(found), how);
    const file = await files.keep(keys, key, { at: 1, match: 'email', dryRun: true, rows: looked });
    compared.push(compare(those, file));
  }
  const outcomes = Array.from({ length: plan.chunks }, () => {
    return encodeChunk({ state: 'unprocessed', rejected: 0, failed: 0, attempts: 0 });
  });
  const close = () =>
    closeJob(storage, 'run-1', {
      ...{ job: { ...job, set: 0, ...(named && { named }) }, id: ID, source: { customers: rows }, isLastTry: false },
      readAgain: async () => inline(rows),
      options: { ...OPTIONS, limit },
      ...{ plan, outcomes: encodeRuns(outcomes), lookUps: NO_LOOK_UPS },
      ...{ olderIn, failures, maybeSent: [] },
    });
  return { compared, close };
}

const customer = (id: number, values: Values): FoundCustomer => ({ kind: 'found', customer: { id, ...values } });
const FOUND: [number | string, FoundCustomer][] = [
  ['a@x.com', customer(1, { email: 'A@x.com', notes: 'old', phone: '' })],
  ['b@x.com', customer(2, { email: 'b@x.com', notes: 'new' })],
  ['c@x.com', { kind: 'unknown' }],
  ['d@x.com', { kind: 'ambiguous', customers: 2 }],
  ['e@x.com', { kind: 'refused', message: 'not an address' }],
  ['f@x.com', customer(1, { email: 'f@x.com', notes: 'old' })],
  [7, { kind: 'unknown' }],
  [8, { kind: 'unreadable', message: '500' }],
];
const ROWS: KeyedRow[] = [
  { email: 'a@x.com', new_email: 'z@x.com', notes: '=1+1', phone: '+49 30' },
  ...['b', 'c', 'd', 'e', 'f'].map((name) => ({ email: `${name}@x.com`, notes: 'new' })),
  ...[7, 8].map((id) => ({ id, notes: 'new' })),
];

const linesOf = async (key: string) => parse(await textOf(storage, key));

test('a row counts by what was found of it', async () => {
  const { compared } = await trial(ROWS, FOUND);
  const counts = { changed: 1, unchanged: 1, unknown: 2, ambiguous: 1, sameCustomer: 1, unreadable: 2 };
  expect(compared).toEqual([counts]);
});

test('changes.csv has a line a changed value, which no spreadsheet runs; only its owner can read it, and purge deletes it', async () => {
  const { close } = await trial(ROWS, FOUND);
  expect((await close()).changes).toBe(storage.uri(keys.changes));
  expect(await textOf(storage, keys.changes)).toBe(
    `row,id,field,before,after
1,1,email,A@x.com,z@x.com
1,1,notes,old,'=1+1
1,1,phone,,'+49 30
`,
  );
  expect((await stat(fileURLToPath(storage.uri(keys.changes)))).mode & 0o777).toBe(0o600);
  await purgeJob(storage, job, ID);
  expect(await storage.exists(keys.changes)).toBe(false);
});

test('the report says of each row that would not be updated why, and what is left can be sent', async () => {
  const { close } = await trial(ROWS, FOUND);
  const { retry } = await close();
  const lines = (await linesOf(keys.report)).slice(1);
  expect(lines.map(([row, , id, outcome]) => [row, id, outcome])).toEqual(
    ['1', '2', '', '', '', '1', '7', '8'].map((id, index) => [String(index + 1), id, 'unprocessed']),
  );
  const dry = 'Not sent: the job was a dry run.';
  expect(lines.map(([, , , , code, message]) => [code, message])).toEqual([
    ['cancelled', dry],
    ['cancelled', dry],
    ['unknown_email', `${dry} No customer has this e-mail address.`],
    ['ambiguous_email', `${dry} 2 customers have this e-mail address. Add the customer's id to the row.`],
    ['rejected', `${dry} not an address`],
    ['same_customer', expect.stringContaining(`${dry} Expected one row a customer`)],
    ['unknown_id', `${dry} There is no customer with this id.`],
    ['cancelled', `${dry} What it would change is not known.`],
  ]);
  expect(retry).not.toBeNull();
});

test('pages are in the order of the rows; what was not looked up has no line, and the report says that nobody knows', async () => {
  const rows = Array.from({ length: 4_500 }, (_, index) => ({ email: `${index + 1}@x.com`, notes: 'new' }));
  const found = rows.map(({ email }, index): [string, FoundCustomer] => [
    email,
    customer(index + 1, { email, notes: (index + 1) % 1_800 === 0 ? 'old' : 'new' }),
  ]);
  const { close } = await trial(rows, found, { pages: 2, limit: 4_200 });
  await close();
  expect((await linesOf(keys.changes)).map(([row]) => row)).toEqual(['row', '1800', '3600']);
  const report = (await linesOf(keys.report)).slice(1);
  const unknown = report.filter(([, , , , , message]) => /What it would change is not known/.test(message as string));
  expect([unknown.length, unknown[0]?.[0], unknown.at(-1)?.[0]]).toEqual([200, '4001', '4200']);
});

test('of attributes whose values could not be read nobody knows what would change', async () => {
  const rows = ['a', 'b'].map((name) => ({ email: `${name}@x.com`, notes: 'new', attributes: { 1: 'Gold' } }));
  const found: typeof FOUND = [
    ['a@x.com', customer(1, { notes: 'old' })],
    ['b@x.com', customer(2, { notes: 'new', attributes: { 1: null } })],
  ];
  const { compared, close } = await trial(rows.map(asSource), found);
  expect(compared).toMatchObject([{ changed: 1, unchanged: 0, unreadable: 1 }]);
  await close();
  expect(await linesOf(keys.changes)).toEqual([expect.anything(), ['2', '2', 'attribute_id:1', '', 'Gold']]);
  expect((await linesOf(keys.report))[1]?.at(-1)).toContain('What it would change is not known.');
});

test('there is no file if nothing would change', async () => {
  const { close } = await trial([{ email: 'b@x.com', notes: 'new' }], FOUND);
  expect((await close()).changes).toBeNull();
  expect(await storage.exists(keys.changes)).toBe(false);
});

test('what a dry run has looked up makes no backup: it has changed nothing', async () => {
  await trial(ROWS, FOUND);
  expect(await backUpAllRead(storage, keys, null)).toEqual({ backup: null, notInBackup: 0 });
});

test('groups are named where the job knows their names', async () => {
  const found: typeof FOUND = [['a@x.com', customer(1, { customer_group_id: 0 })]];
  const { close } = await trial([{ email: 'a@x.com', customer_group_id: 4 }], found, { named: ['groups'] });
  await saveNames(storage, { ...job, named: ['groups'] }, { groups: [{ id: 4, name: 'VIP, gold' }] });
  await close();
  expect((await linesOf(keys.changes))[1]).toEqual(['1', '1', 'customer_group_id', 'No group', 'VIP, gold (id 4)']);
});

test.each<[string, Values, Values, [string, string, string][]]>([
  ['a text', { notes: 'a\n"b"' }, { notes: null }, [['notes', '', 'a\n"b"']]],
  ['a value that the store did not return', { company: 'C' }, {}, [['company', '', 'C']]],
  ['blank text that is there already', { company: '' }, { company: null }, []],
  [
    'yes or no',
    { accepts_product_review_abandoned_cart_emails: true },
    { accepts_product_review_abandoned_cart_emails: false },
    [['accepts_product_review_abandoned_cart_emails', 'no', 'yes']],
  ],
  ['a group', { customer_group_id: 12 }, { customer_group_id: 3 }, [['customer_group_id', '3', '12']]],
  [
    'store credit',
    { store_credit_amounts: [{ amount: 12.5 }] },
    { store_credit_amounts: [{ id: 5, amount: 3 }, { amount: 4 }] },
    [['store_credit_amounts', '3, 4', '12.5']],
  ],
  ['channels', { channel_ids: [2, 1] }, { channel_ids: null }, [['channel_ids', 'all channels', '2, 1']]],
  [
    'form fields, each on a line of its own and without those that stay',
    {
      form_fields: [
        { name: 'Size', value: 'XL' },
        { name: 'Same', value: 5 },
        { name: 'Likes', value: ['tea', 'no. 1'] },
      ],
    },
    {
      form_fields: [
        { name: 'Size', value: 'S' },
        { name: 'Same', value: '5' },
        { name: 'Other', value: 'x' },
      ],
    },
    [
      ['form:Size', 'S', 'XL'],
      ['form:Likes', '', 'tea, no. 1'],
    ],
  ],
  [
    'a new password, which is not in it',
    { authentication: { new_password: 's3cret', force_password_reset: true } },
    { authentication: { force_password_reset: false } },
    [
      [
        'authentication',
        'password reset at the next login: no',
        'password reset at the next login: yes, a new password',
      ],
    ],
  ],
])('a person can read %s', (_, wanted, before, expected) => {
  const changes = changesOf({ id: 1, ...wanted }, before);
  expect(changes.map(({ field, before, after }) => [field, before, after])).toEqual(expected);
  expect(JSON.stringify(changes)).not.toMatch(/s3cret|new_password/);
});

test('a group that is not there any more is shown by its id', () => {
  const groups = new Groups([{ id: 3, name: 'A' }]);
  expect(changesOf({ id: 1, customer_group_id: 3 }, { customer_group_id: 9 }, { groups })).toEqual([
    { field: 'customer_group_id', before: '9', after: 'A (id 3)' },
  ]);
});

test('attributes are shown by their names, and an empty value otherwise than none', () => {
  const attributes = new Attributes([{ id: 1, name: 'Loyalty Tier', type: 'string' }]);
  const before = { attributes: { 1: '', 2: null, 3: '5', 4: '6' } };
  const wanted = { id: 1, attributes: { 1: 'Gold', 2: '', 3: null, 4: '6' } };
  expect(changesOf(wanted, before, { attributes })).toEqual([
    { field: 'attribute:Loyalty Tier', before: '""', after: 'Gold' },
    { field: 'attribute_id:2', before: '', after: '""' },
    { field: 'attribute_id:3', before: '5', after: '' },
  ]);
});
