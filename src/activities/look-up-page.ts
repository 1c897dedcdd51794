import { cut } from '../bigcommerce/parts.ts';
import type { CallOptions, Store, Tally } from '../bigcommerce/store.ts';
import type { Fallen, PageOutcome, PageRef, Spent } from '../contract/activities.ts';
import { addressKey } from '../contract/address.ts';
import { CHUNK_SIZE } from '../contract/job.ts';
import { packFallen, type Places } from '../contract/look-ups.ts';
import { compare } from '../jobs/changes.ts';
import { hasId } from '../jobs/ids-file.ts';
import { askedFor, callsFor, type FoundCustomer, type KeyedRow, type StoreCustomer } from '../jobs/keyed-rows.ts';
import { knew } from '../jobs/known.ts';
import { type FellOut, type FoundCustomers, kept, look, type LookedUp, sentOf } from '../jobs/look-up.ts';
import type { LookUpFile } from '../jobs/look-ups.ts';
import { readNames } from '../jobs/names-file.ts';
import type { PageRow } from '../jobs/pages.ts';
import { runKeys } from './context.ts';
import { reading } from './reading.ts';
import type { StoreParts } from './store-activities.ts';

type Calling = CallOptions & { tally: Tally };
type Found = Omit<PageOutcome, keyof Spent>;

/** Looks up the rows of a page that are to be sent, unless that was done before. */
export const lookUpPage = (parts: StoreParts, ref: PageRef): Promise<PageOutcome> =>
  reading(
    parts,
    ref,
    (calling) => lookUp(parts, ref, calling),
    // A dry run that says too little is worse than none.
    ref.dryRun ? undefined : (why) => failed(parts, ref, why),
  );

/** No row of the page can be looked up. */
async function failed({ lookUps }: StoreParts, { job, page, asked }: PageRef, message: string): Promise<Found> {
  const { rows } = await lookUps.asked(runKeys(job), page, asked);
  const packed = packFallen(rows.map(({ row, line, values: { id = null } }) => ({ row, line, id })));
  const fallen: Fallen = { outcome: 'failed', code: 'unavailable', message, ...packed };
  return { chunks: 0, lastSize: 0, unchanged: 0, fallen: [fallen] };
}

async function lookUp({ store, lookUps, storage }: StoreParts, ref: PageRef, calling: Calling): Promise<Found> {
  const { job, page, probe, match, skipUnchanged, dryRun } = ref;
  const keys = runKeys(job);
  const { rows, key, asked } = await lookUps.askedAtOnce(keys, page, ref.asked);
  const [from, upTo] = asked.at(-1) as Places;
  const isAll = asked === ref.asked;
  const stands = await lookUps.find(keys, key);
  if (stands) {
    // A probe has to make a call.
    if (probe) await ask(store, new Wanted(rows.slice(0, 1)), new Map(), calling);
    return { ...outcomeOf(rows, stands, skipUnchanged), ...(!isAll && { upTo }) };
  }
  const { at, customers } = await lookUps.found(keys, key);
  await ask(store, new Wanted(rows), customers, calling);
  const [ids, known] = [await lookUps.ids(keys), await lookUps.known(keys)];
  const { attributes } = await readNames(storage, job);
  const looked = look(rows, customers, {
    ...{ match, from, skipUnchanged, dryRun, attributes },
    isNamed: (id) => hasId(ids, id),
    knew: (address, id) => knew(known, address, id),
  });
  const kept = await lookUps.keep(keys, key, { at, match, ...(dryRun && { dryRun }), rows: looked });
  return { ...outcomeOf(rows, kept, skipUnchanged), ...(!isAll && { upTo }) };
}

/** Whom a page asks for, and the row for which each is wanted. */
class Wanted {
  readonly byId = new Map<number, KeyedRow>();
  readonly byEmail = new Map<string, { address: string; row: KeyedRow }>();

  constructor(rows: readonly PageRow[]) {
    for (const { values } of rows) {
      const { id, emails } = askedFor(values);
      if (id !== undefined) this.byId.set(id, values);
      for (const address of emails) this.byEmail.set(addressKey(address), { address, row: values });
    }
  }
}

