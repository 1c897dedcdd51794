import { setTimeout as sleep } from 'node:timers/promises';
import { ServerFailed } from '../client.ts';
import type { Progress } from '../contract/job.ts';
import { jobCommand, JSON_LINES } from './command.ts';
import type { Interrupt } from './exit.ts';
import type { Session } from './session.ts';
import { announce, printWebPage, showEnding } from './show.ts';
import { askProgress, getJobInfo, type JobInfo, type JobStatus, printStatusJson, statusJson } from './status.ts';
import { print, printAside } from './terminal.ts';
import { jsonView, openView, type View } from './watch-view.ts';
import { cureOf, shellWord, STARTER } from './words.ts';

export const watchCommand = jobCommand<{ json?: boolean }>(
  'watch',
  'show a job to its end',
  ({ session, job, flags, interrupt }) => watchToTheEnd(session, job, flags.json ?? false, interrupt),
  { parts: [JSON_LINES] },
);

/** Shows the job until it has ended, and then how; returns the exit code. From here on Ctrl-C only detaches. */
export async function watchToTheEnd(
  session: Session,
  { id, status }: Pick<JobInfo, 'id' | 'status'>,
  json: boolean,
  interrupt: Interrupt,
): Promise<number> {
  const word = shellWord(id);
  interrupt.farewell =
    `Detached; the job carries on.\n  To watch it:  ${STARTER} watch ${word}\n` +
    `  To cancel it: ${STARTER} cancel ${word}`;
  if (json) {
    const printLine = (progress?: Progress) => print(JSON.stringify(statusJson(session, { id, status }, { progress })));
    printLine();
    const view = jsonView(printLine, printAside, Date.now);
    if (status === 'RUNNING') await follow(session, id, view, interrupt.signal);
    return printStatusJson(session, await getJobInfo(session, id));
  }
  announce(session, id);
  const progress = await follow(session, id, openView(process.stdout), interrupt.signal);
  const code = await showEnding(session, id, progress);
  printWebPage(session, id);
  return code;
}

/** Between two looks at a job, at first and later: each is a query, and Temporal Cloud charges for those. */
const INTERVAL_MS = 1_000;
const LATER_INTERVAL_MS = 5_000;
const LATER_MS = 60_000;

/**
 * Shows a job until it has ended, whatever happens to worker and server meanwhile; returns its last progress, if a
 * worker was there to report it. Throws NoSuchJob, and AbortError on `signal`.
 */
async function follow(session: Session, id: string, view: View, signal: AbortSignal): Promise<Progress | undefined> {
  let trouble: string | undefined;
  let cure: string | undefined;
  const startedAt = performance.now();
  signal.addEventListener('abort', () => view.end());
  try {
    for (;;) {
      const look = await lookAt(session, id);
      if (signal.aborted) throw signal.reason;
      if (look.trouble !== undefined && look.trouble !== trouble && !look.ended) {
        view.say(`${look.trouble} Trying again.`);
      }
      if (trouble !== undefined && look.progress) view.say('The job answers again.');
      trouble = look.trouble;
      if (look.progress) {
        const needed = cureOf(id, look.progress);
        if (needed !== undefined && needed !== cure) view.say(`The job is ${needed}`);
        cure = needed;
        view.show(look.progress);
      }
      if (look.ended) return look.progress;
      const isNew = performance.now() - startedAt < LATER_MS;
      await sleep(isNew ? INTERVAL_MS : LATER_INTERVAL_MS, undefined, { signal });
    }
  } finally {
    view.end();
  }
}

async function lookAt(session: Session, id: string): Promise<JobStatus & { ended: boolean }> {
  try {
    const { status } = await getJobInfo(session, id);
    return { ended: status !== 'RUNNING', ...(await askProgress(session, id)) };
  } catch (error) {
    if (!(error instanceof ServerFailed && error.temporary)) throw error;
    // Without the error's details, which differ each time.
    return { ended: false, trouble: `The Temporal server at ${session.address} can't be reached.` };
  }
}
