/** `schedule …`: jobs that Temporal starts again and again by itself. */
import { Argument, Command, Option } from 'commander';
import {
  type CustomerUpdateSchedule,
  customerUpdateSchedule,
  type ScheduleState,
  scheduleCustomerUpdate,
  type When,
} from '../client.ts';
import { askServer } from '../client/server.ts';
import { specOf, whenText } from '../client/when.ts';
import { type Format, jobId } from '../contract/job.ts';
import { command, JSON_OPTION, STORE } from './command.ts';
import { BadUse } from './exit.ts';
import { jobsWith, listedJson, localTime, stateText } from './list.ts';
import { checkScheduleName, storeOfJob, tidyStoreHash, typedJobId } from './names.ts';
import { jobOptionsOf, READING_AND_RUNNING } from './options.ts';
import { type ListedRun, type ListedSchedule, runsTable, schedulesTable } from './schedule-tables.ts';
import { type Session, withSession } from './session.ts';
import { uriSource } from './source.ts';
import { askFirst, userAndMachine, YES } from './start.ts';
import { painter, print } from './terminal.ts';
import { counted, oneLine, shellWord, STARTER } from './words.ts';

interface CreateFlags extends When {
  store: string;
  format?: Format;
  yes?: boolean;
}

const create = command<CreateFlags>(
  'create',
  'start a job each time anew from a file that workers read; the same schedule again changes nothing',
  [
    new Argument('<name>', "the schedule's name: its runs have it with the time"),
    new Argument('<uri>', 'the URI of a file that workers can read at the time, file:/// or s3://'),
    STORE().makeOptionMandatory(),
    new Option('--cron <fields>', 'when: minute, hour, day of the month, month, day of the week, such as "30 2 * * *"'),
    new Option('--timezone <name>', 'where the clock of --cron is, such as Europe/Berlin; default: UTC'),
    new Option('--every <time>', 'instead of --cron: a number and s, m, h or d, such as 4h'),
    new Option('--format <format>', "the file's format; default: by its name").choices(['csv', 'ndjson', 'json']),
    ...[...READING_AND_RUNNING, YES],
  ],
  async ({ args: [name = '', uri = ''], flags, config, interrupt }) => {
    interrupt.farewell = 'The schedule may or may not be there. To find out, use the same command again.';
    const { cron, timezone, every, format } = flags;
    const storeHash = tidyStoreHash(flags.store);
    const when = { cron, timezone, every };
    checkScheduleName(name);
    specOf(when);
    const source = uriSource(uri, format);
    const options = jobOptionsOf({ ...flags });
    if (!flags.yes && !options.dryRun) {
      const words = `${uri}, each time: ${whenText(when)}`;
      await askFirst(
        { ...source, words },
        options,
        storeHash,
        new URL(config.BIGCOMMERCE_API_URL).hostname,
        interrupt.signal,
      );
    }
    return withSession(config, async (session) => {
      const input = { storeHash, source: { uri, ...(format && { format }) }, options };
      const { id, describe } = await scheduleCustomerUpdate(session.client, input, name, {
        ...when,
        startedBy: userAndMachine(),
      });
      printState(session, id, await describe());
    });
  },
);

const list = command<{ store?: string; json?: boolean }>(
  'list',
  'print the schedules',
  [
    new Option('--store <hash>', 'only those of this store, by its hash or API path'),
    JSON_OPTION('one JSON object per line, for each schedule'),
  ],
  ({ flags, config }) => {
    const prefix = flags.store === undefined ? 'customer-updates/' : jobId(tidyStoreHash(flags.store), '');
    return withSession(config, async (session) => {
      const schedules = await askServer(session.client, () => schedulesBelow(session, prefix));
      if (flags.json) for (const schedule of schedules) print(JSON.stringify(schedule));
      else if (schedules.length > 0) print(schedulesTable(schedules, painter(process.stdout)));
      else
        print(
          `The namespace ${session.namespace} has no schedules${flags.store === undefined ? '' : ' of this store'}.`,
        );
    });
  },
);

async function schedulesBelow({ client }: Session, prefix: string): Promise<ListedSchedule[]> {
  const schedules: ListedSchedule[] = [];
  for await (const { scheduleId: id, memo, state, info } of client.schedule.list()) {
    if (!id.startsWith(prefix) || storeOfJob(id) === undefined) continue;
    const when = memo?.['when'] as string | undefined;
    const { recentActions, nextActionTimes } = info;
    const next = state.paused ? undefined : nextActionTimes[0];
    schedules.push({ id, when, paused: state.paused, next, last: recentActions.at(-1)?.scheduledAt });
  }
  return schedules.sort((a, b) => (a.id < b.id ? -1 : 1));
}

