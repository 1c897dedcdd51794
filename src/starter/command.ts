import { type Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { NoSuchJob } from '../client.ts';
import { starterConfig, type StarterConfig } from '../config.ts';
import { BadUse, type Interrupt } from './exit.ts';
import { typedJobId } from './names.ts';
import { type Session, withSession } from './session.ts';
import { getJobInfo, type JobInfo } from './status.ts';
import { shellWord, STARTER } from './words.ts';

/** Runs what a command does, and keeps the exit code that it returns. */
export type Act = (command: (interrupt: Interrupt) => Promise<number>) => Promise<void>;

/** Adds one command to the program. */
export type AddCommand = (program: Command, act: Act) => void;

/** What a command about one job gets. */
export interface JobCommand<Flags> {
  session: Session;
  id: string;
  job: JobInfo;
  flags: Flags;
  /** The argument after the job, if the command takes one. */
  operand: string | undefined;
  config: StarterConfig;
  interrupt: Interrupt;
}

/** A command about one existing job, given by its id, or by name and store. `run` returns the exit code. */
export function jobCommand<Flags = object>(
  name: string,
  description: string,
  run: (command: JobCommand<Flags>) => Promise<number>,
  {
    options = [],
    operand,
    needs,
  }: { options?: readonly Option[]; operand?: Argument; needs?: 'running' | 'ended' } = {},
): AddCommand {
  return (program, act) => {
    const command = program
      .command(name)
      .description(description)
      .argument('<job>', "the job's workflow id, or its name with --store")
      .option(...STORE);
    if (operand) command.addArgument(operand);
    for (const option of options) command.addOption(option);
    command.action((typed: string) =>
      act((interrupt) => {
        interrupt.farewell = '';
        const flags = command.opts<Flags & { store?: string }>();
        const id = typedJobId(typed, flags.store);
        const config = starterConfig();
        return withSession(config, async (session) => {
          const job = await getJobInfo(session, id).catch((error: unknown) => {
            if (!(error instanceof NoSuchJob) || id.includes('/')) throw error;
            throw new BadUse(`There is no job ${id}. If this is a job's name, give its store as well: --store HASH`);
          });
          if (needs !== undefined) check(job, needs);
          return run({ session, id, job, flags, operand: command.args[1], config, interrupt });
        });
      }),
    );
  };
}

/** Throws BadUse unless the job is in the state that a command needs. */
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

/** `--store` of a command, which says which store is meant. */
export const STORE = ['--store <hash>', "the store's hash, or its API path"] as const;

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
