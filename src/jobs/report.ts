/** What became of each row, read from what a job left: outcomes of chunks, pages, and failures in files and at hand. */
import type { CloseJobInput } from '../activity-contract.ts';
import { CHUNK_SIZE, type Failure } from '../contract.ts';
import { chunkRows, decodeChunk, decodeRuns } from '../outcomes.ts';
import type { Storage } from '../storage/storage.ts';
import { CSV_HEADING, csvLines, type ReportedRow } from './csv-lines.ts';
import { BadPage } from './errors.ts';
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
interface SettledRow extends ReportedRow {
  customer?: Customer;
}

/** The text of report.csv: a line for every row that was not updated, or for all. */
export async function* reportCsv(storage: Storage, job: EndedJob): AsyncGenerator<string> {
  yield CSV_HEADING;
  for await (const rows of batches(settledRows(storage, job))) yield csvLines(rows);
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
  try {
    let failure = await failures.next();
    for await (const { row, customer, chunk, done } of rowsInChunks(storage, job)) {
      for (; !failure.done && failure.value.row < row; failure = await failures.next()) yield failure.value;
      const id = customer?.id ?? null;
      if (!failure.done && failure.value.row === row) {
        yield failure.value.outcome === 'failed' ? again(failure.value, customer) : failure.value;
        failure = await failures.next();
      } else if (!done) {
        const message = whyUnprocessed(job, chunk);
        yield again({ row, id, outcome: 'unprocessed', code: 'cancelled', message }, customer);
      } else if (job.options.reportAll) yield { row, id, outcome: 'updated', code: '', message: '' };
    }
    for (; !failure.done; failure = await failures.next()) yield failure.value;
  } finally {
    // Its files are open until then.
    await failures.return(undefined);
  }
}

function again(settled: SettledRow, customer: Customer | undefined): SettledRow {
  if (customer && customer.authentication?.new_password === undefined) return { ...settled, customer };
  const why = customer ? 'It has a new password, which is not kept' : 'Its page in the job store is missing or damaged';
  return { ...settled, message: `${settled.message} ${why}: send it again from the source.` };
}

function whyUnprocessed({ options }: EndedJob, chunk: number): string {
  if (options.dryRun) return 'Not sent: the job was a dry run.';
  const beyond = options.limit !== null && chunk >= Math.ceil(options.limit / CHUNK_SIZE);
  return beyond ? `Not sent: the job was limited to ${options.limit} customers.` : 'Not sent: the job was cancelled.';
}

interface RowInChunk {
  row: number;
  /** Undefined where the chunk can't be read any more. */
  customer: Customer | undefined;
  chunk: number;
  done: boolean;
}

/** The rows of all chunks that may have one for the report. Pages without any are not read. */
async function* rowsInChunks(storage: Storage, { job, plan, outcomes, options }: EndedJob): AsyncGenerator<RowInChunk> {
  const keys = jobKeys(job);
  const pages = new PageReader(storage, 1);
  const bounds = chunkRows(plan);
  for (const [chunk, code] of decodeRuns(outcomes, plan.chunks).entries()) {
    const { state, failed } = decodeChunk(code);
    const done = state === 'done';
    if (done && failed === 0 && !options.reportAll) continue;
    const read = await pages.readChunk(keys, chunk).catch(async (error: unknown) => {
      // Once done.json is there, pages are missing because an attempt that was given up has ended after all.
      if (!(error instanceof BadPage) || (await storage.exists(keys.done))) throw error;
    });
    if (read) {
      for (const [index, customer] of (JSON.parse(read.body) as Customer[]).entries()) {
        yield { row: read.rows[index] as number, customer, chunk, done };
      }
    } else {
      // Invalid rows among them are failures, which go first.
      const [first, last] = [bounds.first[chunk] as number, bounds.last[chunk] as number];
      for (let row = first; row <= last; row++) yield { row, customer: undefined, chunk, done };
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
  try {
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
  } finally {
    await Promise.all(lists.map((list) => list.return(undefined)));
  }
}