const show = scheduleCommand<{ json?: boolean }>(
  'show',
  'print what a schedule does, and its last ten runs',
  async ({ session, schedule, flags }) => {
    const state = await schedule.describe();
    const jobs = await jobsWith(
      session,
      state.runs.map(({ id }) => id),
    );
    const runs: ListedRun[] = state.runs.map((run) => ({ ...run, job: jobs.find(({ id }) => id === run.id) }));
    if (flags.json) {
      const json = runs.map(({ id, at, job }) => ({ id, at, ...(job && listedJson(session, job)) }));
      print(JSON.stringify({ id: schedule.id, ...state, runs: json }));
      return;
    }
    printState(session, schedule.id, state);
    if (runs.length > 0) print(`\n${runsTable(runs, Date.now(), painter(process.stdout))}`);
    for (const { id, job } of runs) {
      if (job?.status !== 'RUNNING' || job.progress?.waitingFor == null) continue;
      print(`\n${stateText(job)}: ${oneLine(job.progress.waitingFor.message)}\n  ${STARTER} show ${shellWord(id)}`);
    }
  },
  [JSON_OPTION('one JSON object, with the runs')],
);

function printState(
  session: Session,
  id: string,
  { when, source, paused, note, next, skipped, missed }: ScheduleState,
) {
  print(`Schedule: ${oneLine(id)}`);
  print(
    `          ${oneLine(when ?? 'made by another client')}, from ${oneLine(source ?? 'a source that is not a URI')}`,
  );
  const page = session.webPage(id, 'schedules');
  if (page !== undefined) print(`Web UI:   ${page}`);
  const soon = paused ? `none. ${oneLine(note)}` : next ? localTime(next) : 'never';
  print(`Next run: ${soon}`);
  if (paused) print(`          To resume it: ${STARTER} schedule resume ${shellWord(id)}`);
  if (skipped > 0) print(`Skipped:  ${counted(skipped, 'time')}, because the run before was still running`);
  if (missed > 0) print(`Missed:   ${counted(missed, 'time')}, while the Temporal server was away`);
}

const pause = scheduleCommand<{ reason?: string }>(
  'pause',
  'start no more runs until the schedule is resumed; one that is running carries on',
  async ({ schedule, flags }) => {
    await schedule.pause(flags.reason);
    print('The schedule is paused.');
  },
  [new Option('--reason <text>', 'why, for whoever looks at the schedule')],
);

const resume = scheduleCommand('resume', 'start runs again from now on', async ({ schedule }) => {
  await schedule.resume();
  const { next } = await schedule.describe();
  print(`The schedule continues. Next run: ${next ? localTime(next) : 'never'}`);
});

const trigger = scheduleCommand('trigger', 'start a run now, unless one is running', async ({ schedule }) => {
  const { running } = await schedule.describe();
  if (running[0] !== undefined) {
    throw new BadUse(`A run is still running: ${running[0]}. To see it: ${STARTER} show ${shellWord(running[0])}`);
  }
  await schedule.trigger();
  print(`A run begins. To watch it: ${STARTER} watch ${shellWord(schedule.id)} --latest`);
});

const remove = scheduleCommand(
  'delete',
  'start no more runs; what the runs have done and left stays, and one that is running carries on',
  async ({ schedule }) => {
    await schedule.delete();
    print('The schedule is deleted.');
  },
);

interface ScheduleCommand<Flags> {
  session: Session;
  schedule: CustomerUpdateSchedule;
  flags: Flags;
}

/** A command about one existing schedule, given by its id, or by name and store. */
function scheduleCommand<Flags = object>(
  name: string,
  description: string,
  run: (command: ScheduleCommand<Flags>) => Promise<void>,
  parts: readonly Option[] = [],
): Command {
  const schedule = new Argument('<name>', "the schedule's name with --store, or its id");
  return command<Flags & { store?: string }>(
    name,
    description,
    [schedule, STORE(), ...parts],
    ({ args, flags, config }) => {
      const id = typedJobId(args[0] ?? '', flags.store);
      return withSession(config, (session) =>
        run({ session, schedule: customerUpdateSchedule(session.client, id), flags }),
      );
    },
  );
}

export const scheduleCommands = new Command('schedule').description(
  'start a job again and again, each night for example: create, list, show, pause, resume, trigger, delete',
);
for (const command of [create, list, show, pause, resume, trigger, remove]) scheduleCommands.addCommand(command);
