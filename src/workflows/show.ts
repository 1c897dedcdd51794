/** What the Web UI shows about a job besides its history. */
import { defineSearchAttributeKey } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { STORE_WAITS } from '../contract/describe.ts';
import type { Comparison } from '../contract/dry-run.ts';
import type { CustomerCounts, Failure, JobState, Progress } from '../contract/job.ts';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.ts';
import type { Job } from './job.ts';
import { progressOf, slowedBy } from './progress.ts';

/** How many of the latest failures the current details quote. */
const QUOTED_FAILURES = 3;

const keys = {
  store: defineSearchAttributeKey('CustomerUpdatesStore', SEARCH_ATTRIBUTES.CustomerUpdatesStore),
  state: defineSearchAttributeKey('CustomerUpdatesState', SEARCH_ATTRIBUTES.CustomerUpdatesState),
  rejected: defineSearchAttributeKey('CustomerUpdatesRejected', SEARCH_ATTRIBUTES.CustomerUpdatesRejected),
  progress: defineSearchAttributeKey('CustomerUpdatesProgress', SEARCH_ATTRIBUTES.CustomerUpdatesProgress),
};

/** Sets the current details, which cost nothing, and the search attributes if they have changed enough. */
export function show(job: Job): void {
  const now = Date.now();
  const { workflowId: id } = workflowInfo();
  const latest = job.ledger.failures.latest(QUOTED_FAILURES);
  setCurrentDetails(details(progressOf(job, now), { id, latest, slowedBy: slowedBy(job, now) }));
  if (job.searchAttributes) showAttributes(job);
}

/** Each upsert is an event in the history, so only a change of state or another tenth of the job is worth one. */
function showAttributes(job: Job): void {
  const { state, ledger } = job;
  const { total, unprocessed, rejected } = ledger.counts;
  const percent = total === 0 ? Number(job.isPrepared) * 100 : Math.floor((100 * (total - unprocessed)) / total);
  const shown = `${state} ${Math.floor(percent / 10)}`;
  if (shown === job.attributesShown) return;
  job.attributesShown = shown;
  upsertSearchAttributes([
    { key: keys.store, value: job.ref.storeHash },
    { key: keys.state, value: state },
    { key: keys.rejected, value: rejected },
    { key: keys.progress, value: percent },
  ]);
}

/** What the current details show beyond a job's progress. */
export interface Beyond {
  /** The job's workflow id. */
  id: string;
  /** The latest rows that were not updated. */
  latest: Failure[];
  /** What its chunks have lately been waiting for, more than a few seconds each. */
  slowedBy: 'quota' | 'throttle' | null;
}

/** Commands that help in a state. */
const HELP: Partial<Record<JobState, string[]>> = {
  preparing: ['pause', 'cancel'],
  running: ['pause', 'cancel'],
  held: ['resume', 'cancel'],
  paused: ['resume', 'cancel'],
  completed: ['failures', 'changes', 'fix', 'retry', 'undo'],
  cancelled: ['failures', 'changes', 'fix', 'retry', 'undo'],
};

/** A job's state as short markdown: the current details that the Web UI shows. Pure. */
export function details(progress: Progress, { id, latest, slowedBy }: Beyond): string {
  const { state, customers, chunks, unchanged, notes, calls, reads, throttled, waitingFor, pace, eta } = progress;
  const { report, retry, fix, changes, backup, wouldSend } = progress;
  const lines = [`**${state}**: ${chunks.done} of ${chunks.total} chunks done`];
  if (waitingFor) {
    lines.push('', waitingFor.message, ...(waitingFor.until ? ['', `Until ${toSeconds(waitingFor.until)}`] : []));
  } else if (slowedBy && state === 'running') lines.push('', STORE_WAITS[slowedBy]);
  const speed = [`${calls} calls, ${throttled} throttled`];
  if (reads > 0) speed.push(`${reads} reads`);
  if (unchanged !== undefined) speed.push(`${unchanged} unchanged, not sent`);
  if (pace) speed.push(`${pace.callsPerSecond} calls/s, ${pace.concurrency} at once`);
  if (eta) speed.push(`done at about ${toSeconds(eta)}`);
  lines.push('', ...countsTable(customers), '', speed.join(' · '));
  if (wouldSend?.compared) lines.push('', `Looked up: ${foundText(wouldSend.compared)}`);
  if (notes) lines.push('', ...notes.map((note) => `- ${note}`));
  if (latest.length > 0) lines.push('', 'Latest rows not updated:', '', ...latest.map(failureLine));
  if (report) lines.push('', `Report: ${report}`);
  if (retry) lines.push('', `To be sent again: ${retry}`);
  if (fix) lines.push('', `Rows to correct: ${fix}`);
  if (changes) lines.push('', `What would change: ${changes}`);
  if (backup) lines.push('', `Backup: ${backup}`);
  const leftOver = customers.failed + customers.unprocessed > 0;
  const helps = (command: string) =>
    ({ retry: leftOver, changes: Boolean(changes), fix: Boolean(fix), undo: Boolean(backup) })[command] ?? true;
  const help = (HELP[state] ?? []).filter(helps);
  if (help.length > 0) lines.push('', ...help.map((command) => `- \`npm run starter -- ${command} ${id}\``));
  return lines.join('\n');
}

/** What was found, in the words of the counts; those of which there are none are left out, but for the first two. */
function foundText({ changed, unchanged, sameCustomer, ...others }: Comparison): string {
  const rest = Object.entries({ ...others, 'same customer': sameCustomer }).filter(([, rows]) => rows > 0);
  return [['to be changed', changed], ['unchanged', unchanged], ...rest]
    .map(([what, rows]) => `${rows} ${what}`)
    .join(', ');
}

function countsTable({ total, updated, rejected, failed, invalid, unprocessed }: CustomerCounts): string[] {
  const counts = { total, updated, rejected, failed, invalid, unprocessed };
  // The Web UI leaves no space between columns.
  const line = (cells: string[]) => `| ${cells.map((cell) => `${cell}\u2003`).join(' | ')} |`;
  const rule = `|${' ---: |'.repeat(Object.keys(counts).length)}`;
  return [line(Object.keys(counts)), rule, line(Object.values(counts).map(String))];
}

const toSeconds = (iso: string): string => iso.replace(/\.\d+Z$/, 'Z');

function failureLine({ row, line, id, outcome, code, message }: Failure): string {
  // A line break or a bar would break the list or what follows it.
  return `- row ${row}${line === null ? '' : ` (line ${line})`}, id ${id ?? 'unknown'}: ${outcome}, ${code}. ${message.replace(/[\r\n|]+/g, ' ')}`;
}
