import { starterConfig } from '../config.ts';
import { type AddCommand, print } from './command.ts';
import { showEnding, showResult } from './ending.ts';
import { EXIT } from './exit-codes.ts';
import { cureOf } from './follow.ts';
import { askProgress, foundJob } from './jobs.ts';
import { typedJobId } from './names.ts';
import { withSession } from './session.ts';
import { announce } from './watch.ts';
import { paceLine, stateLine } from './words.ts';

/** `show JOB`: prints where a job stands, once. */
export const addShow: AddCommand = (program, act) => {
  program
    .command('show')
    .description('print where a job stands; exits with 0 while it runs')
    .argument('<job>', 'workflow id of the job, or its name with --store')
    .option('--store <hash>', "store hash, or the store's API path")
    .action((typed: string, { store }: { store?: string }) =>
      act(async (interrupt) => {
        interrupt.farewell = '';
        return show(typed, store);
      }),
    );
};

async function show(typed: string, store: string | undefined): Promise<number> {
  const id = typedJobId(typed, store);
  return withSession(starterConfig().webUiUrl, async (session) => {
    const { status } = await foundJob(session, id);
    announce(session, id);
    const progress = await askProgress(session, id);
    const known = typeof progress === 'string' ? undefined : progress;
    if (typeof progress === 'string') print(`State:  ${status.toLowerCase()}. ${progress}`);
    if (status !== 'RUNNING') return showEnding(session, id, known);
    if (known !== undefined) {
      print(`State:  ${cureOf(id, known) ?? stateLine(known, Date.now())}`);
      print(`        ${paceLine(known, Date.now())}`);
      await showResult(session, id, known);
    }
    return EXIT.allUpdated;
  });
}
