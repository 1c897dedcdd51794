/** Files that name customer groups: the control panel's two exports as they come, and what a job does until it knows the names. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { pauseUpdate, progressQuery, resumeUpdate } from '../../src/contract/job.ts';
import { allFailures, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '300', '--page-size', '2'] });

type Cells = Record<string, string>;

/** What the store must have of a cell, written without the reader of the job. */
const EXPECTED: Record<string, (cell: string) => [field: string, value: unknown]> = {
  'First Name': (cell) => ['first_name', cell],
  'Last Name': (cell) => ['last_name', cell],
  Company: (cell) => ['company', cell],
  Email: (cell) => ['email', cell],
  'Email Address': (cell) => ['email', cell],
  Phone: (cell) => ['phone', cell],
  Notes: (cell) => ['notes', cell],
  'Store Credit': (cell) => ['store_credit_amounts', [{ amount: Number(cell.replace(/[$,]/g, '')) }]],
  'Customer Group': (cell) => [
    'customer_group_id',
    { 'no group': 0, wholesale: 1, retail: 2, vip: 3 }[cell.toLowerCase()],
  ],
  'Receive Review/Abandoned Cart Emails?': (cell) => ['accepts_product_review_abandoned_cart_emails', cell === 'Y'],
  'Tax Exempt Category': (cell) => ['tax_exempt_category', cell],
};

const DEFAULT_TEMPLATE =
  'Customer ID,First Name,Last Name,Company,Email,Phone,Notes,Store Credit,Customer Group,Date Joined,Addresses,' +
  'Receive Review/Abandoned Cart Emails?,Tax Exempt Category';

const addressColumns = (number: number) =>
  'ID,First Name,Last Name,Company,Line 1,Line 2,City,State,Zip,Country,Phone'
    .split(',')
    .map((part) => `Address ${part} - ${number}`);

const BULK_EDIT_TEMPLATE = [
  'Email Address,First Name,Last Name,Company,Phone,Notes,Store Credit,Customer Group',
  ...[1, 2, 3].flatMap(addressColumns),
  'Receive Review/Abandoned Cart Emails?,Tax Exempt Category,Customer ID',
].join(',');

/** A customer as the panel writes it, below any heading of the two templates. */
function cellOf(heading: string, id: number): string {
  const cells: Cells = {
    'Customer ID': String(id),
    'First Name': ['Zoë', 'Anne-Marie', "D'Arcy", '李'][id % 4] as string,
    'Last Name': ['Müller', "O'Neil", '"Bob" Smith', 'van der Berg'][id % 4] as string,
    Company: ['', 'Acme, Ltd', 'Fish & Chips; Sons'][id % 3] as string,
    Email: `shopper${id}@shop.example`,
    'Email Address': `shopper${id}@shop.example`,
    Phone: ['0173 1234567', '+44 20 7946 0171', ''][id % 3] as string,
    Notes: ['', 'two\nlines, one comma', 'says "5"" pipe"', 'tab\there'][id % 4] as string,
    'Store Credit': ['$1,234.50', '$0.00', '$12.00'][id % 3] as string,
    'Customer Group': ['VIP', 'wholesale', 'Retail', 'No group', ''][id % 5] as string,
    'Date Joined': '28/11/2025',
    Addresses: 'Address Name: Zoë, Address Line 1: 1, Main Street, Address City: Leeds',
    'Receive Review/Abandoned Cart Emails?': id % 2 === 0 ? 'Y' : 'N',
    'Tax Exempt Category': id % 7 === 0 ? 'Reseller' : '',
  };
  return cells[heading] ?? (heading.endsWith(' - 1') ? `1, "Main" Street` : '');
}

async function writeExport(name: string, headings: string, ids: number[]): Promise<string> {
  const columns = headings.split(',');
  const rows = ids.map((id) => columns.map((heading) => cellOf(heading, id)));
  const path = join(system.folder, 'data/sources', name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, stringify([columns, ...rows], { bom: true, record_delimiter: 'windows', quoted_match: /\n/ }));
  return pathToFileURL(path).href;
}

const idsFrom = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);

