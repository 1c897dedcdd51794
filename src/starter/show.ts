import { customerUpdate, JobEnded } from '../client.ts';
import { printable } from '../contract/describe.ts';
import type { Failures, JobResult, Progress } from '../contract/job.ts';
import { jobCommand, JSON_OPTION } from './command.ts';
import { EXIT, exitCodeOf, wasDryRun } from './exit.ts';
import { whyMissing } from './job-files.ts';
import type { Session } from './session.ts';
import { endingOf, printStatusJson, statusOf } from './status.ts';
import { print } from './terminal.ts';
import {
  countsTable,
  cureOf,
  failuresTable,
  grouped,
  notInBackupText,
  oneLine,
  paceLine,
  place,
  shellWord,
  skippedText,
  STARTER,
  stateLine,
  wouldSendText,
} from './words.ts';

export const showCommand = jobCommand<{ json?: boolean }>(
  'show',
  'print how far a job is, or how it ended; exits with 0 while it is running',
  async ({ session, id, job, flags }) => {
    if (flags.json) return printStatusJson(session, job);
    announce(session, id);
    const { progress, trouble } = await statusOf(session, job);
    if (trouble !== undefined) print(`State:  ${job.status.toLowerCase()}. ${trouble}`);
    if (job.status !== 'RUNNING') return showEnding(session, id, progress);
    if (progress !== undefined) {
      print(`State:  ${cureOf(id, progress) ?? stateLine(progress, Date.now())}`);
      const pace = paceLine(progress, Date.now());
      if (pace !== '') print(`        ${pace}`);
      await showResult(session, id, progress);
    }
    return EXIT.allUpdated;
  },
  { parts: [JSON_OPTION('one JSON object: id, webUi, status, progress, error')] },
);

const SHOWN = 5;

/** Prints what became of an ended job, and what to do next. `progress` is its last one, if known. */
export async function showEnding(session: Session, id: string, progress: Progress | undefined): Promise<number> {
  const ending = await endingOf(session, id);
  print(`\nThe job ${howItEnded(ending)}`);
  if (!(ending instanceof JobEnded) && ending.wouldSend) print(wouldSendText(ending.wouldSend));
  const result = ending instanceof JobEnded ? (ending.result ?? progress) : ending;
  if (result === undefined) print('Its counts and files are not known here, because no worker answers.');
  else await showResult(session, id, result);
  return ending instanceof JobEnded ? EXIT.noResult : exitCodeOf(ending);
}

/** Prints the counts, a few rows that were not updated, and where the files are. */
async function showResult(session: Session, id: string, result: JobResult): Promise<void> {
  const { customers, unchanged, notes = [], calls, reads, throttled } = result;
  if (notes.length > 0) print(`\n${notes.map((note) => printable(note, 400)).join('\n')}`);
  if (customers.total > 0) {
    const skipped = unchanged === undefined ? '' : `\n\n${skippedText(unchanged)}`;
    const spent = `Calls: ${grouped(calls)}${reads > 0 ? `, reads: ${grouped(reads)}` : ''}, throttled: ${grouped(throttled)}`;
    print(`\n${countsTable(customers)}${skipped}\n\n${spent}`);
  }
  if (customers.rejected + customers.failed + customers.invalid > 0) {
    // If no worker answers, the counts are worth showing without them.
    const failures = await customerUpdate(session.client, id)
      .failures(0, SHOWN)
      .catch(() => undefined);
    if (failures !== undefined) print(failuresText(id, failures));
  }
  const files = await filesText(session, id, result);
  if (files !== '') print(`\n${files}`);
}

function howItEnded(ending: JobResult | JobEnded): string {
  if (ending instanceof JobEnded) {
    const { how, type, message } = ending;
    return how === 'failed'
      ? `failed${type === undefined ? '' : ` (${type})`}: ${printable(message, 6_001)}`
      : `was ${how}.`;
  }
  if (ending.customers.total === 0) return 'has ended: its source has no customers.';
  return wasDryRun(ending)
    ? 'was a dry run: nothing was sent. To send, start it again without --dry-run.'
    : 'has ended.';
}

function failuresText(id: string, { failures, total }: Failures): string {
  const some = total > failures.length;
  return (
    `\n${some ? `${grouped(total)} rows were not updated, for example` : 'Not updated'}:\n${failuresTable(failures)}` +
    (some ? `\n  To see all of them: ${STARTER} failures ${shellWord(id)}` : '')
  );
}

async function filesText(session: Session, id: string, result: JobResult): Promise<string> {
  const lines = [];
  if (result.report !== null) {
    const why = await whyMissing(session, result.report);
    if (why !== undefined) return `Report: gone: ${why}.`;
    lines.push(`Report: ${place(result.report)}`);
  }
  const next = [
    ['Changes:', result.changes, 'see what would change', 'changes'],
    ['Retry: ', wasDryRun(result) ? null : result.retry, 'send these customers again', 'retry'],
    ['Fix:   ', result.fix, 'correct these rows and send them', 'fix'],
    ['Backup:', result.backup, 'restore the earlier values', 'undo'],
  ] as const;
  for (const [name, uri, purpose, command] of next) {
    if (typeof uri !== 'string') continue;
    lines.push(`${name} ${place(uri)}`, `        To ${purpose}: ${STARTER} ${command} ${shellWord(id)}`);
  }
  if (result.notInBackup) lines.push(`        ${notInBackupText(result.notInBackup)}`);
  return lines.join('\n');
}

export function announce(session: Session, id: string): void {
  print(`Job:    ${oneLine(id)}`);
  printWebPage(session, id);
}

export function printWebPage(session: Session, id: string): void {
  const page = session.webPage(id);
  if (page !== undefined) print(`Web UI: ${page}`);
}
