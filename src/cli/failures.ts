import { customerUpdate } from '../client.ts';
import type { CustomerCounts, Failure, Failures } from '../contract.ts';
import { readFailures } from '../jobs/failures.ts';
import { print } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { jobCommand } from './job-command.ts';
import { asked } from './jobs.ts';
import { openJobStore } from './source-file.ts';
import { failuresTable, grouped, shellWord, STARTER } from './words.ts';

/** Lines that are aligned with each other. */
const TABLE_ROWS = 500;

/** `failures JOB`: prints every row that was not updated, and why. */
export const addFailures = jobCommand(
  'failures',
  'print every row that was not updated, and why',
  async ({ session, id, job: { status }, config }) => {
    const job = customerUpdate(session.client, id);
    const first = await asked(session, () => job.failures());
    let printed = 0;
    const show = (failures: Failure[]) => {
      if (failures.length > 0) print(failuresTable(failures));
      printed += failures.length;
    };
    const jobStore = await openJobStore(config.jobStore);
    let older: Failure[] = [];
    for await (const failure of readFailures(jobStore, first.olderIn)) {
      if (older.push(failure) < TABLE_ROWS) continue;
      show(older);
      older = [];
    }
    show(older);
    show(first.failures);
    for (let next = first.next; next !== null;) {
      const after = next;
      const page: Failures = await asked(session, () => job.failures(after));
      show(page.failures);
      next = page.next;
    }
    if (printed > 0) print(`\n${grouped(printed)} rows were not updated.`);
    const { customers } = await asked(session, () => job.progress());
    if (printed === 0 || customers.unprocessed > 0) print(restText(id, status === 'RUNNING', customers));
    return EXIT.allUpdated;
  },
);

/** What became of the rows that are no failures. */
function restText(id: string, running: boolean, { total, unprocessed }: CustomerCounts): string {
  if (total === 0) return running ? 'The source has not been read yet.' : 'No row was read.';
  if (unprocessed === 0) return 'Every row was updated.';
  const rows = `${grouped(unprocessed)} rows are unprocessed`;
  return running ? `${rows}: still to come.` : `${rows}. To send them: ${STARTER} retry ${shellWord(id)}`;
}
