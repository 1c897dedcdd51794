import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import type { JobResult } from '../../src/contract.ts';
import type { System } from '../support/system.ts';
import type { PlannedJob } from './plan.ts';

/** The first customer of each planned job: jobs of one run share no customer, so that the store shows whose values it has. */
const firstId = ({ number }: PlannedJob): number => number * 1_000 + 1;

/** The row of a planned job as it is sent. */
export function rowOf(job: PlannedJob, row: number): Record<string, unknown> {
  if (job.invalid.includes(row)) return { id: firstId(job) + row - 1, first_name: '' };
  if (job.unknown.includes(row)) return { id: 900_000_000 + row, notes: 'nobody' };
  return { id: firstId(job) + row - 1, notes: noteOf(job, row) };
}

const noteOf = (job: PlannedJob, row: number) => `job ${job.number} row ${row}`;

/** What is wrong with how a job ended, in words; nothing where all promises are kept. */
export async function judgeJob(system: System, job: PlannedJob, result: JobResult): Promise<string[]> {
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
    } else {
      expect(outcome !== 'rejected' && outcome !== 'invalid', `row ${row} is good, but ${outcome}`);
      if (outcome !== 'updated') continue;
      const { notes } = await system.customer(firstId(job) + row - 1, job.store);
      expect(notes === noteOf(job, row), `row ${row} is said to be updated, but the store has ${String(notes)}`);
    }
  }
  return wrong;
}

/** Outcome by row, of a report with every row. */
async function readReport(uri: string | null): Promise<Map<number, string>> {
  if (uri === null) return new Map();
  const records = parse<{ row: string; outcome: string }>(await readFile(new URL(uri)), { columns: true });
  const rows = new Map(records.map(({ row, outcome }) => [Number(row), outcome]));
  if (rows.size !== records.length) throw new Error(`${uri} names a row twice.`);
  return rows;
}