/** Asks for those whom earlier attempts have not found, and enters each as soon as he is found. */
async function ask(store: Store, { byId, byEmail }: Wanted, found: FoundCustomers, calling: Calling): Promise<void> {
  const enter = (key: number | string, row: KeyedRow | undefined, answer: FoundCustomer) =>
    found.set(key, answer.kind === 'found' && row ? { kind: 'found', customer: kept(row, answer.customer) } : answer);
  const ids = [...byId.keys()].filter((id) => !found.has(id));
  if (ids.length > 0) {
    await store.findById({ ids, onFound: (id, answer) => enter(id, byId.get(id), answer), ...calling });
  }
  const emails = [...byEmail].flatMap(([key, { address }]) => (found.has(key) ? [] : [address]));
  if (emails.length > 0) {
    await store.findByEmail({
      emails,
      onFound: (key, answer) => enter(key, byEmail.get(key)?.row, answer),
      ...calling,
    });
  }
  await askValues(store, [...byId, ...[...byEmail].map(([key, { row }]) => [key, row] as const)], found, calling);
}

/** Asks for the values of the attributes that are to be set, of those whose values earlier attempts have not found. */
async function askValues(
  store: Store,
  rows: (readonly [key: number | string, row: KeyedRow])[],
  found: FoundCustomers,
  calling: Calling,
): Promise<void> {
  const wanted = new Map<number, { customer: StoreCustomer; ids: string[] }[]>();
  for (const [key, { attributes }] of rows) {
    const answer = found.get(key);
    if (!attributes || answer?.kind !== 'found' || 'attributes' in answer.customer) continue;
    const { customer } = answer;
    wanted.set(customer.id, [...(wanted.get(customer.id) ?? []), { customer, ids: Object.keys(attributes) }]);
  }
  if (wanted.size === 0) return;
  const all = [...wanted.values()].flatMap((several) => several.flatMap(({ ids }) => ids));
  await store.findAttributeValues({
    customers: [...wanted.keys()],
    attributes: [...new Set(all)].map(Number),
    onFound(id, answer) {
      if (answer.kind !== 'found') return;
      const has = new Map(answer.values.map((value) => [String(value.attribute_id), value.attribute_value]));
      for (const { customer, ids } of wanted.get(id) ?? []) {
        customer['attributes'] = Object.fromEntries(ids.map((attribute) => [attribute, has.get(attribute) ?? null]));
      }
    },
    ...calling,
  });
}

/** What a look-up leaves to be sent, and who fell out. */
function outcomeOf(rows: readonly PageRow[], file: LookUpFile, skipUnchanged: boolean): Found {
  const { dryRun, rows: looked } = file;
  const fates = [...looked.values()].map(({ fate }) => fate);
  const sent = fates.filter((fate) => typeof fate === 'number').length;
  const chunks = Math.ceil(sent / CHUNK_SIZE);
  const lastSize = sent - Math.max(0, chunks - 1) * CHUNK_SIZE;
  return {
    chunks,
    lastSize,
    unchanged: fates.filter((fate) => fate === 'unchanged').length,
    fallen: fallenOf(rows, looked),
    ...(dryRun && { compared: compare(rows, file), callsToSend: callsIn(rows, file, skipUnchanged) }),
  };
}

/** Calls that sending what is left would take. */
function callsIn(rows: readonly PageRow[], { match, rows: looked }: LookUpFile, skipUnchanged: boolean): number {
  const sent = rows.flatMap(({ row, values }) => {
    const { fate, id, same } = looked.get(row) as LookedUp;
    return typeof fate === 'number' ? [sentOf(values, id as number, match, skipUnchanged ? same : [])] : [];
  });
  return cut(sent, CHUNK_SIZE).reduce((calls, chunk) => calls + callsFor(chunk), 0);
}

function fallenOf(rows: readonly PageRow[], looked: LookUpFile['rows']): Fallen[] {
  const groups = new Map<string, { why: FellOut; rows: Parameters<typeof packFallen>[0][number][] }>();
  for (const { row, line } of rows) {
    const { fate, id = null } = looked.get(row) ?? {};
    if (typeof fate !== 'object') continue;
    const key = JSON.stringify(fate);
    const group = groups.get(key) ?? { why: fate, rows: [] };
    group.rows.push({ row, line, id });
    groups.set(key, group);
  }
  return [...groups.values()].map(({ why, rows: those }) => ({ ...why, ...packFallen(those) }));
}
