import {
  type Client,
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  ScheduleNotFoundError,
} from '@temporalio/client';
import { jobId, type JobInput, type JobOptions, MAX_NAME, type Source } from '../contract/job.ts';
import { newJob } from '../contract/new-job.ts';
import { BadInput, checkName, jobOptionsSchema, parseJobInput } from '../contract/schema.ts';
import { NoSuchSchedule, ServerFailed } from './errors.ts';
import { ANSWER_MS, askServer, serverFailure, TimeIsUp, within } from './server.ts';
import { specOf, type When, whenText } from './when.ts';

/** The input of each of a schedule's jobs: a file that the workers read anew each time. */
export interface ScheduledInput {
  storeHash: string;
  source: Extract<Source, { uri: string }>;
  options?: JobOptions | undefined;
}

/** When a schedule starts its job, and who has made it. */
export interface ScheduleOptions extends When {
  /** Who makes it, and why: shown with each job. */
  startedBy?: string | undefined;
}

/** A schedule: it starts the same job again and again, each time as a run with an id of its own. */
export interface CustomerUpdateSchedule {
  /** The schedule's id. Its runs have this id with `-` and the time. */
  readonly id: string;
  /** What it does, and its last ten runs. */
  describe(): Promise<ScheduleState>;
  /** Starts no more runs until `resume`. One that is running carries on. */
  pause(reason?: string): Promise<void>;
  /** Starts runs again from now on; those that were missed are not made up for. */
  resume(): Promise<void>;
  /** Starts a run now. Does nothing if one is running: check `running` of `describe`. */
  trigger(): Promise<void>;
  /** Starts no more runs. Those that there were stay as they are, and one that is running carries on. */
  delete(): Promise<void>;
}

/** What a schedule does, and what it has done. */
export interface ScheduleState {
  /** In words, such as `30 2 * * * (Europe/Berlin)`; undefined if it was made by another client. */
  when: string | undefined;
  /** The URI. */
  source: string | undefined;
  options: JobOptions | undefined;
  paused: boolean;
  /** What it does, and why it was paused. */
  note: string;
  /** Undefined while it is paused, and if it never comes. */
  next: Date | undefined;
  /** The workflow ids of what is running. */
  running: string[];
  /** The last ten, latest first: the workflow id, and the time for which it was scheduled. */
  runs: { id: string; at: Date }[];
  /** Times at which nothing was started, because the run before was still running. */
  skipped: number;
  /** Times that were missed while the server was away for more than an hour. */
  missed: number;
}

/** What Temporal adds to the id, as in `-2026-11-30T02:30:00Z`, and starter and client to that, such as `-retry`. */
const MAX_SUFFIX = 40;

/**
 * Makes Temporal start a job again and again, as `customer-updates/{storeHash}/{name}-{time}`, from a file that is read anew
 * each time. A run that would begin while the one before is running is skipped. A run whose file is not there looks for it
 * again, 10 and 30 minutes later, before it fails with BadSource.
 *
 * If the schedule is there already and does the same, nothing is done. Throws BadInput before anything is done, also if a
 * schedule of this name does something else; ServerFailed. It is safe to call again.
 *
 * @example
 * ```ts
 * const source = { uri: 's3://my-bucket/uploads/customers.csv' };
 * const input = { storeHash: 'abc123', source, options: { skipUnchanged: true } };
 * const nightly = await scheduleCustomerUpdate(client, input, 'nightly', { cron: '30 2 * * *', timezone: 'Europe/Berlin' });
 * const { runs } = await nightly.describe();
 * if (runs[0]) console.log(await customerUpdate(client, runs[0].id).progress());
 * ```
 */
