import { print } from './command.ts';
import { showEnding, showResult } from './ending.ts';
import { EXIT } from './exit-codes.ts';
import { cureOf } from './follow.ts';
import { jobCommand } from './job-command.ts';
import { askProgress } from './jobs.ts';
import { announce } from './watch.ts';
import { paceLine, stateLine } from './words.ts';

/** `show JOB`: prints where a job stands, once. */
export const addShow = jobCommand(
  'show',
  'print where a job stands; exits with 0 while it runs',
  async ({ session, id, job: { status } }) => {
    announce(session, id);
    const progress = await askProgress(session, id);
    const known = typeof progress === 'string' ? undefined : progress;
    if (typeof progress === 'string') print(`State:  ${status.toLowerCase()}. ${progress}`);
    if (status !== 'RUNNING') return showEnding(session, id, known);
    if (known !== undefined) {
      print(`State:  ${cureOf(id, known) ?? stateLine(known, Date.now())}`);
      const pace = paceLine(known, Date.now());
      if (pace !== '') print(`        ${pace}`);
      await showResult(session, id, known);
    }
    return EXIT.allUpdated;
  },
);
