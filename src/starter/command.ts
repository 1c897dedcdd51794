import { type Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { starterConfig, type StarterConfig } from '../config.ts';
import type { Interrupt } from './exit.ts';
import { foundJob, type FoundJob } from './jobs.ts';
import { typedJobId } from './names.ts';
import { type Session, withSession } from './session.ts';

/** What a command about one job is given. */
export interface JobCommand<Flags> {
  session: Session;
  id: string;
  job: FoundJob;
  flags: Flags;
  /** What the command takes beside the job. */
  operand: string | undefined;
  config: StarterConfig;
  interrupt: Interrupt;
}

/** A command about one job that is there, named by its workflow id, or by its name and store. `run` returns the exit code. */
export function jobCommand<Flags = object>(
  name: string,
  description: string,
  run: (command: JobCommand<Flags>) => Promise<number>,
  { options = [], operand }: { options?: Option[]; operand?: Argument } = {},
): AddCommand {
  return (program, act) => {
    const command = program
      .command(name)
      .description(description)
      .argument('<job>', 'workflow id of the job, or its name with --store')
      .option('--store <hash>', "store hash, or the store's API path");
    if (operand) command.addArgument(operand);
    for (const option of options) command.addOption(option);
    command.action((typed: string) =>
      act((interrupt) => {
        interrupt.farewell = '';
        const flags = command.opts<Flags & { store?: string }>();
        const id = typedJobId(typed, flags.store);
        const config = starterConfig();
        return withSession(config, async (session) => {
          const job = await foundJob(session, id);
          return run({ session, id, job, flags, operand: command.args[1], config, interrupt });
        });
      }),
    );
  };
}

/** `--json`, where `what` is what it prints. */
export const JSON_OPTION = (what: string): Option => new Option('--json', `for programs: ${what}`);

/** Runs what a command does and keeps the exit code it returns. */
export type Act = (command: (interrupt: Interrupt) => Promise<number>) => Promise<void>;

/** Adds one command to the program. */
export type AddCommand = (program: Command, act: Act) => void;

/** `--json` of the commands that show a job to its end. */
export const JSON_LINES = JSON_OPTION('one JSON object a line, as of show --json: at once, at changes, and at the end');

export const BACKUP = new Option('--backup', 'read what is there before it is changed, so that undo can put it back');

export const SKIP_UNCHANGED = new Option('--skip-unchanged', 'send nothing to customers who have all values already');

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
