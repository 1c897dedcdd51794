/** Commands that steer a running job: pause, resume, cancel. */
import { Option } from 'commander';
import { customerUpdate, type CustomerUpdate } from '../client.ts';
import { type JobCommand, jobCommand } from './command.ts';
import { askProgress } from './status.ts';
import { print } from './terminal.ts';
import { stateLine } from './words.ts';

export const pauseCommand = jobCommand<{ reason?: string }>(
  'pause',
  'send nothing more until the job is resumed, apart from what is already scheduled',
  async (command) => {
    await jobOf(command).pause(command.flags.reason);
    print('The job is paused.');
  },
  { needs: 'running', parts: [new Option('--reason <text>', 'why, for whoever looks at the job')] },
);

export const resumeCommand = jobCommand(
  'resume',
  'continue after a pause or a hold',
  async (command) => {
    const progress = await jobOf(command).resume();
    // A held job acts on it a moment later.
    const how = progress.state === 'held' ? 'it is asking the store again now' : stateLine(progress, Date.now());
    print(`The job continues: ${how}`);
  },
  { needs: 'running' },
);

export const cancelCommand = jobCommand(
  'cancel',
  'let what is in flight finish, write the report, and end the job',
  async (command) => {
    await jobOf(command).cancel();
    const { trouble } = await askProgress(command.session, command.id);
    print(
      trouble === undefined
        ? 'The job is ending: what is in flight finishes, and the report is written.'
        : `The job will end as soon as a worker picks it up. ${trouble}`,
    );
  },
  { needs: 'running' },
);

const jobOf = ({ session, id }: JobCommand<unknown>): CustomerUpdate => customerUpdate(session.client, id);
