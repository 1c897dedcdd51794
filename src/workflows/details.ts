import type { Progress } from '../contract.ts';

/** A job's state as short markdown: the current details that the Web UI shows. */
export function details(progress: Progress): string {
  const { state, customers, chunks, calls, throttled, waitingFor, pace, eta, report, retry } = progress;
  const lines = [`**${state}**: ${chunks.done} of ${chunks.total} chunks done`];
  if (waitingFor) lines.push('', waitingFor.message, ...(waitingFor.until ? ['', `Until ${waitingFor.until}`] : []));
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
  if (report) lines.push('', `Report: ${report}`);
  if (retry) lines.push('', `To send again: ${retry}`);
  return lines.join('\n');
}
