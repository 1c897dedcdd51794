import { print } from './command.ts';
import { showEnding, showResult } from './ending.ts';
import { EXIT } from './exit-codes.ts';
import { cureOf } from './follow.ts';
import { JSON_OPTION, jobCommand } from './job-command.ts';
import { printStanding, standingOf } from './standing.ts';
import { announce } from './watch.ts';
import { paceLine, stateLine } from './words.ts';

/** `show JOB`: prints where a job stands, once. */
export const addShow = jobCommand<{ json?: boolean }>(
  'show',
  'print where a job stands; exits with 0 while it runs',
  async ({ session, id, job, flags, config: { jobStore } }) => {
    if (flags.json) return printStanding(session, job);
    announce(session, id);
    const { progress, trouble } = await standingOf(session, job);
    if (trouble !== undefined) print(`State:  ${job.status.toLowerCase()}. ${trouble}`);
    if (job.status !== 'RUNNING') return showEnding(session, id, jobStore, progress);
    if (progress !== undefined) {
      print(`State:  ${cureOf(id, progress) ?? stateLine(progress, Date.now())}`);
      const pace = paceLine(progress, Date.now());
      if (pace !== '') print(`        ${pace}`);
      await showResult(session, id, jobStore, progress);
    }
    return EXIT.allUpdated;
  },
  { options: [JSON_OPTION('one JSON object: id, webUi, status, progress, error')] },
);
