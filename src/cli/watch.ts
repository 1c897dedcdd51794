import { print } from './command.ts';
import { showEnding } from './ending.ts';
import { follow } from './follow.ts';
import type { Interrupt } from './interrupt.ts';
import { jobCommand } from './job-command.ts';
import type { Session } from './session.ts';
import { openView } from './view.ts';
import { shellWord, STARTER } from './words.ts';

/** `watch JOB`: shows a job to its end. */
export const addWatch = jobCommand('watch', 'show a job to its end', async ({ session, id, interrupt }) => {
  announce(session, id);
  return watchToTheEnd(session, id, interrupt);
});

/** Says which job it is and where to see it. */
export function announce(session: Session, id: string): void {
  print(`Job:    ${id}`);
  printWebPage(session, id);
}

function printWebPage(session: Session, id: string): void {
  const page = session.webPage(id);
  if (page !== undefined) print(`Web UI: ${page}`);
}

/** Shows the job until it has ended, then its ending; returns the exit code. From here on Ctrl-C leaves a job that goes on. */
export async function watchToTheEnd(session: Session, id: string, interrupt: Interrupt): Promise<number> {
  const word = shellWord(id);
  interrupt.farewell =
    `Detached; the job goes on.\n  To watch it:  ${STARTER} watch ${word}\n` +
    `  To cancel it: ${STARTER} cancel ${word}`;
  const progress = await follow(session, id, openView(process.stdout), interrupt.signal);
  const code = await showEnding(session, id, progress);
  printWebPage(session, id);
  return code;
}
