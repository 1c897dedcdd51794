/** The command line: starts jobs, and shows how they go on. */
import { Command, CommanderError } from 'commander';
import type { Act } from './cli/command.ts';
import { EXIT, EXIT_CODES_HELP } from './cli/exit-codes.ts';
import { wordsFor } from './cli/expected.ts';
import { harmless } from './cli/harmless.ts';
import { untilInterrupted } from './cli/interrupt.ts';
import { addFailures } from './cli/failures.ts';
import { addList } from './cli/list.ts';
import { addPurge } from './cli/purge.ts';
import { addReport } from './cli/report.ts';
import { addRetry } from './cli/retry.ts';
import { addSetup } from './cli/setup.ts';
import { addShow } from './cli/show.ts';
import { addStart } from './cli/start.ts';
import { addCancel, addPause, addResume } from './cli/steer.ts';
import { addUndo } from './cli/undo.ts';
import { addWatch } from './cli/watch.ts';
import { STARTER } from './cli/words.ts';

const COMMANDS = [
  ...[addStart, addList, addWatch, addShow],
  ...[addPause, addResume, addCancel, addRetry, addUndo],
  ...[addFailures, addReport, addPurge, addSetup],
];

function createProgram(act: Act): Command {
  const program = new Command(STARTER)
    .description('Starts jobs that update customers of BigCommerce stores, and shows how they go on.')
    .usage('COMMAND …')
    .exitOverride()
    .showHelpAfterError('(--help tells how it is used)')
    .addHelpText('afterAll', EXIT_CODES_HELP);
  for (const addCommand of COMMANDS) addCommand(program, act);
  return program;
}

function codeOf(error: unknown): number {
  // Commander has printed what is wrong.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.allUpdated : EXIT.badUse;
  const words = wordsFor(error);
  console.error(typeof words === 'string' ? harmless(words) : words);
  return EXIT.badUse;
}

// Nobody reads the output any more, as behind `| head`. The job goes on.
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
