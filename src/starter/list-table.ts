/** Jobs of the list as a table for people, and as JSON for programs. Pure: times are given, in ms since 1970. */
import { storeOfJob } from './names.ts';
import type { Paint } from './terminal.ts';
import type { Session } from './session.ts';
import { type Standing, standingJson } from './standing.ts';
import { duration, grouped, oneLine } from './words.ts';
import type { FoundJob } from './jobs.ts';

const UNKNOWN = '-';

const HEADINGS = ['STORE', 'JOB', 'STATE', 'DONE', 'NOT UPDATED', 'STARTED', 'TIME', 'BY'];
const TO_THE_RIGHT = ['DONE', 'NOT UPDATED'];

/** A table of jobs, a line each, below its headings. */
export function jobsTable(jobs: readonly ListedJob[], now: number, paint: Paint): string {
  const lines = jobs.map((job) => cells(job, now));
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...lines.map((line) => (line[column] as string).length)),
  );
  const padded = (line: readonly string[]) =>
    line.map((cell, column) => {
      const width = widths[column] as number;
      return TO_THE_RIGHT.includes(HEADINGS[column] as string) ? cell.padStart(width) : cell.padEnd(width);
    });
  const joined = (line: readonly string[]) => line.join('  ').trimEnd();
  const painted = lines.map((line, index) => {
    const format = FORMATS[(jobs[index] as ListedJob).status === 'RUNNING' ? stateOf(jobs[index] as ListedJob) : ''];
    return joined(padded(line).map((cell, column) => (column === STATE && format ? paint(format, cell) : cell)));
  });
  return [paint('dim', joined(padded(HEADINGS))), ...painted].join('\n');
}

const STATE = HEADINGS.indexOf('STATE');

/** What needs a person stands out. */
const FORMATS: Record<string, Parameters<Paint>[0]> = { held: 'yellow', paused: 'yellow' };

function cells(job: ListedJob, now: number): string[] {
  const { id, progress, startedAt, startedBy } = job;
  const { total = 0, unprocessed = 0, rejected = 0, failed = 0, invalid = 0 } = progress?.customers ?? {};
  return [
    storeOfJob(id) ?? UNKNOWN,
    oneLine(nameOf(id)),
    stateText(job),
    // Never 100% before all of them are.
    total === 0 ? UNKNOWN : `${Math.floor(((total - unprocessed) / total) * 100)}%`,
    progress ? grouped(rejected + failed + invalid) : UNKNOWN,
    localTime(startedAt),
    timeText(job, now),
    oneLine(startedBy ?? UNKNOWN),
  ];
}

/** A job's name where its id was made of one, else the id. */
function nameOf(id: string): string {
  return storeOfJob(id) === undefined ? id : id.split('/').slice(2).join('/');
}

/** A job's own word for its state while it runs, else the server's. */
function stateOf({ status, progress }: ListedJob): string {
  if (status === 'RUNNING') return progress?.state ?? 'running';
  return status.toLowerCase().replaceAll('_', ' ');
}

function stateText(job: ListedJob): string {
  const { waitingFor } = job.progress ?? {};
  const waits = job.status === 'RUNNING' && waitingFor && waitingFor.kind !== 'pause';
  return waits ? `${stateOf(job)} (${waitingFor.kind})` : stateOf(job);
}

function timeText({ status, startedAt, endedAt, progress }: ListedJob, now: number): string {
  if (endedAt) return `took ${duration(endedAt.getTime() - startedAt.getTime())}`;
  const left = status === 'RUNNING' && progress?.eta ? Date.parse(progress.eta) - now : 0;
  return left > 0 ? `about ${duration(left)} left` : `for ${duration(now - startedAt.getTime())}`;
}

/** A time where the reader is, to the minute. */
function localTime(time: Date): string {
  const [year, month, day, hours, minutes] = [
    time.getFullYear(),
    time.getMonth() + 1,
    time.getDate(),
    time.getHours(),
    time.getMinutes(),
  ].map((part) => String(part).padStart(2, '0'));
  return `${year}-${month}-${day} ${hours}:${minutes}`;
}

/** A job of the list, for programs. */
export function listedJson(session: Session, job: ListedJob): Record<string, unknown> {
  const { id, startedAt, endedAt, startedBy, source } = job;
  return {
    ...standingJson(session, job, job),
    store: storeOfJob(id) ?? null,
    name: storeOfJob(id) === undefined ? null : nameOf(id),
    startedAt: startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    startedBy: startedBy ?? null,
    source: source ?? null,
  };
}

/** A job in the list; `startedAt` is when its first run began. */
export interface ListedJob extends FoundJob, Standing {}
