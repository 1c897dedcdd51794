import type { CallOptions, Found, Store, Tally } from '../bigcommerce/store.ts';
import type { PageOutcome, PageRef, Spent } from '../contract/activities.ts';
import { CHUNK_SIZE } from '../contract/job.ts';
import { look, valuesBefore } from '../jobs/look-up.ts';
import type { FoundRows, LookUpFile } from '../jobs/look-ups.ts';
import type { Values } from '../jobs/fields.ts';
import type { PageRow } from '../jobs/pages.ts';
import { runKeys } from './context.ts';
import { reading } from './reading.ts';
import type { StoreParts } from './store-activities.ts';

/** Looks up the rows of a page that are to be sent, unless that was done before. */
export const lookUpPage = (parts: StoreParts, ref: PageRef): Promise<PageOutcome> =>
  reading(parts, ref, (calling) => lookUp(parts, ref, calling));

async function lookUp(
  { store, lookUps }: StoreParts,
  { job, page, asked, probe, skipUnchanged, dryRun }: PageRef,
  calling: CallOptions & { tally: Tally },
): Promise<Omit<PageOutcome, keyof Spent>> {
  const keys = runKeys(job);
  const { rows, key } = await lookUps.asked(keys, page, asked);
  const stands = dryRun ? undefined : await lookUps.find(keys, key);
  if (stands) {
    // A probe has to make a call.
    if (probe) await store.findById({ ids: idsOf(rows.slice(0, 1)), ...calling });
    return outcomeOf(stands);
  }
  const { at, rows: found } = await lookUps.found(keys, key);
  await find(store, rows, found, calling);
  const [from] = asked.at(-1) ?? [0];
  const { rows: looked, ...counts } = look(rows, found, { from, skipUnchanged });
  const file = dryRun ? { at, rows: looked } : await lookUps.keep(keys, key, { at, rows: looked });
  return { ...outcomeOf(file), ...(dryRun && { compared: counts }) };
}

/** Asks for the rows that earlier attempts have not found, and keeps what is found for later ones. */
async function find(store: Store, rows: readonly PageRow[], found: FoundRows, calling: CallOptions): Promise<void> {
  const rest = new Map(rows.filter(({ row }) => !found.has(row)).map((row) => [row.values.id, row]));
  const onFound = (id: number, customer: Found) => {
    const row = rest.get(id);
    if (row) found.set(row.row, presentIn(row, customer));
  };
  if (rest.size > 0) await store.findById({ ids: [...rest.keys()], onFound, ...calling });
}

/** A customer whom the store would not show is sent all the same. */
function presentIn({ values }: PageRow, found: Found): Values | null | undefined {
  if (found.kind === 'found') return valuesBefore(values, found.customer);
  return found.kind === 'unknown' ? null : undefined;
}

const idsOf = (rows: readonly PageRow[]): number[] => rows.map(({ values }) => values.id);

function outcomeOf({ rows }: LookUpFile): Omit<PageOutcome, keyof Spent> {
  const sent = [...rows.values()].filter(({ fate }) => typeof fate === 'number').length;
  const chunks = Math.ceil(sent / CHUNK_SIZE);
  const lastSize = sent - Math.max(0, chunks - 1) * CHUNK_SIZE;
  return { chunks, lastSize, unchanged: rows.size - sent, fallen: [] };
}
