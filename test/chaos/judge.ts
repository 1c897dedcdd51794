import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import type { JobResult } from '../../src/contract/job.ts';
import { runStarter } from '../support/starter.ts';
import type { System } from '../support/system.ts';
import type { PlannedJob } from './plan.ts';

/** The first customer of each planned job. Jobs share no customer, so the store shows whose values it has. */
const firstId = ({ number }: PlannedJob): number => number * 1_000 + 1;

/** The customer that a row is about; for an unknown one no store has it. */
export const idOf = (job: PlannedJob, row: number): number =>
  job.unknown.includes(row) ? 900_000_000 + row : firstId(job) + row - 1;

/** A row of a planned job, as it is sent. */
export function rowOf(job: PlannedJob, row: number): Record<string, unknown> {
  const id = idOf(job, row);
  const key = job.match === 'email' ? { email: `customer${id}@example.com` } : { id };
  if (job.invalid.includes(row)) return { ...key, first_name: '' };
  return { ...key, notes: job.unknown.includes(row) ? 'nobody' : noteOf(job, row) };
}

const noteOf = (job: PlannedJob, row: number) => `job ${job.number} row ${row}`;

/** What is wrong with how a job ended, in words; empty if all promises are kept. */
export async function judgeJob(
  system: System,
  job: PlannedJob,
  { result, isAgain }: { result: JobResult; isAgain: boolean },
): Promise<string[]> {
  const wrong: string[] = [];
  const expect = (holds: boolean, what: string) => {
    if (!holds) wrong.push(`job ${job.number}: ${what}`);
  };
  const { total, ...counts } = result.customers;
  const sum = Object.values(counts).reduce((so, far) => so + far, 0);
  expect(total === job.customers, `total is ${total} of ${job.customers}`);
  expect(sum === total, `the counts are ${JSON.stringify(result.customers)}`);

  const report = await readReport(result.report);
  expect(report.size === total, `the report has ${report.size} rows`);
  for (const [outcome, count] of Object.entries(counts)) {
    const reported = [...report.values()].filter((is) => is === outcome).length;
    expect(reported === count, `${count} ${outcome}, but ${reported} in the report`);
  }
  for (let row = 1; row <= job.customers; row++) {
    const outcome = report.get(row);
    if (job.invalid.includes(row)) expect(outcome === 'invalid', `row ${row} is invalid, but ${outcome}`);
    else if (job.unknown.includes(row)) {
      // One whose answer never came, or that a cancel left, may not be known to be rejected.
      expect(outcome !== 'updated' && outcome !== 'invalid', `row ${row} is unknown to the store, but ${outcome}`);
    } else if (!(job.undigested.includes(row) && outcome === 'failed')) {
      expect(outcome !== 'rejected' && outcome !== 'invalid', `row ${row} is good, but ${outcome}`);
      if (outcome !== 'updated') continue;
      const { notes } = await system.customer(firstId(job) + row - 1, job.store);
      expect(notes === noteOf(job, row), `row ${row} is said to be updated, but the store has ${String(notes)}`);
    }
  }
  // Another run under the same name finds the values of the first one.
  if (job.backup && !isAgain) wrong.push(...(await judgeBackup(system, job, result)));
  return wrong;
}

/** The notes of a job's customers, by id. */
export type Notes = ReadonlyMap<number, unknown>;

/** What the store has. */
export async function notesOf(system: System, job: PlannedJob): Promise<Notes> {
  const notes = new Map<number, unknown>();
  for (let row = 1; row <= job.customers; row++) {
    const id = idOf(job, row);
    if (!job.unknown.includes(row)) notes.set(id, (await system.customer(id, job.store))['notes']);
  }
  return notes;
}

/** Undoes a job with the starter: each of its customers has the note from before, a blank one if none is given. */
export async function judgeUndo(system: System, job: PlannedJob, before: Notes): Promise<string[]> {
  const undo = ['undo', `chaos-${job.number}`, '--store', job.store, '--yes'];
  const { code, output } = await runStarter(system, undo);
  const wrong = code === 0 || /There is nothing to undo/.test(output) ? [] : [`undo ended with ${code}: ${output}`];
  for (const [id, notes] of await notesOf(system, job)) {
    const had = before.get(id) ?? '';
    if (notes !== had)
      wrong.push(`customer ${id} had ${JSON.stringify(had)} before, and has ${JSON.stringify(notes)} after undo`);
  }
  return wrong.map((what) => `job ${job.number}: ${what}`);
}

/** Everyone who was changed has the earlier note, a blank one, in the backup, whatever the report says. */
async function judgeBackup(system: System, job: PlannedJob, { backup }: JobResult): Promise<string[]> {
  const text = typeof backup === 'string' ? await readFile(new URL(backup), 'utf8') : '';
  const lines = text.split('\n').filter((line) => line !== '');
  const backedUp = new Set(lines.map((line) => (JSON.parse(line) as { id: number; notes: string }).id));
  const wrong = lines.filter((line) => !line.endsWith('"notes":""}')).map(() => 'the backup has a note of the job');
  if (backedUp.size !== lines.length) wrong.push('the backup names somebody twice');
  for (let row = 1; row <= job.customers; row++) {
    const [id, { notes }] = [idOf(job, row), rowOf(job, row)];
    if (notes === undefined || job.unknown.includes(row) || backedUp.has(id)) continue;
    const isChanged = (await system.customer(id, job.store))['notes'] === notes;
    if (isChanged) wrong.push(`row ${row} was changed, but is not in the backup`);
  }
  return wrong.map((what) => `job ${job.number}: ${what}`);
}

/** Outcome by row, from a report with every row. */
async function readReport(uri: string | null): Promise<Map<number, string>> {
  if (uri === null) return new Map();
  const records = parse<{ row: string; outcome: string }>(await readFile(new URL(uri)), { columns: true });
  const rows = new Map(records.map(({ row, outcome }) => [Number(row), outcome]));
  if (rows.size !== records.length) throw new Error(`${uri} names a row twice.`);
  return rows;
}
