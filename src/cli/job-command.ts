import type { Option } from 'commander';
import { starterConfig, type StarterConfig } from '../config.ts';
import type { AddCommand } from './command.ts';
import type { Interrupt } from './interrupt.ts';
import { foundJob, type FoundJob } from './jobs.ts';
import { typedJobId } from './names.ts';
import { type Session, withSession } from './session.ts';

/** What a command about one job is given. */
export interface JobCommand<Flags> {
  session: Session;
  id: string;
  job: FoundJob;
  flags: Flags;
  config: StarterConfig;
  interrupt: Interrupt;
}

/** A command about one job that is there, named by its workflow id, or by its name and store. `run` returns the exit code. */
export function jobCommand<Flags = object>(
  name: string,
  description: string,
  run: (command: JobCommand<Flags>) => Promise<number>,
  options: Option[] = [],
): AddCommand {
  return (program, act) => {
    const command = program
      .command(name)
      .description(description)
      .argument('<job>', 'workflow id of the job, or its name with --store')
      .option('--store <hash>', "store hash, or the store's API path");
    for (const option of options) command.addOption(option);
    command.action((typed: string, flags: Flags & { store?: string }) =>
      act((interrupt) => {
        interrupt.farewell = '';
        const id = typedJobId(typed, flags.store);
        const config = starterConfig();
        return withSession(config.webUiUrl, async (session) => {
          const job = await foundJob(session, id);
          return run({ session, id, job, flags, config, interrupt });
        });
      }),
    );
  };
}
