import type { Failure, JobState, Progress } from '../contract.ts';

/** What the current details tell beyond a job's progress. */
export interface Beyond {
  /** The job's workflow id. */
  id: string;
  /** The rows that were not updated last. */
  latest: Failure[];
  /** What its chunks waited for lately, for more than a few seconds each. */
  slowedBy: 'quota' | 'throttle' | null;
}

const SLOWED_BY = {
  quota: "The store's request quota sets the pace: chunks wait until it is renewed.",
  throttle: 'The store throttles (429): chunks wait for as long as it says.',
};

/** Commands that help in a state. */
const HELP: Partial<Record<JobState, string[]>> = {
  preparing: ['pause', 'cancel'],
  running: ['pause', 'cancel'],
  held: ['resume', 'cancel'],
  paused: ['resume', 'cancel'],
  completed: ['failures', 'retry'],
  cancelled: ['failures', 'retry'],
};

/** A job's state as short markdown: the current details that the Web UI shows. Pure. */
export function details(progress: Progress, { id, latest, slowedBy }: Beyond): string {
  const { state, customers, chunks, calls, throttled, waitingFor, pace, eta, report, retry } = progress;
  const lines = [`**${state}**: ${chunks.done} of ${chunks.total} chunks done`];
  if (waitingFor) lines.push('', waitingFor.message, ...(waitingFor.until ? ['', `Until ${waitingFor.until}`] : []));
  else if (slowedBy && state === 'running') lines.push('', SLOWED_BY[slowedBy]);
  lines.push(
    '',
    '| total | updated | rejected | failed | invalid | unprocessed |',
    '| --- | --- | --- | --- | --- | --- |',
    `| ${customers.total} | ${customers.updated} | ${customers.rejected} | ${customers.failed} | ${customers.invalid} | ${customers.unprocessed} |`,
    '',
    `Calls: ${calls}, throttled: ${throttled}`,
  );
  if (pace) lines.push('', `Pace: ${pace.callsPerSecond} calls/s, ${pace.concurrency} at once`);
  if (eta) lines.push('', `Done at about ${eta}`);
  if (latest.length > 0) lines.push('', 'Not updated lately:', '', ...latest.map(failureLine));
  if (report) lines.push('', `Report: ${report}`);
  if (retry) lines.push('', `To send again: ${retry}`);
  const leftOver = customers.failed + customers.unprocessed > 0;
  const help = (HELP[state] ?? []).filter((command) => leftOver || command !== 'retry');
  if (help.length > 0) lines.push('', ...help.map((command) => `- \`npm run starter -- ${command} ${id}\``));
  return lines.join('\n');
}

function failureLine({ row, id, outcome, code, message }: Failure): string {
  // Line breaks and bars would break the list or what follows it.
  return `- row ${row}, id ${id ?? 'unknown'}: ${outcome}, ${code}. ${message.replace(/[\r\n|]+/g, ' ')}`;
}
