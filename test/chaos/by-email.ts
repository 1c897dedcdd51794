/** 100,000 rows by e-mail address with a backup: whose, what is to become of each, and what the store has then. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeSource } from '../support/customers.ts';
import { runStarter } from '../support/starter.ts';
import { TOKENS, type System } from '../support/system.ts';

const ROWS = 100_000;
/** Customers beyond those of the rows: some have an address that a row names, all are to stay as they are. */
const OTHERS = 1_000;
export const BY_EMAIL = ROWS + OTHERS;

interface Row {
  id?: number;
  email?: string;
  new_email?: string;
  notes: string;
}

interface Customer {
  id: number;
  email: string;
  notes: string;
}

/** A row, and what it is to be told: nothing where its customer is updated. */
interface Case {
  row: Row;
  code: string;
}

const address = (id: number) => `customer${id}@example.com`;
const isShared = (id: number) => id % 1_000 === 2;

/** Whose address another customer has, on another channel. */
const sharedWith = (other: number) => (other - ROWS) * 1_000 - 998;

/** The row for the customer of this id, who goes by his address; one in five by his id too. */
function caseOf(id: number): Case {
  const row = { email: address(id), notes: `new ${id}` };
  const told = (code: string, other: Partial<Row>): Case => ({ row: { ...row, ...other }, code });
  if (id % 500 === 1) return told('unknown_email', { email: `nobody${id}@example.com` });
  if (isShared(id)) return told('ambiguous_email', {});
  if (id % 250 === 3) return told('', { new_email: `moved${id}@example.com` });
  if (id % 1_000 === 4) return told('duplicate', { email: address(id - 1).toUpperCase() });
  if (id % 1_000 === 6) return told('unknown_email', { id, email: `else${id}@example.com` });
  if (id % 1_000 === 8) return { row: { id, notes: row.notes }, code: '' };
  if (id % 1_000 === 9) return told('same_customer', { email: address(id - 1) });
  return told('', id % 5 === 0 ? { id } : {});
}

const cases = Array.from({ length: ROWS }, (_, index) => caseOf(index + 1));

/** Each customer as he was before the job. */
function born(id: number): Customer {
  const isSecond = id > ROWS && sharedWith(id) <= ROWS;
  return { id, email: address(isSecond ? sharedWith(id) : id), notes: '' };
}

/** Each customer as he is to be after the job. */
function updated(id: number): Customer {
  const of = cases[id - 1];
  if (of?.code !== '') return born(id);
  return { id, email: of.row.new_email ?? address(id), notes: of.row.notes };
}

/** All customers, as the API lists them. */
async function customersOf({ apiUrl }: System): Promise<Map<number, Customer>> {
  const all = new Map<number, Customer>();
  for (let first = 1; first <= BY_EMAIL; first += 250) {
    const ids = Array.from({ length: Math.min(250, BY_EMAIL - first + 1) }, (_, index) => first + index);
    const url = `${apiUrl}/stores/abc/v3/customers?limit=250&id:in=${ids.join()}`;
    const response = await fetch(url, { headers: { 'X-Auth-Token': TOKENS['abc'] ?? '' } });
    const { data } = (await response.json()) as { data: Customer[] };
    for (const { id, email, notes } of data) all.set(id, { id, email, notes });
  }
  return all;
}

async function wrongAt(system: System, expected: (id: number) => Customer): Promise<number> {
  const there = await customersOf(system);
  const ids = Array.from({ length: BY_EMAIL }, (_, index) => index + 1);
  return ids.filter((id) => JSON.stringify(there.get(id)) !== JSON.stringify(expected(id))).length;
}

/** Runs the job and its undo, while `disturb` runs again and again. */
export async function byEmail(
  system: System,
  disturb?: () => Promise<void>,
): Promise<{ figures: string; kept: boolean }> {
  const channels = Array.from({ length: ROWS / 1_000 }, (_, index) => {
    const other = ROWS + 1 + index;
    return [
      { id: sharedWith(other), channel_ids: [1] },
      { id: other, email: born(other).email, channel_ids: [2] },
    ];
  });
  await system.control('customers', { store: 'abc', customers: channels.flat() });
  const uri = await writeSource(
    system,
    'by-email.ndjson',
    cases.map(({ row }) => row),
  );
  const options = { match: 'email', backup: true, reportAll: true } as const;
  const job = await system.start('by-email', { storeHash: 'abc', source: { uri }, options });
  const ended = job.result();
  const over = ended.then(
    () => true,
    () => true,
  );
  let times = 0;
  if (disturb) {
    for (; !(await Promise.race([over, sleep(10_000, false)])); times++) await disturb();
  }
  const { customers: counts, chunks, reads, report, notInBackup } = await ended;
  const { maxInFlight } = await system.stats();
  const wrong = await wrongAt(system, updated);
  const lines = (await readFile(new URL(report ?? ''), 'utf8')).trim().split('\n').slice(1);
  const wrongLines = lines.filter((line, index) => line.split(',')[4] !== cases[index]?.code).length;
  const undone = await runStarter(system, ['undo', 'by-email', '--store', 'abc', '--yes']);
  const wrongAfterUndo = await wrongAt(system, born);
  const good = cases.filter(({ code }) => code === '').length;
  const isCounted = counts.updated === good && counts.failed + counts.unprocessed + (notInBackup ?? 0) === 0;
  const isRight = wrong + wrongLines + wrongAfterUndo + (undone.code ?? 1) === 0 && lines.length === ROWS;
  return {
    figures:
      `${counts.updated} of ${good} updated, ${counts.rejected} rejected, ${counts.invalid} invalid, ` +
      `${chunks.done} chunks, ${reads} reads, killed ${times} times; ` +
      `wrong were ${wrong} customers of ${BY_EMAIL} and ${wrongLines} lines of ${lines.length} in the report, ` +
      `and ${wrongAfterUndo} customers after undo; most in flight ${maxInFlight}`,
    kept: isCounted && isRight && maxInFlight === 3 && (times > 0 || reads <= ROWS / 10 / 10),
  };
}
