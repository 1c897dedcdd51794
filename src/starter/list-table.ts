/** Listed jobs as a table for people, and as JSON for programs. Pure: times are passed in, in ms since 1970. */
import { storeOfJob } from './names.ts';
import type { Session } from './session.ts';
import { type JobInfo, type JobStatus, statusJson } from './status.ts';
import type { Paint } from './terminal.ts';
import { duration, grouped, oneLine } from './words.ts';

/** A job in the list; `startedAt` is when its first run began. */
export interface ListedJob extends JobInfo, JobStatus {}

const UNKNOWN = '-';

const HEADINGS = ['STORE', 'JOB', 'STATE', 'DONE', 'NOT UPDATED', 'STARTED', 'TIME', 'BY'];
const TO_THE_RIGHT = ['DONE', 'NOT UPDATED'];

/** A table of jobs, one line each, below its headings. */
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

/** States that need a person are highlighted. */
const FORMATS: Record<string, Parameters<Paint>[0]> = { held: 'yellow', paused: 'yellow' };

function cells(job: ListedJob, now: number): string[] {
  const { id, progress, startedAt, startedBy } = job;
  const { total = 0, unprocessed = 0, rejected = 0, failed = 0, invalid = 0 } = progress?.customers ?? {};
  return [
    storeOfJob(id) ?? UNKNOWN,
    oneLine(nameOf(id)),
    stateText(job),
    // Rounded down: 100% only once all are done.
    total === 0 ? UNKNOWN : `${Math.floor(((total - unprocessed) / total) * 100)}%`,
    progress ? grouped(rejected + failed + invalid) : UNKNOWN,
    localTime(startedAt),
    timeText(job, now),
    oneLine(startedBy ?? UNKNOWN),
  ];
}

/** A job's name if its id was made from one, otherwise the id. */
function nameOf(id: string): string {
  return storeOfJob(id) === undefined ? id : id.split('/').slice(2).join('/');
}

/** While a job is running its own word for its state, otherwise the server's. */
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

/** A time in the reader's time zone, to the minute. */
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

/** A listed job for programs. */
export function listedJson(session: Session, job: ListedJob): Record<string, unknown> {
  const { id, startedAt, endedAt, startedBy, source } = job;
  return {
    ...statusJson(session, job, job),
    store: storeOfJob(id) ?? null,
    name: storeOfJob(id) === undefined ? null : nameOf(id),
    startedAt: startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    startedBy: startedBy ?? null,
    source: source ?? null,
  };
}
