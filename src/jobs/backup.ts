/** The backup of a job: the source that puts back what the job changed. */
import { CHUNKS_PER_PAGE } from '../contract/activities.ts';
import type { Storage } from '../storage/storage.ts';
import { batches, nonEmpty } from './streams.ts';
import { isTooLarge } from './customer.ts';
import { BadPage } from './errors.ts';
import { type CustomerField, FIELDS, isUnchanged, type Row, type Values } from './fields.ts';
import { FirstRows } from './first-rows.ts';
import type { JobKeys } from './keys.ts';
import { PageReader } from './pages.ts';
import { presentIn } from './present.ts';
import { jsonLines } from './sources/json.ts';
import { textOf } from './sources/text.ts';
import { type EndedJob, type SettledRow, settledRows } from './settled-rows.ts';

/** What was written: `backup` is null where there is nothing to put back. */
export interface Written {
  backup: string | null;
  /** Customers of whom something can't be put back. */
  notInBackup: number;
}

/** A row whose customer may have been changed, and what that had before; without `source` where its page can't be read. */
type Changed = Pick<SettledRow, 'source' | 'present'>;

/** Writes the backup of a job that has ended: of those who were changed, or may have been. */
export const backUp = (storage: Storage, keys: JobKeys, job: EndedJob): Promise<Written> =>
  write(storage, keys, maybeChanged(storage, job));

/** Writes the backup of a job that ended without one, such as by being terminated: of everyone whose values it had read. */
export const backUpAllRead = (storage: Storage, keys: JobKeys): Promise<Written> =>
  write(storage, keys, allRead(storage, keys));

// Customers who are in a backup already stay as they are in it: a job that was reset after its end, and goes through its
// source again, finds its own values.
async function write(storage: Storage, keys: JobKeys, changed: AsyncIterable<Changed>): Promise<Written> {
  const count = { notInBackup: 0 };
  const rows = await nonEmpty(backupRows(storage, keys, changed, count));
  if (rows) await storage.write(keys.backup, lines(rows));
  return { backup: rows ? storage.uri(keys.backup) : null, ...count };
}

async function* lines(rows: AsyncIterable<Row>): AsyncGenerator<string> {
  for await (const batch of batches(rows)) yield batch.map((row) => `${JSON.stringify(row)}\n`).join('');
}

async function* backupRows(
  storage: Storage,
  keys: JobKeys,
  changed: AsyncIterable<Changed>,
  count: { notInBackup: number },
): AsyncGenerator<Row> {
  const there = new FirstRows();
  if (await storage.exists(keys.backup)) yield* rowsOf(storage, keys.backup, there);
  for await (const { source, present } of changed) {
    if (source && isUnchanged(source, present)) continue;
    const { row, lacking } = source ? earlierOf(source, present) : NOTHING;
    if (lacking) count.notInBackup++;
    if (row && there.enter(row.id, 1) === undefined) yield row;
  }
}

/** Of a row that can't be read any more. */
const NOTHING: Earlier = { row: undefined, lacking: true };

async function* rowsOf(storage: Storage, key: string, there: FirstRows): AsyncGenerator<Row> {
  for await (const records of jsonLines(textOf(storage.read(key)))) {
    const rows = records.flatMap(({ value }) => (value === undefined ? [] : [value as Row]));
    for (const { id } of rows) there.enter(id, 1);
    yield* rows;
  }
}

/** What has failed may have been applied all the same. So may what was cancelled before its answer came. */
async function* maybeChanged(storage: Storage, job: EndedJob): AsyncGenerator<Changed> {
  for await (const settled of settledRows(storage, job, () => true)) {
    const { outcome, maybeSent } = settled;
    if (outcome === 'updated' || outcome === 'failed' || maybeSent) yield settled;
  }
}

async function* allRead(storage: Storage, keys: JobKeys): AsyncGenerator<Changed> {
  const pages = new PageReader(storage, 1);
  for (let page = 0; await storage.exists(keys.page(page)); page++) {
    const present = await presentIn(storage, keys, page);
    const [first, end] = [page * CHUNKS_PER_PAGE, present.size > 0 ? (page + 1) * CHUNKS_PER_PAGE : 0];
    for (let chunk = first; chunk < end; chunk++) {
      const read = await pages.readChunk(keys, chunk).catch((error: unknown) => {
        // The last page has fewer.
        if (!(error instanceof BadPage)) throw error;
      });
      const rows = read ? (JSON.parse(read.body) as Row[]) : [];
      for (const source of rows) if (present.has(source.id)) yield { source, present: present.get(source.id) };
    }
  }
}

/** What puts a customer's earlier values back. */
interface Earlier {
  /** Undefined where there is nothing that it could put back. */
  row: Row | undefined;
  /** Something that the source's row sets can't be put back: a new password, or what the store did not tell or takes no more. */
  lacking: boolean;
}

/** The fields that `row` sets with the values that the customer had before. */
export function earlierOf(row: Row, before: Values | null | undefined): Earlier {
  const { id, ...fields } = row;
  const earlier: Values = {};
  let lacking = false;
  for (const [field, wanted] of Object.entries(fields)) {
    const { schema, earlier: earlierOf } = FIELDS[field as CustomerField];
    const value = before ? earlierOf(before[field], wanted) : undefined;
    // The store may tell what it takes no more.
    if (value !== undefined && schema.safeParse(value).success) earlier[field] = value;
    else lacking = true;
    if (field === 'authentication' && 'new_password' in (wanted as Values)) lacking = true;
  }
  const taken = { id, ...earlier };
  if (isTooLarge(taken)) return { row: undefined, lacking: true };
  return { row: Object.keys(earlier).length > 0 ? taken : undefined, lacking };
}
