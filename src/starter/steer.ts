/** Commands that steer a running job: pause, resume, cancel. */
import { Option } from 'commander';
import { customerUpdate, type CustomerUpdate } from '../client.ts';
import { type JobCommand, jobCommand } from './command.ts';
import { BadUse } from './errors.ts';
import { EXIT } from './exit.ts';
import { askProgress } from './status.ts';
import { print } from './terminal.ts';
import { shellWord, STARTER, stateLine } from './words.ts';

export const addPause = jobCommand<{ reason?: string }>(
  'pause',
  'send nothing more until the job is resumed, apart from what is already scheduled',
  async (command) => {
    await runningJob(command).pause(command.flags.reason);
    print('The job is paused.');
    return EXIT.allUpdated;
  },
  { options: [new Option('--reason <text>', 'why, for whoever looks at the job')] },
);

export const addResume = jobCommand('resume', 'continue after a pause or a hold', async (command) => {
  const progress = await runningJob(command).resume();
  // A held job acts on it a moment later.
  const how = progress.state === 'held' ? 'it is asking the store again now' : stateLine(progress, Date.now());
  print(`The job continues: ${how}`);
  return EXIT.allUpdated;
});

export const addCancel = jobCommand(
  'cancel',
  'let what is in flight finish, write the report, and end the job',
  async (command) => {
    await runningJob(command).cancel();
    const { trouble } = await askProgress(command.session, command.id);
    print(
      trouble === undefined
        ? 'The job is ending: what is in flight finishes, and the report is written.'
        : `The job will end as soon as a worker picks it up. ${trouble}`,
    );
    return EXIT.allUpdated;
  },
);

/** Throws BadUse unless the job is running. */
function runningJob({ session, id, job }: JobCommand<unknown>): CustomerUpdate {
  if (job.status === 'RUNNING') return customerUpdate(session.client, id);
  throw new BadUse(
    `The job ${id} has already ended (${job.status.toLowerCase()}). To send what it left: ${STARTER} retry ${shellWord(id)}`,
  );
}
