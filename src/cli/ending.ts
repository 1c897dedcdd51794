import { customerUpdate, JobEnded } from '../client.ts';
import type { Failures, JobResult, Progress } from '../contract.ts';
import { printable } from '../found.ts';
import { print } from './command.ts';
import { EXIT, exitCodeOf, wasDryRun } from './exit-codes.ts';
import { whyMissing } from './job-files.ts';
import type { Session } from './session.ts';
import { endingOf } from './standing.ts';
import {
  countsTable,
  failuresTable,
  grouped,
  notInBackupText,
  place,
  shellWord,
  skippedText,
  STARTER,
  wouldSendText,
} from './words.ts';

/** Failures that are shown; the report has all of them. */
const SHOWN = 5;

/**
 * Prints what became of a job that has ended, and what to do next; returns the exit code. `progress` is its last, where
 * it is known.
 */
export async function showEnding(
  session: Session,
  id: string,
  jobStore: string,
  progress: Progress | undefined,
): Promise<number> {
  const ending = await endingOf(session, id);
  print(`\nThe job ${howItEnded(ending)}`);
  if (!(ending instanceof JobEnded) && ending.wouldSend) print(wouldSendText(ending.wouldSend));
  const result = ending instanceof JobEnded ? (ending.result ?? progress) : ending;
  if (result === undefined) print('Its counts and files are not known here: no worker answers.');
  else await showResult(session, id, jobStore, result);
  return ending instanceof JobEnded ? EXIT.noResult : exitCodeOf(ending);
}

/** Prints the counts, the first rows that were not updated, and where the files are. */
export async function showResult(session: Session, id: string, jobStore: string, result: JobResult): Promise<void> {
  const { customers, unchanged, calls, throttled } = result;
  if (customers.total > 0) {
    const skipped = unchanged === undefined ? '' : `\n\n${skippedText(unchanged)}`;
    print(`\n${countsTable(customers)}${skipped}\n\nCalls: ${grouped(calls)}, throttled: ${grouped(throttled)}`);
  }
  if (customers.rejected + customers.failed + customers.invalid > 0) {
    const job = customerUpdate(session.client, id);
    // The counts are worth showing without them, when no worker is there to answer.
    const failures = await session.call(() => job.failures(0, SHOWN)).catch(() => undefined);
    if (failures !== undefined) print(failuresText(id, failures));
  }
  const files = await filesText(id, jobStore, result);
  if (files !== '') print(`\n${files}`);
}

function howItEnded(ending: JobResult | JobEnded): string {
  if (ending instanceof JobEnded) {
    const { how, type, message } = ending;
    return how === 'failed'
      ? `has failed${type === undefined ? '' : ` (${type})`}: ${printable(message, 2_001)}`
      : `was ${how}.`;
  }
  if (ending.customers.total === 0) return 'has ended: its source has no customers.';
  return wasDryRun(ending) ? 'was a dry run: nothing was sent. To send, start it without --dry-run.' : 'has ended.';
}

function failuresText(id: string, { failures, total }: Failures): string {
  const some = total > failures.length;
  return (
    `\n${some ? `${grouped(total)} rows were not updated, such as` : 'Not updated'}:\n${failuresTable(failures)}` +
    (some ? `\n  To see all of them: ${STARTER} failures ${shellWord(id)}` : '')
  );
}

async function filesText(id: string, jobStore: string, result: JobResult): Promise<string> {
  const lines = [];
  if (result.report !== null) {
    const why = await whyMissing(result.report, jobStore);
    if (why !== undefined) return `Report: not there any more: ${why}.`;
    lines.push(`Report: ${place(result.report)}`);
  }
  if (result.retry !== null && !wasDryRun(result)) {
    lines.push(
      `Retry:  ${place(result.retry)}`,
      `        To send these customers again: ${STARTER} retry ${shellWord(id)}`,
    );
  }
  if (typeof result.backup === 'string') {
    lines.push(
      `Backup: ${place(result.backup)}`,
      `        To put back what was there before: ${STARTER} undo ${shellWord(id)}`,
    );
  }
  if (result.notInBackup) lines.push(notInBackupText(result.notInBackup));
  return lines.join('\n');
}