export async function scheduleCustomerUpdate(
  client: Client,
  input: ScheduledInput,
  name: string,
  { startedBy, ...when }: ScheduleOptions,
): Promise<CustomerUpdateSchedule> {
  const { storeHash, source, options } = checkInput(input);
  checkName(name, MAX_NAME - MAX_SUFFIX);
  const spec = specOf(when);
  const id = jobId(storeHash, name);
  const does = { when: whenText(when), source: source.uri, options: options ?? {} };
  const note = `Updates the customers of store ${storeHash} from ${source.uri}: ${does.when}.`;
  try {
    await within(client, ANSWER_MS, () =>
      client.schedule.create({
        scheduleId: id,
        spec,
        policies: { overlap: 'SKIP', catchupWindow: '1 hour' },
        action: {
          type: 'startWorkflow',
          workflowType: 'updateCustomers',
          ...newJob({ storeHash, source, ...(options && { options }) }, name, startedBy),
        },
        memo: { ...does, note },
        state: { note },
      }),
    );
  } catch (error) {
    if (error instanceof TimeIsUp) throw new ServerFailed('The Temporal server does not answer.', true);
    if (!(error instanceof ScheduleAlreadyRunning)) throw serverFailure(error) ?? error;
    const existing = await customerUpdateSchedule(client, id).describe();
    if (textOf(existing) !== textOf(does)) {
      throw new BadInput(
        `There is a schedule ${id} already, and it does something else: ${textOf(existing)}. Wanted: ${textOf(does)}. ` +
          'Delete it first, or give this one another name.',
      );
    }
  }
  return customerUpdateSchedule(client, id);
}

/** Checks what a schedule is to start, before anything is done. Throws BadInput. */
function checkInput(input: ScheduledInput): Omit<JobInput, 'source'> & Pick<ScheduledInput, 'source'> {
  const { storeHash, source, options } = input;
  const given = Object.keys((source as object | undefined) ?? {}).find(
    (key) => key === 'customers' || key === 'retryOf',
  );
  if (given !== undefined) {
    throw new BadInput(
      `source: expected the uri of a file for a schedule, which is read anew each time, got ${given}. ` +
        'Write the file where the workers can read it (SOURCE_ROOTS).',
    );
  }
  parseJobInput(input);
  return { storeHash, source, options };
}

/** What a schedule does, with the options that differ from the defaults, the same for two that do the same. */
function textOf({ when, source, options = {} }: Pick<ScheduleState, 'when' | 'source' | 'options'>): string {
  const defaults: Record<string, unknown> = jobOptionsSchema.parse({});
  const full = jobOptionsSchema.safeParse(options).data ?? {};
  const set = Object.entries(full).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(defaults[name]));
  return JSON.stringify({ when, source, options: Object.fromEntries(set) });
}

/** The schedule with this id. Makes no request yet. Its methods throw NoSuchSchedule and ServerFailed. */
export function customerUpdateSchedule(client: Client, id: string): CustomerUpdateSchedule {
  const handle = client.schedule.getHandle(id);
  const ask = async <T>(change: (description: ScheduleDescription) => T | Promise<T>): Promise<T> => {
    try {
      return await askServer(client, async () => {
        const description = await handle.describe();
        if (description.action.workflowType !== 'updateCustomers') throw new NoSuchSchedule(id);
        return change(description);
      });
    } catch (error) {
      throw error instanceof ScheduleNotFoundError ? new NoSuchSchedule(id) : error;
    }
  };
  const noteOf = ({ memo, state }: ScheduleDescription) => (memo?.['note'] as string | undefined) ?? state.note ?? '';
  return {
    id,
    describe: () => ask(stateOf),
    // Temporal keeps one note, which is to say both.
    pause: (reason = '') =>
      ask((schedule) => handle.pause(`Paused${reason === '' ? '' : `: ${reason}`}. ${noteOf(schedule)}`)),
    resume: () => ask((schedule) => handle.unpause(noteOf(schedule))),
    trigger: () => ask(() => handle.trigger('SKIP')),
    delete: () => ask(() => handle.delete()),
  };
}

function stateOf({ memo, action, state, info }: ScheduleDescription): ScheduleState {
  const [input] = (action.args ?? []) as [Partial<JobInput>?];
  const { source } = input ?? {};
  return {
    when: memo?.['when'] as string | undefined,
    source: source && 'uri' in source ? source.uri : undefined,
    options: input?.options,
    paused: state.paused,
    note: state.note ?? '',
    next: state.paused ? undefined : info.nextActionTimes[0],
    running: info.runningActions.map(({ workflow }) => workflow.workflowId),
    runs: info.recentActions
      .map(({ scheduledAt, action }) => ({ id: action.workflow.workflowId, at: scheduledAt }))
      .reverse(),
    skipped: info.numActionsSkippedOverlap,
    missed: info.numActionsMissedCatchupWindow,
  };
}
