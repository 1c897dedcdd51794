/** Schedules and their runs as tables for people. Pure. */
import type { ScheduleState } from '../client.ts';
import { type ListedJob, localTime, nameOf, stateText, timeText, UNKNOWN } from './list.ts';
import { storeOfJob } from './names.ts';
import type { Paint } from './terminal.ts';
import { aligned, grouped, oneLine } from './words.ts';

/** A run of a schedule: when it was due, its workflow id, and the job, as long as the server knows it. */
export interface ListedRun {
  id: string;
  at: Date;
  job: ListedJob | undefined;
}

const RUNS = ['TIME', 'STATE', 'UPDATED', 'OF THESE UNCHANGED', 'NOT UPDATED', 'TOOK', 'JOB'];

/** The runs of a schedule, one line each. `now` is in ms since 1970. */
export function runsTable(runs: readonly ListedRun[], now: number, paint: Paint): string {
  return table(
    RUNS,
    runs.map((run) => runCells(run, now)),
    [2, 3, 4],
    paint,
  );
}

function runCells({ id, at, job }: ListedRun, now: number): string[] {
  const { customers, unchanged } = job?.progress ?? {};
  return [
    localTime(at),
    job ? stateText(job) : 'no longer known',
    customers ? grouped(customers.updated) : UNKNOWN,
    unchanged === undefined ? UNKNOWN : grouped(unchanged),
    customers ? grouped(customers.rejected + customers.failed + customers.invalid) : UNKNOWN,
    job ? timeText(job, now).replace(/^took /, '') : UNKNOWN,
    oneLine(nameOf(id)),
  ];
}

/** A schedule in the list. */
export type ListedSchedule = { id: string } & Pick<ScheduleState, 'when' | 'paused' | 'next'> & {
    last: Date | undefined;
  };

const SCHEDULES = ['STORE', 'SCHEDULE', 'WHEN', 'NEXT', 'LAST'];

/** Schedules, one line each. */
export function schedulesTable(schedules: readonly ListedSchedule[], paint: Paint): string {
  const cells = schedules.map(({ id, when, paused, next, last }) => [
    storeOfJob(id) ?? UNKNOWN,
    oneLine(nameOf(id)),
    oneLine(when ?? UNKNOWN),
    paused ? 'paused' : next ? localTime(next) : 'never',
    last ? localTime(last) : UNKNOWN,
  ]);
  return table(SCHEDULES, cells, [], paint);
}

function table(headings: string[], cells: string[][], right: number[], paint: Paint): string {
  const [first, ...lines] = aligned([headings, ...cells], right).map((line) => line.join('  ').trimEnd());
  return [paint('dim', first as string), ...lines].join('\n');
}
