/** The backup of a job: the source that puts back what the job changed. */
import type { Storage } from '../storage/storage.ts';
import { type Earlier, earlierOf } from './earlier.ts';
import { FirstRows } from './first-rows.ts';
import type { JobKeys } from './keys.ts';
import { nonEmpty } from './non-empty.ts';
import { type EndedJob, type SettledRow, settledRows } from './report.ts';
import { ndjsonRecords } from './sources/ndjson.ts';
import { isUnchanged } from './unchanged.ts';
import type { Row } from './values.ts';

/** What was written: `backup` is null where there is nothing to put back. */
export interface Written {
  backup: string | null;
  /** Customers of whom something can't be put back. */
  notInBackup: number;
}

/**
 * Writes the backup of a job that has ended. Of customers who are in one already, that one stands: a job that was reset after
 * its end, and goes through its source again, finds its own values.
 */
export async function writeBackup(storage: Storage, keys: JobKeys, job: EndedJob): Promise<Written> {
  const count = { notInBackup: 0 };
  const rows = await nonEmpty(backupRows(storage, keys, job, count));
  if (rows) await storage.write(keys.backup, lines(rows));
  return { backup: rows ? storage.uri(keys.backup) : null, ...count };
}

async function* lines(batches: AsyncIterable<Row[]>): AsyncGenerator<string> {
  for await (const rows of batches) yield rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

// Rows put together for one write to the disk.
const BATCH = 1_000;

async function* backupRows(
  storage: Storage,
  keys: JobKeys,
  job: EndedJob,
  count: { notInBackup: number },
): AsyncGenerator<Row[]> {
  const there = new FirstRows();
  if (await storage.exists(keys.backup)) yield* rowsOf(storage, keys.backup, there);
  let batch: Row[] = [];
  for await (const settled of settledRows(storage, job, () => true)) {
    const { source, present, row: number } = settled;
    if (!mayBeChanged(settled, job) || (source && isUnchanged(source, present))) continue;
    const { row, lacking } = source ? earlierOf(source, present) : NOTHING;
    if (lacking) count.notInBackup++;
    if (row && there.enter(row.id, number) === undefined) batch.push(row);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Of a row that can't be read any more. */
const NOTHING: Earlier = { row: undefined, lacking: true };

async function* rowsOf(storage: Storage, key: string, there: FirstRows): AsyncGenerator<Row[]> {
  for await (const records of ndjsonRecords(storage.read(key))) {
    const rows = records.flatMap(({ value }) => (value === undefined ? [] : [value as Row]));
    for (const { id } of rows) there.enter(id, 1);
    yield rows;
  }
}

/** What has failed may have been applied all the same. So may what was cancelled before its answer came. */
function mayBeChanged({ outcome, chunk }: SettledRow, { maybeSent = [] }: EndedJob): boolean {
  if (outcome === 'unprocessed') return chunk !== undefined && maybeSent.includes(chunk);
  return outcome === 'updated' || outcome === 'failed';
}
