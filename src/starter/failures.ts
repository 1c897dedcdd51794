import { Option } from 'commander';
import { customerUpdate, FilesGone } from '../client.ts';
import type { CustomerCounts, Failure } from '../contract/job.ts';
import { batches } from '../jobs/streams.ts';
import { CSV_HEADING, csvLines } from '../jobs/report.ts';
import { BadUse } from './errors.ts';
import { jobCommand, JSON_OPTION } from './command.ts';
import { EXIT } from './exit.ts';
import { harmless, print, printAside } from './terminal.ts';
import { asked, missing } from './jobs.ts';
import { openJobStore, type Session } from './session.ts';
import { failuresTable, grouped, shellWord, STARTER } from './words.ts';

/** Rows that are printed at once: lines of a table that are aligned with each other. */
const BATCH = 500;

interface Flags {
  json?: boolean;
  csv?: boolean;
}

/** `failures JOB`: prints every row that was rejected, failed or invalid, and why. */
export const addFailures = jobCommand<Flags>(
  'failures',
  'print every row that was rejected, failed or invalid, and why',
  async ({ session, id, job: { status }, flags, config }) => {
    const say = flags.json || flags.csv ? printAside : print;
    // First of all: it says what to do where no worker answers.
    const { customers } = await asked(session, () => customerUpdate(session.client, id).progress());
    let printed = 0;
    if (flags.csv) process.stdout.write(CSV_HEADING);
    for await (const failures of allFailures(session, id, config.jobStore)) {
      process.stdout.write(harmless(textOf(failures, flags)));
      printed += failures.length;
    }
    if (printed > 0) say(`\n${grouped(printed)} rows were not updated.`);
    if (printed === 0 || customers.unprocessed > 0) say(restText(id, status === 'RUNNING', customers));
    return EXIT.allUpdated;
  },
  {
    options: [
      JSON_OPTION('one JSON object a line'),
      new Option('--csv', "for programs: the report's columns").conflicts('json'),
    ],
  },
);

/** All of them, a batch at a time. Throws BadUse where the files of older ones are not there. */
async function* allFailures(session: Session, id: string, jobStore: string): AsyncGenerator<Failure[]> {
  // What JOB_STORE says is relative to the package.
  const storage = await openJobStore(jobStore);
  const job = customerUpdate(session.client, id, { jobStore: storage.root });
  try {
    yield* batches(job.allFailures(), BATCH);
  } catch (error) {
    if (!(error instanceof FilesGone)) throw error;
    throw new BadUse(`All but the latest failures of the job ${id} are in files, and ${missing(storage)}.`);
  }
}

function textOf(failures: Failure[], { json, csv }: Flags): string {
  if (csv) return csvLines(failures);
  return json ? failures.map((failure) => `${JSON.stringify(failure)}\n`).join('') : `${failuresTable(failures)}\n`;
}

/** What became of the rows that are no failures. */
function restText(id: string, running: boolean, { total, unprocessed }: CustomerCounts): string {
  if (total === 0) return running ? 'The source has not been read yet.' : 'No row was read.';
  if (unprocessed === 0) return 'Every row was updated.';
  const rows = `${grouped(unprocessed)} rows are unprocessed`;
  return running ? `${rows}: still to come.` : `${rows}. To send them: ${STARTER} retry ${shellWord(id)}`;
}