test.each([
  ['Default', DEFAULT_TEMPLATE, idsFrom(1, 60), '"Date Joined", "Addresses".'],
  ['Bulk Edit', BULK_EDIT_TEMPLATE, idsFrom(101, 60), 'and 23 more.'],
])('every value of the "%s" export is in the store as it is in the file', async (name, headings, ids, leftOut) => {
  const uri = await writeExport(`${name}.csv`, headings, ids);
  const { customers, notes } = await system.run(name, { storeHash: 'abc', source: { uri } });

  const failures = await allFailures(system.client.workflow.getHandle(`customer-updates/abc/${name}`));
  expect(failures).toEqual([]);
  expect(customers).toMatchObject({ total: 60, updated: 60 });
  expect(notes).toHaveLength(3);
  expect(notes?.[0]).toMatch(/^Left out, because this API can't set them: /);
  expect(notes?.[0]).toContain(leftOut);
  const file = await readFile(new URL(uri), 'utf8');
  const rows: Cells[] = parse(file, { bom: true, columns: true });
  let compared = 0;
  for (const row of rows) {
    const customer = await system.customer(Number(row['Customer ID']));
    for (const [heading, expected] of Object.entries(EXPECTED)) {
      const cell = row[heading];
      if (cell === undefined || cell === '') continue;
      const [field, value] = expected(cell);
      expect([heading, row['Customer ID'], customer[field]]).toEqual([heading, row['Customer ID'], value]);
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(480);
});

test('a group that is not there costs its row, and says which there are', async () => {
  const customers = [
    { id: 1, customer_group: 'retail' },
    { id: 2, customer_group: 'Resellers' },
    { id: 3, customer_group: 3 },
    { id: 4, notes: 'in no hurry' },
  ];
  const handle = await system.start('unknown', { storeHash: 'abc', source: { customers } });
  expect((await handle.result()).customers).toMatchObject({ total: 4, updated: 3, invalid: 1 });
  const message = 'customer_group: the store has no such group. Its groups: "Wholesale", "Retail", "VIP".';
  expect(await allFailures(handle)).toEqual([
    { row: 2, line: null, id: 2, outcome: 'invalid', code: 'unknown_group', message },
  ]);
  expect(await Promise.all([1, 3].map(async (id) => (await system.customer(id))['customer_group_id']))).toEqual([2, 3]);
});

test('a job whose token is refused when it asks for the names is held, and can be paused, resumed and cancelled', async () => {
  await system.control('tokens', { store: 'def', scope: false });
  const input = { storeHash: 'def', source: { customers: [{ id: 1, customer_group: 'VIP' }] } };
  const [first, second] = [await system.start('held', input), await system.start('cancelled', input)];
  const states = async () => [(await first.query(progressQuery)).state, (await second.query(progressQuery)).state];
  await until(async () => (await states()).every((state) => state === 'held'));
  expect(await first.query(progressQuery)).toMatchObject({
    customers: { total: 0, unprocessed: 0 },
    waitingFor: { kind: 'refused', message: expect.stringContaining('scope') },
  });

  const dryRun = system.run('dry-run', { ...input, options: { dryRun: true } }).catch((error: unknown) => error);
  expect((await dryRun) as WorkflowFailedError).toMatchObject({ cause: { type: 'BadInput' } });

  await second.cancel();
  const ended = await second.result().catch((error: unknown) => error);
  expect((ended as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);

  const paused = await first.executeUpdate(pauseUpdate, { args: [{ reason: 'lunch' }] });
  expect(paused.state).toBe('paused');
  await system.control('tokens', { store: 'def', scope: true });
  await first.executeUpdate(resumeUpdate);
  expect((await first.result()).customers).toMatchObject({ total: 1, updated: 1 });
  expect((await system.customer(1, 'def'))['customer_group_id']).toBe(3);
});

test('a job that names no groups asks for none', async () => {
  const handle = await system.start('no-names', { storeHash: 'abc', source: { customers: [{ id: 1, notes: 'x' }] } });
  await handle.result();
  const { events } = await handle.fetchHistory();
  const activities = events?.flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? []);
  expect(activities).toEqual(['prepareJob', 'openStore', 'updateChunk', 'closeJob']);
});
