/** What became of each row, read from what a job left: outcomes of chunks, pages, and failures in files and at hand. */
import { stringify } from 'csv-stringify/sync';
import { CHUNK_SIZE, type CloseJobInput, type Failure, type OutcomeCode } from '../contract.ts';
import { decodeChunk, decodeRuns } from '../outcomes.ts';
import type { Storage } from '../storage/storage.ts';
import { failureFiles, failuresIn } from './failures.ts';
import { jobKeys } from './keys.ts';
import { PageReader } from './pages.ts';

/** What a report is made of: CloseJobInput with the options that matter to it. */
export interface EndedJob extends Omit<CloseJobInput, 'input'> {
  options: { dryRun: boolean; limit: number | null; reportAll: boolean };
}

interface Customer {
  id: number;
  authentication?: { new_password?: string };
}

/** A row of the report. `customer` is what its source row held, where that may be sent again. */
interface SettledRow {
  row: number;
  id: number | null;
  outcome: 'updated' | Failure['outcome'] | 'unprocessed';
  code: OutcomeCode | '';
  message: string;
  customer?: Customer;
}

/** The text of report.csv: a line for every row that was not updated, or for all. */
export async function* reportCsv(storage: Storage, job: EndedJob): AsyncGenerator<string> {
  const columns = ['row', 'id', 'outcome', 'code', 'message'];
  // A spreadsheet runs what looks like a formula, and some messages are the store's.
  const csv = (rows: SettledRow[]) => stringify(rows, { columns, escape_formulas: true });
  yield stringify([columns]);
  for await (const rows of batches(settledRows(storage, job))) yield csv(rows);
}

/** The text of retry.ndjson: the customers that may be updated by sending them again, without those with a password. */
export async function* retryNdjson(storage: Storage, job: EndedJob): AsyncGenerator<string> {
  for await (const rows of batches(settledRows(storage, job))) {
    const customers = rows.flatMap(({ customer }) => (customer ? `${JSON.stringify(customer)}\n` : []));
    if (customers.length > 0) yield customers.join('');
  }
}

// Rows put together for one write to the disk.
const BATCH = 1_000;

async function* batches<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Every row that has a line in the report, in order. A row of a chunk that is done was updated unless it is a failure. */
async function* settledRows(storage: Storage, job: EndedJob): AsyncGenerator<SettledRow> {
  const failures = allFailures(storage, job);
  let failure = await failures.next();
  for await (const { row, customer, chunk, done } of rowsInChunks(storage, job)) {
    for (; !failure.done && failure.value.row < row; failure = await failures.next()) yield failure.value;
    if (!failure.done && failure.value.row === row) {
      yield failure.value.outcome === 'failed' ? again(failure.value, customer) : failure.value;
      failure = await failures.next();
    } else if (!done) {
      const message = whyUnprocessed(job, chunk);
      yield again({ row, id: customer.id, outcome: 'unprocessed', code: 'cancelled', message }, customer);
    } else if (job.options.reportAll) yield { row, id: customer.id, outcome: 'updated', code: '', message: '' };
  }
  for (; !failure.done; failure = await failures.next()) yield failure.value;
}

function again(settled: SettledRow, customer: Customer): SettledRow {
  if (customer.authentication?.new_password === undefined) return { ...settled, customer };
  const message = `${settled.message} It has a new password, which is not kept: send it again from the source.`;
  return { ...settled, message };
}

function whyUnprocessed({ options }: EndedJob, chunk: number): string {
  if (options.dryRun) return 'Not sent: the job was a dry run.';
  const beyond = options.limit !== null && chunk >= Math.ceil(options.limit / CHUNK_SIZE);
  return beyond ? `Not sent: the job was limited to ${options.limit} customers.` : 'Not sent: the job was cancelled.';
}

/** The rows of all chunks that may have one for the report. Pages without any are not read. */
async function* rowsInChunks(storage: Storage, { job, chunks, outcomes, options }: EndedJob) {
  const keys = jobKeys(job);
  const pages = new PageReader(storage, 1);
  for (const [chunk, code] of decodeRuns(outcomes, chunks).entries()) {
    const { state, failed } = decodeChunk(code);
    const done = state === 'done';
    if (done && failed === 0 && !options.reportAll) continue;
    const { rows, body } = await pages.readChunk(keys, chunk);
    for (const [index, customer] of (JSON.parse(body) as Customer[]).entries()) {
      yield { row: rows[index] as number, customer, chunk, done };
    }
  }
}

/** Failures of all files and at hand by row, each row once: where it is in several places, the newest knows. */
async function* allFailures(storage: Storage, { failures, olderIn }: EndedJob): AsyncGenerator<Failure> {
  const lists = [latest(failures)];
  for await (const key of failureFiles(storage, olderIn)) lists.push(failuresIn(storage, key));
  yield* merged(lists);
}

async function* latest(failures: readonly Failure[]): AsyncGenerator<Failure> {
  yield* [...failures].sort((a, b) => a.row - b.row);
}

async function* merged(lists: AsyncGenerator<Failure>[]): AsyncGenerator<Failure> {
  const heads = await Promise.all(lists.map((list) => list.next()));
  const rowAt = (index: number) => heads[index]?.value?.row ?? Infinity;
  for (let last = 0; ;) {
    let next = 0;
    for (let index = 1; index < lists.length; index++) if (rowAt(index) < rowAt(next)) next = index;
    const head = heads[next];
    if (head === undefined || head.done) return;
    if (head.value.row > last) yield head.value;
    last = head.value.row;
    heads[next] = await (lists[next] as AsyncGenerator<Failure>).next();
  }
}
