/** The command line: starts jobs, and shows how they are doing. */
import { Command, CommanderError } from 'commander';
import { EXIT, EXIT_CODES_HELP, printableError } from './starter/exit.ts';
import { failuresCommand } from './starter/failures.ts';
import { listCommand } from './starter/list.ts';
import { purgeCommand } from './starter/purge.ts';
import { changesCommand, fixCommand, reportCommand } from './starter/fetch.ts';
import { retryCommand } from './starter/retry.ts';
import { scheduleCommands } from './starter/schedule.ts';
import { setupCommand } from './starter/setup.ts';
import { showCommand } from './starter/show.ts';
import { startCommand } from './starter/start.ts';
import { cancelCommand, pauseCommand, resumeCommand } from './starter/steer.ts';
import { stripControl } from './starter/terminal.ts';
import { undoCommand } from './starter/undo.ts';
import { watchCommand } from './starter/watch.ts';
import { STARTER } from './starter/words.ts';

const program = new Command(STARTER)
  .description('Starts jobs that update customers of BigCommerce stores, and shows how they are doing.')
  .usage('COMMAND …')
  .exitOverride()
  .showHelpAfterError('(for usage: --help)')
  .addHelpText('afterAll', EXIT_CODES_HELP);
for (const command of [
  ...[startCommand, listCommand, watchCommand, showCommand],
  ...[pauseCommand, resumeCommand, cancelCommand, retryCommand, undoCommand, scheduleCommands],
  ...[failuresCommand, reportCommand, fixCommand, changesCommand, purgeCommand, setupCommand],
]) {
  program.addCommand(command.copyInheritedSettings(program));
  for (const sub of command.commands) sub.copyInheritedSettings(program);
}

// Nobody reads the output any more, for example after `| head`. The job carries on.
process.stdout.on('error', () => process.exit(EXIT.detached));

await program.parseAsync().catch((error: unknown) => {
  // Commander has already printed what is wrong.
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? EXIT.allUpdated : EXIT.badUse);
  const words = printableError(error);
  console.error(typeof words === 'string' ? stripControl(words) : words);
  process.exit(EXIT.badUse);
});
