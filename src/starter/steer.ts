/** Commands that steer a running job: pause, resume, cancel. */
import { Option } from 'commander';
import { customerUpdate, type CustomerUpdate } from '../client.ts';
import { BadUse } from './errors.ts';
import { type JobCommand, jobCommand } from './command.ts';
import { EXIT } from './exit.ts';
import { asked, askProgress } from './jobs.ts';
import { shellWord, STARTER, stateLine } from './words.ts';
import { print } from './terminal.ts';

export const addPause = jobCommand<{ reason?: string }>(
  'pause',
  'send nothing more until the job is resumed; what is scheduled already still goes out',
  async (command) => {
    await steer(command, (job) => job.pause(command.flags.reason));
    print('The job is paused.');
    return EXIT.allUpdated;
  },
  { options: [new Option('--reason <text>', 'why, for whoever looks at the job')] },
);

export const addResume = jobCommand('resume', 'go on after a pause or a hold', async (command) => {
  const progress = await steer(command, (job) => job.resume());
  // A held job acts on it a moment later.
  const how = progress.state === 'held' ? 'it asks the store again at once' : stateLine(progress, Date.now());
  print(`The job goes on: ${how}`);
  return EXIT.allUpdated;
});

export const addCancel = jobCommand(
  'cancel',
  'let what is in flight finish, write the report, and end',
  async (command) => {
    await steer(command, (job) => job.cancel());
    const progress = await askProgress(command.session, command.id);
    print(
      typeof progress === 'string'
        ? `The job ends as soon as a worker takes it up. ${progress}`
        : 'The job ends: what is in flight finishes, and the report is written.',
    );
    return EXIT.allUpdated;
  },
);

/** Does something to a job that runs. Throws BadUse where it does not run, TooLate where it does not take it any more. */
async function steer<T>(
  { session, id, job }: JobCommand<unknown>,
  act: (job: CustomerUpdate) => Promise<T>,
): Promise<T> {
  if (job.status !== 'RUNNING') {
    const status = job.status.toLowerCase();
    throw new BadUse(
      `The job ${id} has ended already (${status}). To send what it left: ${STARTER} retry ${shellWord(id)}`,
    );
  }
  return asked(session, () => act(customerUpdate(session.client, id)));
}
