import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { customerUpdateSchedule, NoSuchJob } from '../client.ts';
import { starterConfig, type StarterConfig } from '../config.ts';
import { BadUse, type Interrupt, untilInterrupted } from './exit.ts';
import { typedJobId } from './names.ts';
import { type Session, withSession } from './session.ts';
import { getJobInfo, type JobInfo } from './status.ts';
import { shellWord, STARTER } from './words.ts';

export interface Context<Flags> {
  args: readonly string[];
  flags: Flags;
  config: StarterConfig;
  interrupt: Interrupt;
}

/** A command. `run` returns the exit code; without one it is that of success. */
export function command<Flags = object>(
  name: string,
  description: string,
  parts: readonly (Argument | Option)[],
  run: (context: Context<Flags>) => Promise<number | void>,
): Command {
  const command = new Command(name).description(description);
  for (const part of parts) {
    if (part instanceof Option) command.addOption(part);
    else command.addArgument(part);
  }
  return command.action(async () => {
    const { args } = command;
    const flags = command.opts() as Flags;
    process.exit(await untilInterrupted(async (interrupt) => run({ args, flags, config: starterConfig(), interrupt })));
  });
}

export interface JobCommand<Flags> extends Context<Flags> {
  session: Session;
  id: string;
  job: JobInfo;
  operand: string | undefined;
}

/** A command about one existing job, given by its id, or by name and store; with --latest, about a schedule's last run. */
export function jobCommand<Flags = object>(
  name: string,
  description: string,
  run: (command: JobCommand<Flags>) => Promise<number | void>,
  { parts = [], needs }: { parts?: readonly (Argument | Option)[]; needs?: 'running' | 'ended' } = {},
): Command {
  const job = new Argument('<job>', "the job's workflow id, or its name with --store");
  const latest = new Option('--latest', 'the last run of the schedule with this name or id');
  type JobFlags = Flags & { store?: string; latest?: boolean };
  return command<JobFlags>(name, description, [job, STORE(), latest, ...parts], (context) => {
    const [typed = '', operand] = context.args;
    const typedId = typedJobId(typed, context.flags.store);
    return withSession(context.config, async (session) => {
      const id = context.flags.latest ? await latestRunOf(session, typedId) : typedId;
      const job = await getJobInfo(session, id).catch(async (error: unknown) => {
        throw error instanceof NoSuchJob ? ((await meantBy(session, id)) ?? error) : error;
      });
      if (needs !== undefined) check(job, needs);
      return run({ ...context, session, id, job, operand });
    });
  });
}

/** The workflow id of a schedule's last run. Throws BadUse if there is none, NoSuchSchedule, ServerFailed. */
async function latestRunOf({ client }: Session, schedule: string): Promise<string> {
  const { runs } = await customerUpdateSchedule(client, schedule).describe();
  if (runs[0]) return runs[0].id;
  throw new BadUse(`The schedule ${schedule} has not started a run yet. To start one: ${trigger(schedule)}`);
}

/** What to type instead of an id that no job has; undefined if nobody can know. */
async function meantBy({ client }: Session, id: string): Promise<BadUse | undefined> {
  if (!id.includes('/'))
    return new BadUse(`There is no job ${id}. If this is a job's name, give its store as well: --store HASH`);
  const schedule = await customerUpdateSchedule(client, id)
    .describe()
    .catch(() => undefined);
  return (
    schedule &&
    new BadUse(
      `${id} is a schedule. For its last run, add --latest; to see its runs: ${STARTER} schedule show ${shellWord(id)}`,
    )
  );
}

const trigger = (schedule: string): string => `${STARTER} schedule trigger ${shellWord(schedule)}`;

function check({ id, status }: JobInfo, needs: 'running' | 'ended'): void {
  const word = shellWord(id);
  if (needs === 'running' && status !== 'RUNNING') {
    throw new BadUse(
      `The job ${id} has already ended (${status.toLowerCase()}). To send what it left: ${STARTER} retry ${word}`,
    );
  }
  if (needs === 'ended' && status === 'RUNNING') {
    throw new BadUse(
      `The job ${id} has not ended yet. Wait for it to end, or cancel it: ${STARTER} cancel ${word}\n` +
        `To see how far it is: ${STARTER} show ${word}`,
    );
  }
}

export const STORE = (): Option => new Option('--store <hash>', "the store's hash, or its API path");

/** `--json`; `what` is what it prints. */
export const JSON_OPTION = (what: string): Option => new Option('--json', `for programs: ${what}`);

/** `--json` of the commands that show a job to its end. */
export const JSON_LINES = JSON_OPTION('a JSON object per line, as show --json prints it: now, at changes, at the end');

/** Reads a whole number within bounds, for commander. */
export function numeric(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = /^\d+$/.test(value) ? Number(value) : NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(
      `Expected a whole number ${max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`}.`,
    );
  };
}
