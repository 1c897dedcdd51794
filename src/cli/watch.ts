import type { StarterConfig } from '../config.ts';
import { print, printAside } from './command.ts';
import { showEnding } from './ending.ts';
import { follow } from './follow.ts';
import type { Interrupt } from './interrupt.ts';
import { JSON_OPTION, jobCommand } from './job-command.ts';
import { foundJob } from './jobs.ts';
import type { Session } from './session.ts';
import { printStanding, standingJson } from './standing.ts';
import { jsonView, openView } from './view.ts';
import { oneLine, shellWord, STARTER } from './words.ts';

/** `--json` of the commands that show a job to its end. */
export const JSON_LINES = JSON_OPTION('one JSON object a line, as of show --json: at once, at changes, and at the end');

/** `watch JOB`: shows a job to its end. */
export const addWatch = jobCommand<{ json?: boolean }>(
  'watch',
  'show a job to its end',
  ({ session, id, job, flags, config, interrupt }) => {
    const watched = { id, status: job.status, json: flags.json ?? false };
    return watchToTheEnd(session, watched, config, interrupt);
  },
  { options: [JSON_LINES] },
);

/** Says which job it is and where to see it. */
export function announce(session: Session, id: string): void {
  print(`Job:    ${oneLine(id)}`);
  printWebPage(session, id);
}

function printWebPage(session: Session, id: string): void {
  const page = session.webPage(id);
  if (page !== undefined) print(`Web UI: ${page}`);
}

/** A job that is to be watched; `json`: for programs. */
export interface Watched {
  id: string;
  status: string;
  json: boolean;
}

/** Shows the job until it has ended, then its ending; returns the exit code. From here on Ctrl-C leaves a job that goes on. */
export async function watchToTheEnd(
  session: Session,
  { id, status, json }: Watched,
  { jobStore }: StarterConfig,
  interrupt: Interrupt,
): Promise<number> {
  const word = shellWord(id);
  interrupt.farewell =
    `Detached; the job goes on.\n  To watch it:  ${STARTER} watch ${word}\n` +
    `  To cancel it: ${STARTER} cancel ${word}`;
  if (json) {
    const line = (standing: Parameters<typeof standingJson>[2]) =>
      print(JSON.stringify(standingJson(session, { id, status }, standing)));
    line({});
    if (status === 'RUNNING') {
      await follow(
        session,
        id,
        jsonView((progress) => line({ progress }), printAside, Date.now),
        interrupt.signal,
      );
    }
    return printStanding(session, await foundJob(session, id));
  }
  announce(session, id);
  const progress = await follow(session, id, openView(process.stdout), interrupt.signal);
  const code = await showEnding(session, id, jobStore, progress);
  printWebPage(session, id);
  return code;
}
