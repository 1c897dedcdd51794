/** The queries that a job answers and the updates that it accepts. */
import { setHandler } from '@temporalio/workflow';
import { failuresQuery, MAX_PAGE, outcomesQuery, pauseUpdate, progressQuery, resumeUpdate } from '../contract/job.ts';
import { inWords } from './arguments.ts';
import type { Job } from './job.ts';
import { progressOf } from './progress.ts';

/** Longer reasons are cut. */
const MAX_REASON = 500;

export function answerMessages(job: Job): void {
  setHandler(progressQuery, () => progressOf(job, Date.now()), {
    description: 'Counts, state, what the job is waiting for, pace and expected end. No argument.',
  });
  setHandler(outcomesQuery, (page) => job.ledger.outcomes(pageOf(page, { from: 0, count: MAX_PAGE.outcomes })), {
    description: 'What became of each chunk. Optional argument: {"from": 0, "count": 1000}',
  });
  setHandler(failuresQuery, (page) => job.ledger.failuresPage(pageOf(page, { after: 0, limit: MAX_PAGE.failures })), {
    description: 'The rows that were not updated, and why. Optional argument: {"after": 0, "limit": 500}',
  });
  const validator = (_argument?: object) => {
    if (job.options.dryRun) throw new Error('The job is a dry run, which sends nothing. Cancel it to end it.');
    if (job.phase === 'preparing' || (job.phase === 'running' && !job.cancelling)) return;
    throw new Error(`A job can be paused and resumed only while it runs; this one is ${job.state}.`);
  };
  const pause = (argument?: { reason?: string }) => {
    // It becomes part of every answer, so it must be a text.
    const reason: unknown = argument?.reason;
    job.pause(typeof reason === 'string' ? reason.slice(0, MAX_REASON) : '');
    return progressOf(job, Date.now());
  };
  const resume = () => {
    job.resume();
    return progressOf(job, Date.now());
  };
  setHandler(pauseUpdate, pause, {
    validator,
    description: 'Sends nothing more until the job is resumed. Optional argument: {"reason": "why"}',
  });
  setHandler(resumeUpdate, resume, {
    validator,
    description: 'Continues after a pause or a hold, and asks the store again at once. No argument.',
  });
}

/** A query's argument: nothing, or some of the numbers of `example`. Throws an error for the caller. */
function pageOf<Page extends Record<string, number>>(argument: unknown, example: Page): Partial<Page> {
  if (argument === undefined || argument === null) return {};
  const fields = typeof argument === 'object' && !ArrayBuffer.isView(argument) ? Object.entries(argument) : undefined;
  // A caller without a next row may pass null.
  const given = fields?.filter(([, value]) => value !== null);
  if (given?.every(([name, value]) => Object.hasOwn(example, name) && typeof value === 'number')) {
    return Object.fromEntries(given) as Partial<Page>;
  }
  throw new Error(`Expected nothing, or an object such as ${JSON.stringify(example)}, got ${inWords(argument)}.`);
}
