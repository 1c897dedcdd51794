import { readFile } from 'node:fs/promises';
import type { WorkflowHandle } from '@temporalio/client';
import {
  jobId,
  progressQuery,
  resumeUpdate,
  type JobInput,
  type JobOptions,
  type JobResult,
} from '../../src/contract.ts';
import { customers, writeSource } from '../support/customers.ts';
import { expectCountsToAddUp, expectThreeAtMost, untilDone } from '../support/jobs.ts';
import { reset } from '../support/reset.ts';
import { runStarter } from '../support/starter.ts';
import { startSystem, TOKENS, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

let system: System;

beforeAll(async () => {
  system = await startSystem({ emulator: ['--customers', '2000', '--latency', '20'] });
});
afterAll(() => system.close());
beforeEach(() => system.control('reset', {}));
afterEach(() => expectThreeAtMost(system));

type Customer = Record<string, unknown>;

/** Updates customers as another app would, without a job. */
async function set(rows: Customer[]): Promise<void> {
  for (let at = 0; at < rows.length; at += 10) {
    const { ok } = await fetch(`${system.apiUrl}/stores/abc/v3/customers`, {
      method: 'PUT',
      headers: { 'x-auth-token': TOKENS['abc'] as string, 'content-type': 'application/json' },
      body: JSON.stringify(rows.slice(at, at + 10)),
    });
    expect(ok).toBe(true);
  }
}

/** What the store has of customers 1 to n, but for when they were changed. */
async function present(n: number): Promise<Customer[]> {
  const all: Customer[] = [];
  for (let id = 1; id <= n; id++) {
    const { date_modified: _, _applied: __, ...customer } = await system.customer(id);
    const fields = customer['form_fields'] as { name: string }[];
    all.push({ ...customer, form_fields: fields.toSorted((a, b) => (a.name < b.name ? -1 : 1)) });
  }
  return all;
}

/** Every customer is as before, compared one by one; others than these are not. */
async function expectAsBefore(before: Customer[], but: number[] = []): Promise<void> {
  const now = await present(before.length);
  const different = now.filter((customer, index) => JSON.stringify(customer) !== JSON.stringify(before[index]));
  expect(different.map(({ id }) => id)).toEqual(but);
}

/** Customers differ in which fields they have, and in what is in them. */
const varied = (id: number): Customer => ({
  id,
  company: id % 3 === 0 ? '' : `Company ${id}`,
  phone: id % 2 === 0 ? '' : `555-${id}`,
  customer_group_id: id % 4,
  accepts_product_review_abandoned_cart_emails: id % 5 === 0,
  authentication: { force_password_reset: id % 7 === 0 },
  store_credit_amounts: [{ amount: id / 4 }],
  channel_ids: id % 3 === 0 ? null : [1, (id % 2) + 2],
  form_fields: [
    { name: 'Size', value: 'SML'.charAt(id % 3) },
    ...(id % 2 === 0 ? [{ name: 'Likes', value: ['tea', `no. ${id}`] }] : []),
  ],
});

/** What a job changes: other fields from one customer to the next, and addresses that move on from one to another. */
function changes(id: number): Customer {
  const texts = { first_name: `Ada ${id}`, notes: 'n', company: id % 2 === 0 ? '' : 'C', phone: '1' };
  const kinds: Customer[] = [
    texts,
    { customer_group_id: 9, accepts_product_review_abandoned_cart_emails: true, tax_exempt_category: 'T' },
    { store_credit_amounts: [{ amount: 0 }], channel_ids: id % 2 === 0 ? null : [7] },
    {
      form_fields: [
        { name: 'Size', value: 'XL' },
        { name: 'New', value: `${id}` },
        { name: 'Many', value: ['x'] },
      ],
    },
    { email: id % 60 === 10 ? `customer${id - 6}@example.com` : `moved${id}@example.com` },
    { ...texts, authentication: { force_password_reset: true, ...(id === 1997 && { new_password: 'sesame 12' }) } },
  ];
  return { id, ...kinds[id % kinds.length] };
}

const ids = (n: number) => Array.from({ length: n }, (_, index) => index + 1);
const store = 'abc';
const handleOf = (name: string) =>
  system.client.workflow.getHandle<(input: JobInput) => Promise<JobResult>>(jobId(store, name));

async function start(name: string, rows: unknown[], options: JobOptions) {
  const uri = await writeSource(system, `${name}.ndjson`, rows);
  return system.start(name, { storeHash: store, source: { uri }, options });
}

async function run(name: string, rows: unknown[], options: JobOptions): Promise<JobResult> {
  return (await start(name, rows, options)).result();
}

/** Runs the starter's undo; returns the job's result. */
async function undo(name: string, ...flags: string[]): Promise<JobResult> {
  const { code, output } = await runStarter(system, ['undo', name, '--store', store, '--yes', ...flags]);
  expect({ code, output }).toMatchObject({ code: 0 });
  return handleOf(`${name}-undo`).result();
}

const lines = async (uri: string | null | undefined) => (await readFile(new URL(uri ?? ''), 'utf8')).trim().split('\n');

test('a job of 2,000 with a backup, whose worker is killed in the middle, is undone: every customer is as before', async () => {
  await set(ids(2_000).map(varied));
  const before = await present(2_000);
  const uri = await writeSource(system, 'all.ndjson', ids(2_000).map(changes));
  const started = runStarter(system, ['start', uri, '--store', store, '--name', 'all', '--backup']);
  await until(() =>
    untilDone(handleOf('all'), 60).then(
      () => true,
      () => false,
    ),
  );
  await Promise.all((await system.workersUp()).map((worker) => worker.kill()));
  await system.startWorker();
  const { output } = await started;
  expect(output).toMatch(/Backup: \/.*\n.*undo customer-updates\/abc\/all/);
  expect(output).toMatch(/1 customer can't be put back in full/);

  const result = await handleOf('all').result();
  expect(result.customers).toMatchObject({ total: 2_000, updated: 2_000 });
  expect(result.notInBackup).toBe(1);
  expect((await system.stats())['customersUpdatedDistinct']).toBe(2_000);
  const changed = await present(2_000);
  expect(changed.filter((customer, index) => JSON.stringify(customer) === JSON.stringify(before[index]))).toEqual([]);

  const undone = await undo('all', '--backup');
  expect(undone.customers).toMatchObject({ total: 2_000, updated: 2_000 });
  await expectAsBefore(before);

  // And an undo can be undone.
  await undo('all-undo');
  await expectAsBefore(changed);
}, 180_000);
