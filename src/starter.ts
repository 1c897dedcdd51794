/** The command line: starts jobs, and shows how they are doing. */
import { Command, CommanderError } from 'commander';
import type { Act } from './starter/command.ts';
import { printableError } from './starter/errors.ts';
import { EXIT, EXIT_CODES_HELP, untilInterrupted } from './starter/exit.ts';
import { addFailures } from './starter/failures.ts';
import { addList } from './starter/list.ts';
import { addPurge } from './starter/purge.ts';
import { addFix, addReport } from './starter/fetch.ts';
import { addRetry } from './starter/retry.ts';
import { addSetup } from './starter/setup.ts';
import { addShow } from './starter/show.ts';
import { addStart } from './starter/start.ts';
import { addCancel, addPause, addResume } from './starter/steer.ts';
import { stripControl } from './starter/terminal.ts';
import { addUndo } from './starter/undo.ts';
import { addWatch } from './starter/watch.ts';
import { STARTER } from './starter/words.ts';

const COMMANDS = [
  ...[addStart, addList, addWatch, addShow],
  ...[addPause, addResume, addCancel, addRetry, addUndo],
  ...[addFailures, addReport, addFix, addPurge, addSetup],
];

function createProgram(act: Act): Command {
  const program = new Command(STARTER)
    .description('Starts jobs that update customers of BigCommerce stores, and shows how they are doing.')
    .usage('COMMAND …')
    .exitOverride()
    .showHelpAfterError('(for usage: --help)')
    .addHelpText('afterAll', EXIT_CODES_HELP);
  for (const addCommand of COMMANDS) addCommand(program, act);
  return program;
}

function codeOf(error: unknown): number {
  // Commander has already printed what is wrong.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.allUpdated : EXIT.badUse;
  const words = printableError(error);
  console.error(typeof words === 'string' ? stripControl(words) : words);
  return EXIT.badUse;
}

// Nobody reads the output any more, for example after `| head`. The job carries on.
process.stdout.on('error', () => process.exit(EXIT.detached));

const code = await untilInterrupted(async (interrupt) => {
  let code: number = EXIT.allUpdated;
  const program = createProgram(async (command) => {
    code = await command(interrupt);
  });
  await program.parseAsync();
  return code;
}).catch(codeOf);
process.exit(code);
