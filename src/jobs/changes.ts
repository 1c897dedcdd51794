/** What a dry run's look-ups say would change: how many rows, and for changes.csv which value of whom from what to what. */
import { stringify } from 'csv-stringify/sync';
import type { Comparison } from '../contract/dry-run.ts';
import type { Match, OutcomeCode } from '../contract/job.ts';
import type { Storage } from '../storage/storage.ts';
import type { AttributeValues } from './attributes.ts';
import { type CustomerField, FIELDS, formFieldsIn, isUnchanged, type Row, type Values } from './fields.ts';
import { readNames, type ReadNames } from './names-file.ts';
import type { JobKeys } from './keys.ts';
import { type LookedUp, sentOf } from './look-up.ts';
import type { LookUpFile } from './look-ups.ts';
import type { PageRow } from './pages.ts';
import { preparedRows } from './prepared-rows.ts';
import type { EndedJob } from './settled-rows.ts';
import { nonEmpty, pieces } from './streams.ts';

/** Counts rows by what was found of them. */
export function compare(rows: readonly PageRow[], { match, rows: looked }: LookUpFile): Comparison {
  const count = { changed: 0, unchanged: 0, unknown: 0, ambiguous: 0, sameCustomer: 0, unreadable: 0 };
  for (const { row, values } of rows) {
    const of = looked.get(row);
    if (of) count[whatIsFound(values, of, match)]++;
  }
  return count;
}

function whatIsFound(values: Values, { fate, id, before, same }: LookedUp, match: Match): keyof Comparison {
  if (fate === 'unchanged') return 'unchanged';
  if (typeof fate === 'object') return FELL_OUT[fate.code] ?? 'unreadable';
  if (!before) return before === null ? 'unknown' : 'unreadable';
  return isUnchanged(sentOf(values, id as number, match, same), before) ? 'unchanged' : 'changed';
}

const FELL_OUT: Partial<Record<OutcomeCode, keyof Comparison>> = {
  unknown_id: 'unknown',
  unknown_email: 'unknown',
  ambiguous_email: 'ambiguous',
  same_customer: 'sameCustomer',
};

/** Writes what a dry run would change; null if that is nothing. */
export async function writeChanges(storage: Storage, keys: JobKeys, job: EndedJob): Promise<string | null> {
  const lines = await nonEmpty(changes(storage, job, await readNames(storage, job.job)));
  if (lines) await storage.write(keys.changes, pieces(withHeading(lines)));
  else await storage.delete(keys.changes);
  return lines ? storage.uri(keys.changes) : null;
}

const COLUMNS = ['row', 'id', 'field', 'before', 'after'];

async function* withHeading(lines: AsyncIterable<string>): AsyncGenerator<string> {
  yield stringify([COLUMNS]);
  yield* lines;
}

/** The lines of a row at a time: one for every value that would change. */
async function* changes(storage: Storage, job: EndedJob, names: ReadNames): AsyncGenerator<string> {
  for await (const { row, id, sent, before } of preparedRows(storage, job, () => true)) {
    const values = sent && before ? changesOf(sent, before, names) : [];
    const lines = values.map((change) => ({ row, id, ...change }));
    // As in the report: a spreadsheet runs what looks like a formula.
    if (lines.length > 0) yield stringify(lines, { columns: COLUMNS, escape_formulas: true });
  }
}

/** A value that would change, as people read it. */
interface Change {
  field: string;
  before: string;
  after: string;
}

/** What sending a row would change of a customer; a form field or an attribute by its name. No password is in it. Pure. */
export function changesOf(wanted: Row, before: Values, names: ReadNames = {}): Change[] {
  return Object.entries(wanted).flatMap(([name, value]): Change[] => {
    const field = name as CustomerField;
    const had = before[field];
    if (field === 'id' || FIELDS[field].same(value, had)) return [];
    if (field === 'form_fields') return formFieldChanges(value, had);
    if (field === 'attributes') return attributeChanges(value as AttributeValues, had as AttributeValues, names);
    return [{ field, before: textOf(field, had, names), after: textOf(field, value, names) }];
  });
}

function formFieldChanges(wanted: unknown, had: unknown): Change[] {
  const before = new Map(formFieldsIn(had).map(({ name, value }) => [name, value]));
  return formFieldsIn(wanted)
    .filter((field) => !FIELDS.form_fields.same([field], had))
    .map(({ name, value }) => ({ field: `form:${name}`, before: plain(before.get(name)), after: plain(value) }));
}

/** Only the quotes tell an empty value from none. */
function attributeChanges(wanted: AttributeValues, had: AttributeValues = {}, { attributes }: ReadNames): Change[] {
  const shown = (value: string | null | undefined) => (value === '' ? '""' : plain(value));
  return Object.entries(wanted)
    .filter(([id, value]) => value !== (had[id] ?? null))
    .map(([id, value]) => {
      const name = attributes?.get(id)?.name;
      const field = name === undefined ? `attribute_id:${id}` : `attribute:${name}`;
      return { field, before: shown(had[id]), after: shown(value) };
    });
}

function textOf(field: CustomerField, value: unknown, { groups }: ReadNames): string {
  if (field === 'customer_group_id') return groups?.nameOf(value) ?? plain(value);
  if (field === 'channel_ids' && value === null) return 'all channels';
  if (field === 'authentication') return authenticationText((value ?? {}) as Values);
  return plain(value);
}

function authenticationText({ force_password_reset: reset, new_password: password }: Values): string {
  const parts = [
    ...(reset === undefined ? [] : [`password reset at the next login: ${plain(reset)}`]),
    ...(password === undefined ? [] : ['a new password']),
  ];
  return parts.join(', ');
}

function plain(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.map(plain).join(', ');
  return typeof value === 'object' && value !== null && 'amount' in value ? plain(value.amount) : '';
}
