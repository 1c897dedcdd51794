/** Numbers, times and jobs in words for people. Pure: times are given, in ms since 1970. */
import { fileURLToPath } from 'node:url';
import type { CustomerCounts, Failure, JobState, Progress, WaitingFor, WouldSend } from '../contract/job.ts';
import { printable } from '../contract/describe.ts';

/** How the starter is called. */
export const STARTER = 'npm run starter --';

/** A whole number with thousands separators. */
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

/** The five counts and their sum below each other, numbers to the right. */
export function countsTable(customers: CustomerCounts): string {
  const width = grouped(customers.total).length;
  return [...OUTCOMES, 'total' as const]
    .map((name) => `  ${name.padEnd(11)}  ${grouped(customers[name]).padStart(width)}`)
    .join('\n');
}

/** The five counts in one line; empty before there are customers to count. */
export const countsLine = (customers: CustomerCounts): string =>
  customers.total === 0 ? '' : OUTCOMES.map((name) => `${name} ${grouped(customers[name])}`).join(' · ');

/** Rows that were not updated below each other, in columns. */
export function failuresTable(failures: readonly Failure[]): string {
  const cells = failures.map(({ row, id, outcome, code }) => [grouped(row), String(id ?? '-'), outcome, code]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  return failures
    .map(({ message }, index) => {
      const [row, id, outcome, code] = (cells[index] as string[]).map((cell, column) =>
        column < 2 ? cell.padStart(widths[column] as number) : cell.padEnd(widths[column] as number),
      );
      return `  row ${row}  id ${id}  ${outcome}  ${code}  ${oneLine(message)}`;
    })
    .join('\n');
}

/** What somebody else has written, where a line end would look like a line of ours. */
export const oneLine = (text: unknown): string => printable(String(text), 1_000);

const STATES: Record<JobState, string> = {
  preparing: 'reading and checking the source',
  running: 'running',
  paused: 'paused',
  held: 'held',
  cancelling: 'cancelling: what is in flight finishes',
  closing: 'writing the report',
  completed: 'completed',
  cancelled: 'cancelled',
  failed: 'failed',
};

/** What a job does, and what it waits for; why it is held or paused is too long for a line. */
export function stateLine({ state, waitingFor }: Progress, now: number): string {
  if (waitingFor === null) return STATES[state];
  const left = waitingFor.until === null ? 0 : Date.parse(waitingFor.until) - now;
  if (state === 'held' || state === 'paused') {
    const does = waitingFor.kind === 'refused' ? 'looks for a new token' : 'tries again';
    return left > 0 ? `${STATES[state]}, ${does} in ${duration(left)}` : STATES[state];
  }
  const why = SHORT[waitingFor.kind] ?? oneLine(waitingFor.message);
  return `${STATES[state]} · waits${left > 0 ? ` ${duration(left)} more` : ''}: ${why}`;
}

/** What passes by itself, in few words: a terminal's line is short. */
const SHORT: Partial<Record<WaitingFor['kind'], string>> = {
  quota: "the store's request quota is used up",
  throttle: 'the store throttles (429)',
};

/** How far a job is, how fast, and how long it will take; empty before that is known. */
export function paceLine({ customers, pace, eta, waitingFor }: Progress, now: number): string {
  const settled = `${grouped(customers.total - customers.unprocessed)} of ${grouped(customers.total)}`;
  // A job that waits does not reckon anew; it can't end before it goes on.
  const end = eta === null ? 0 : Math.max(Date.parse(eta), Date.parse(waitingFor?.until ?? eta));
  const left = end - now;
  return [
    ...(customers.total > 0 ? [settled] : []),
    ...(pace ? [`${pace.callsPerSecond.toFixed(1)} calls/s`] : []),
    ...(left > 0 ? [`about ${duration(left)} left`] : []),
  ].join(' · ');
}

/** What sending takes, by a dry run. */
export function wouldSendText({ customers, calls, quota, compared }: WouldSend): string {
  const finds = compared ? `${comparedText(compared)}\n` : '';
  const what = `${finds}It would send ${counted(customers, 'customer')} in ${counted(calls, 'call')}`;
  if (quota === null || calls === 0) return `${what}.`;
  const { requests, windowMs } = quota;
  const time = `about ${duration((calls / requests) * windowMs)}`;
  return `${what}; ${time} at the store's quota of ${grouped(requests)} calls per ${duration(windowMs)}.`;
}

function comparedText({ changed, unchanged, missing }: NonNullable<WouldSend['compared']>): string {
  const gone = missing === 0 ? '' : ` ${counted(missing, 'customer')} not in the store.`;
  return `${counted(changed, 'customer')} would change, ${grouped(unchanged)} would not: they have all values already.${gone}`;
}

/** How many customers were sent nothing. */
export const skippedText = (unchanged: number): string =>
  `${grouped(unchanged)} of the updated had all values already, and were sent nothing.`;

/** How many customers a backup can't put back in full. */
export const notInBackupText = (count: number): string =>
  `        ${counted(count, 'customer')} can't be put back in full: passwords are not read, nor what the store does not tell.`;

const counted = (count: number, noun: string): string => `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;

/** A file's path where the URI names one of this machine, else the URI. */
export const place = (uri: string): string => (uri.startsWith('file:///') ? fileURLToPath(uri) : uri);

/** A word of a command for a shell, quoted where that is needed; what can't be seen, as bash and zsh read it. */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (!UNSEEN.test(word)) return `'${word.replaceAll("'", String.raw`'\''`)}'`;
  const escaped = word.replace(/['\\]/g, String.raw`\$&`).replace(new RegExp(UNSEEN, 'gu'), (sign) => {
    return String.raw`\U${(sign.codePointAt(0) as number).toString(16).padStart(8, '0')}`;
  });
  return `$'${escaped}'`;
}

const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/u;

/** That a job is held or paused, why, and what a person does for it to go on; undefined where it is not. */
export function cureOf(id: string, { state, waitingFor }: Progress): string | undefined {
  if ((state !== 'held' && state !== 'paused') || waitingFor === null) return undefined;
  return `${state}: ${oneLine(waitingFor.message)}\n        To resume it: ${STARTER} resume ${shellWord(id)}`;
}
