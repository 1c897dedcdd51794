/** Numbers, times and jobs in words for people. Pure: times are passed in, in ms since 1970. */
import { fileURLToPath } from 'node:url';
import type { Comparison, WouldSend } from '../contract/dry-run.ts';
import type { CustomerCounts, Failure, JobState, Progress } from '../contract/job.ts';
import { printable } from '../contract/describe.ts';

export const STARTER = 'npm run starter --';

export const grouped = (value: number): string => value.toLocaleString('en');

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** A time span in its two largest units: `8 s`, `3 min 20 s`, `5 h 36 min`. */
export function duration(ms: number): string {
  let seconds = Math.max(1, Math.round(ms / 1000));
  const largest = UNITS.findIndex(([, size]) => seconds >= size);
  const parts = UNITS.slice(largest, largest + 2).map(([unit, size]) => {
    const count = Math.floor(seconds / size);
    seconds %= size;
    return `${count} ${unit}`;
  });
  return parts.join(' ');
}

const OUTCOMES = ['updated', 'rejected', 'failed', 'invalid', 'unprocessed'] as const;

/** The five counts and their sum, one below the other, numbers aligned right. */
export function countsTable(customers: CustomerCounts): string {
  const width = grouped(customers.total).length;
  return [...OUTCOMES, 'total' as const]
    .map((name) => `  ${name.padEnd(11)}  ${grouped(customers[name]).padStart(width)}`)
    .join('\n');
}

/** The five counts in one line; empty as long as there are no customers to count. */
export const countsLine = (customers: CustomerCounts): string =>
  customers.total === 0 ? '' : OUTCOMES.map((name) => `${name} ${grouped(customers[name])}`).join(' · ');

/** Cells padded to the width of their columns; those whose index is in `right` are aligned right. */
export function aligned(lines: readonly string[][], right: readonly number[]): string[][] {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) =>
    line.map((cell, column) => {
      const width = widths[column] ?? 0;
      return right.includes(column) ? cell.padStart(width) : cell.padEnd(width);
    }),
  );
}

export function failuresTable(failures: readonly Failure[]): string {
  const cells = failures.map(({ row, line, id, outcome, code }) => {
    return [grouped(row), line === null ? '-' : grouped(line), String(id ?? '-'), outcome, code];
  });
  return aligned(cells, [0, 1, 2])
    .map(([row, line, id, outcome, code], index) => {
      const message = oneLine(failures[index]?.message);
      return `  row ${row}  line ${line}  id ${id}  ${outcome}  ${code}  ${message}`;
    })
    .join('\n');
}

/** Text of somebody else's on one line: with a line end in it, part of it would look like a line of ours. */
export const oneLine = (text: unknown): string => printable(String(text), 1_000);

const STATES: Record<JobState, string> = {
  preparing: 'reading and checking the source',
  running: 'running',
  paused: 'paused',
  held: 'held',
  cancelling: 'cancelling: waiting for what is in flight',
  closing: 'writing the report',
  completed: 'completed',
  cancelled: 'cancelled',
  failed: 'failed',
};

/** What a job is doing and what it is waiting for; not why it is held or paused, which is too long for a line. */
export function stateLine({ state, waitingFor }: Progress, now: number): string {
  if (waitingFor === null) return STATES[state];
  const left = waitingFor.until === null ? 0 : Date.parse(waitingFor.until) - now;
  if (state === 'held' || state === 'paused') {
    const next = waitingFor.kind === 'refused' ? 'looking for a new token' : 'trying again';
    return left > 0 ? `${STATES[state]}, ${next} in ${duration(left)}` : STATES[state];
  }
  return `${STATES[state]} · waiting${left > 0 ? ` ${duration(left)} more` : ''}: ${oneLine(waitingFor.message)}`;
}

/** How far a job is, how fast it is, and how long it will take; empty as long as that is not known. */
export function paceLine({ customers, pace, eta, waitingFor }: Progress, now: number): string {
  const settled = `${grouped(customers.total - customers.unprocessed)} of ${grouped(customers.total)}`;
  // A waiting job's estimate is stale, and it can't finish before it resumes.
  const end = eta === null ? 0 : Math.max(Date.parse(eta), Date.parse(waitingFor?.until ?? eta));
  const left = end - now;
  return [
    ...(customers.total > 0 ? [settled] : []),
    ...(pace ? [`${pace.callsPerSecond.toFixed(1)} calls/s`] : []),
    ...(left > 0 ? [`about ${duration(left)} left`] : []),
  ].join(' · ');
}

/** What sending would take, as a dry run has found. */
export function wouldSendText({ customers, calls, quota, compared }: WouldSend): string {
  const finds = compared ? `${comparedText(compared)}\n` : '';
  const what = `${finds}It would send ${counted(customers, 'customer')} in ${counted(calls, 'call')}`;
  if (quota === null || calls === 0) return `${what}.`;
  const { requests, windowMs } = quota;
  const time = `about ${duration((calls / requests) * windowMs)}`;
  return `${what}; ${time} at the store's quota of ${grouped(requests)} calls per ${duration(windowMs)}.`;
}

function comparedText({ changed, unchanged, ...others }: Comparison): string {
  const found = `${counted(changed, 'customer')} would change, ${grouped(unchanged)} would not: they already have all the values.`;
  const reasons = Object.entries(NOT_FOUND).flatMap(([what, why]) => {
    const rows = others[what as keyof typeof others];
    return rows === 0 ? [] : [`${counted(rows, 'row')} ${why}`];
  });
  return reasons.length === 0 ? found : `${found} ${reasons.join('; ')}. The report says which.`;
}

const NOT_FOUND: Record<Exclude<keyof Comparison, 'changed' | 'unchanged'>, string> = {
  unknown: 'would be rejected: no customer has the id or the address',
  ambiguous: 'would be rejected: several customers have the address',
  sameCustomer: 'would be left out: another row is about the same customer',
  unreadable: "could not be compared: the store didn't show all that the customer has",
};

/** How many of the updated customers were sent nothing. */
export const skippedText = (unchanged: number): string =>
  `${grouped(unchanged)} of the updated already had all the values, and were sent nothing.`;

/** How many customers a backup can't restore in full, and why. */
export const notInBackupText = (count: number): string =>
  `${counted(count, 'customer')} can't be restored in full: passwords can't be read, nor can what the store does not return.`;

export const counted = (count: number, noun: string): string => `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;

/** A file's path if the URI names a file of this machine, otherwise the URI. */
export const place = (uri: string): string => (uri.startsWith('file:///') ? fileURLToPath(uri) : uri);

/** A word of a command for a shell, quoted if necessary; invisible characters are escaped as bash and zsh read them. */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (!INVISIBLE.test(word)) return `'${word.replaceAll("'", String.raw`'\''`)}'`;
  const escaped = word.replace(/['\\]/g, String.raw`\$&`).replace(new RegExp(INVISIBLE, 'gu'), (sign) => {
    return String.raw`\U${(sign.codePointAt(0) as number).toString(16).padStart(8, '0')}`;
  });
  return `$'${escaped}'`;
}

const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/u;

/** That a job is held or paused, why, and how a person makes it continue; undefined if it is neither. */
export function cureOf(id: string, { state, waitingFor }: Progress): string | undefined {
  if ((state !== 'held' && state !== 'paused') || waitingFor === null) return undefined;
  return `${state}: ${oneLine(waitingFor.message)}\n        To resume it: ${STARTER} resume ${shellWord(id)}`;
}
