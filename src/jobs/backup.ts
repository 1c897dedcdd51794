/** The backup of a job: a source that restores what the job changed. */
import { CHUNK_SIZE } from '../contract/job.ts';
import type { Storage } from '../storage/storage.ts';
import { asSource, type AttributeValues } from './attributes.ts';
import { nonEmpty, pieces } from './streams.ts';
import { isTooLarge } from './customer.ts';
import { damageIn } from './damage.ts';
import { type CustomerField, FIELDS, isUnchanged, type Row, type Values } from './fields.ts';
import { FirstRows } from './first-rows.ts';
import type { JobKeys } from './keys.ts';
import { allLookedUp } from './prepared-rows.ts';
import { jsonLines } from './sources/json.ts';
import { textOf } from './sources/text.ts';
import { type EndedJob, type SettledRow, settledRows } from './settled-rows.ts';

/** What was written; `backup` is null if there is nothing to restore. */
export interface Written {
  backup: string | null;
  /** Customers for whom something can't be restored. */
  notInBackup: number;
}

/** A row whose customer may have been changed, and the values before; no `sent` if its page can't be read. */
type Changed = Pick<SettledRow, 'sent' | 'before'>;

/** Writes the backup of a job that has ended, for every customer who was or may have been changed. */
export const backUp = (storage: Storage, keys: JobKeys, job: EndedJob): Promise<Written> =>
  write(storage, keys, maybeChanged(storage, job));

/** Writes the backup of a job that ended without one, such as a terminated one: all whom it had looked up. */
export const backUpAllRead = (storage: Storage, keys: JobKeys, limit: number | null): Promise<Written> =>
  write(storage, keys, allLookedUp(storage, keys, limit === null ? Infinity : Math.ceil(limit / CHUNK_SIZE)));

// Customers who are in the backup already keep their first entry: a job that was reset after its end, and goes through
// its source again, would find its own values.
async function write(storage: Storage, keys: JobKeys, changed: AsyncIterable<Changed>): Promise<Written> {
  const count = { notInBackup: 0 };
  const rows = await nonEmpty(backupRows(storage, keys, changed, count));
  if (rows) await storage.write(keys.backup, pieces(lines(rows)));
  return { backup: rows ? storage.uri(keys.backup) : null, ...count };
}

async function* lines(rows: AsyncIterable<Row>): AsyncGenerator<string> {
  for await (const row of rows) yield `${JSON.stringify(asSource(row))}\n`;
}

async function* backupRows(
  storage: Storage,
  keys: JobKeys,
  changed: AsyncIterable<Changed>,
  count: { notInBackup: number },
): AsyncGenerator<Row> {
  const kept = new FirstRows();
  if (await storage.exists(keys.backup)) yield* rowsOf(storage, keys.backup, kept);
  for await (const { sent, before } of changed) {
    // An address in another case is the same to a store, but is put back as it was.
    if (sent && isUnchanged(sent, before) && sent['email'] === (before?.['email'] ?? sent['email'])) continue;
    const { row, incomplete } = sent ? rowToRestore(sent, before) : NOTHING;
    if (incomplete) count.notInBackup++;
    if (row && kept.enter(row.id, 1) === undefined) yield row;
  }
}

/** For a row that can't be read any more. */
const NOTHING: Restoring = { row: undefined, incomplete: true };

async function* rowsOf(storage: Storage, key: string, kept: FirstRows): AsyncGenerator<Row> {
  for await (const records of jsonLines(textOf(storage.read(key)))) {
    const rows = records.flatMap(({ value }) => (value === undefined ? [] : [value as Row]));
    for (const { id } of rows) kept.enter(id, 1);
    yield* rows;
  }
}

/** A failed update may have been applied all the same, as one that was cancelled before its answer came; of others a part was. */
async function* maybeChanged(storage: Storage, job: EndedJob): AsyncGenerator<Changed> {
  for await (const settled of settledRows(storage, job, () => true)) {
    const { outcome, code, maybeSent } = settled;
    if ((outcome === 'updated' && code !== 'unchanged') || maybeSent) yield settled;
    else if (code === 'attributes_rejected') yield { ...settled, sent: takenOf(settled) };
  }
}

/** What was sent of a row without the attributes that were not taken. */
function takenOf({ sent, attributes: notTaken = [] }: SettledRow): Row | undefined {
  if (!sent) return undefined;
  const { attributes = {}, ...fields } = sent as Row & { attributes?: AttributeValues };
  const taken = Object.entries(attributes).filter(([id]) => !notTaken.includes(Number(id)));
  return taken.length > 0 ? { ...fields, attributes: Object.fromEntries(taken) } : fields;
}

interface Restoring {
  /** The row that restores a customer's earlier values; undefined if it would have no fields. */
  row: Row | undefined;
  /** It lacks something that the row set: a new password, or what the store did not return or no longer accepts. */
  incomplete: boolean;
}

/** The fields that `row` sets, with the values that the customer had before. */
export function rowToRestore(row: Row, before: Values | null | undefined): Restoring {
  const { id, ...fields } = row;
  const values: Values = {};
  let incomplete = false;
  for (const [field, wanted] of Object.entries(fields)) {
    const { schema, earlier } = FIELDS[field as CustomerField];
    const had = before ? earlier(before[field], wanted) : undefined;
    const value = field === 'attributes' ? undamaged(had as AttributeValues | undefined) : had;
    if (value !== had) incomplete = true;
    // The store may return values that it no longer accepts, or that no source may have.
    if (value !== undefined && schema.safeParse(value).success && !damageIn(value)) values[field] = value;
    else incomplete = true;
    if (field === 'authentication' && 'new_password' in (wanted as Values)) incomplete = true;
  }
  const restoring = { id, ...values };
  if (isTooLarge(restoring)) return { row: undefined, incomplete: true };
  return { row: Object.keys(values).length > 0 ? restoring : undefined, incomplete };
}

/** Attributes are restored one by one: a damaged one keeps no other from that. */
function undamaged(values: AttributeValues | undefined): AttributeValues | undefined {
  if (!damageIn(values)) return values;
  const sound = Object.entries(values ?? {}).filter(([, value]) => !damageIn(value));
  return sound.length > 0 ? Object.fromEntries(sound) : undefined;
}
