/** What a look-up makes of what the store has: who is to be sent, and in which chunk. Pure. */
import { CHUNK_SIZE } from '../contract/job.ts';
import { isUnchanged, type Values } from './fields.ts';
import type { FoundRows, LookedUp } from './look-ups.ts';
import type { PageRow } from './pages.ts';

export interface Looked {
  /** By row number. */
  rows: Map<number, LookedUp>;
  /** Rows by what sending them would do. Those missing are not in the store: its answer to the PUT is what they are told. */
  changed: number;
  unchanged: number;
  missing: number;
}

/** Packs the rows that are to be sent into chunks from the place `from` on. */
export function look(
  rows: readonly PageRow[],
  present: FoundRows,
  { from, skipUnchanged }: { from: number; skipUnchanged: boolean },
): Looked {
  const found = new Map<number, LookedUp>();
  const count = { changed: 0, unchanged: 0, missing: 0 };
  let sent = 0;
  for (const { row, values } of rows) {
    const before = present.get(row);
    const same = isUnchanged(values, before);
    count[same ? 'unchanged' : before === null ? 'missing' : 'changed']++;
    const fate = same && skipUnchanged ? 'unchanged' : from + Math.floor(sent++ / CHUNK_SIZE);
    found.set(row, { fate, id: values.id, before });
  }
  return { rows: found, ...count };
}

/** The values that a row sets, as a customer has them. */
export function valuesBefore(values: Values, customer: Values): Values {
  const fields = Object.keys(values).filter((field) => field !== 'id' && field in customer);
  return Object.fromEntries(fields.map((field) => [field, customer[field]]));
}
