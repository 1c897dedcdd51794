import { Option } from 'commander';
import { customerUpdate } from '../client.ts';
import type { CustomerCounts, Failure } from '../contract/job.ts';
import { CSV_HEADING, csvLines } from '../jobs/report.ts';
import { batches } from '../jobs/streams.ts';
import { jobCommand, JSON_OPTION } from './command.ts';
import { print, printAside, stripControl } from './terminal.ts';
import { failuresTable, grouped, shellWord, STARTER } from './words.ts';

/** Rows per write: the lines of a table that are aligned with each other. */
const BATCH = 500;

interface Flags {
  json?: boolean;
  csv?: boolean;
}

export const failuresCommand = jobCommand<Flags>(
  'failures',
  'print every row that was rejected, failed or invalid, and why',
  async ({ session, id, job: { status }, flags }) => {
    const say = flags.json || flags.csv ? printAside : print;
    const { root: jobStore } = await session.openJobStore();
    const job = customerUpdate(session.client, id, { jobStore });
    const { customers } = await job.progress();
    let printed = 0;
    if (flags.csv) process.stdout.write(CSV_HEADING);
    for await (const failures of batches(job.allFailures(), BATCH)) {
      process.stdout.write(stripControl(textOf(failures, flags)));
      printed += failures.length;
    }
    if (printed > 0) say(`\n${grouped(printed)} rows were not updated.`);
    if (printed === 0 || customers.unprocessed > 0) say(restText(id, status === 'RUNNING', customers));
  },
  {
    parts: [
      JSON_OPTION('one JSON object per line'),
      new Option('--csv', "for programs: the report's columns").conflicts('json'),
    ],
  },
);

function textOf(failures: Failure[], { json, csv }: Flags): string {
  if (csv) return csvLines(failures);
  return json ? failures.map((failure) => `${JSON.stringify(failure)}\n`).join('') : `${failuresTable(failures)}\n`;
}

function restText(id: string, running: boolean, { total, unprocessed }: CustomerCounts): string {
  if (total === 0) return running ? 'The source has not been read yet.' : 'No row was read.';
  if (unprocessed === 0) return 'Every row was updated.';
  const rows = `${grouped(unprocessed)} rows are unprocessed`;
  return running ? `${rows}: still to come.` : `${rows}. To send them: ${STARTER} retry ${shellWord(id)}`;
}
