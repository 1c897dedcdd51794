/** Commands that fetch a file of an ended job from the job store. */
import { basename, dirname, relative, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Argument, type Command, Option } from 'commander';
import { fixKey } from '../jobs/fix.ts';
import { type JobKeys, jobKeys } from '../jobs/keys.ts';
import { FileStorage } from '../storage/file.ts';
import type { Storage } from '../storage/storage.ts';
import { type JobCommand, jobCommand } from './command.ts';
import { BadUse } from './exit.ts';
import { jobRefOf, missing } from './job-files.ts';
import { storeOfJob } from './names.ts';
import { flagsToFix } from './options.ts';
import { print } from './terminal.ts';
import { shellWord, STARTER } from './words.ts';

type FetchCommand = JobCommand<{ force?: boolean }>;

export const reportCommand = fetchCommand(
  'report',
  'fetch the report of an ended job: a CSV file of the rows that were not updated',
  async ({ id, job }, storage, { report }) => {
    if (await storage.exists(report)) return report;
    throw new BadUse(`The job ${id} has no report: ${whyNone(job, storage)}.`);
  },
  ({ path }) => `Report: ${path}`,
);

export const fixCommand = fetchCommand(
  'fix',
  'fetch the rejected and invalid rows of an ended job, as a file to correct and start',
  async ({ id, job }, storage, keys) => {
    const key = await fixKey(storage, keys);
    if (key !== undefined) return key;
    const why = (await storage.exists(keys.done))
      ? `there are none, or its notes say why: ${STARTER} show ${shellWord(id)}`
      : `${whyNone(job, storage)}.`;
    throw new BadUse(`The job ${id} has no file of rows to correct: ${why}`);
  },
  ({ id, job, config, path }) => {
    const flags = ['--store', storeOfJob(id) ?? 'HASH', ...flagsToFix(job.options ?? {})];
    const start = ['start', relative(config.folder, path), ...flags].map(shellWord).join(' ');
    return `Fix:    ${path}\n        Once its rows are correct: ${STARTER} ${start}`;
  },
);

export const changesCommand = fetchCommand(
  'changes',
  'fetch what a dry run would change, of a job that looks its customers up: a CSV file of the values before and after',
  async ({ id, job }, storage, { changes, done }) => {
    if (await storage.exists(changes)) return changes;
    const why = (await storage.exists(done))
      ? 'it was no dry run that looks customers up (--match email, --backup or --skip-unchanged), or nothing would change.'
      : `${whyNone(job, storage)}.`;
    throw new BadUse(`The job ${id} has no file of changes: ${why}`);
  },
  ({ path }) => `Changes: ${path}`,
);

/** `fileOf` is the key of the file, `done` what is printed once it is at `path`. */
function fetchCommand(
  name: 'report' | 'fix' | 'changes',
  description: string,
  fileOf: (command: FetchCommand, storage: Storage, keys: JobKeys) => Promise<string>,
  done: (command: FetchCommand & { path: string }) => string,
): Command {
  return jobCommand<{ force?: boolean }>(
    name,
    description,
    async (command) => {
      const { session, id, job, flags, operand, config } = command;
      const storage = await session.openJobStore();
      const key = await fileOf(command, storage, jobKeys(await jobRefOf(session, job)));
      const content = storage.read(key);
      if (operand === '-') return pipeline(Readable.from(content), process.stdout, { end: false });
      const path = resolve(config.folder, operand ?? `${fileName(id)}-${basename(key)}`);
      await write(path, content, flags.force ?? false);
      print(done({ ...command, path }));
    },
    {
      needs: 'ended',
      parts: [
        new Argument(
          '[file]',
          `file to write, or - for the standard output; default: NAME-${name}, with the name of the job and an extension`,
        ),
        new Option('--force', 'overwrite an existing file'),
      ],
    },
  );
}

/** A job that failed or was terminated may have ended before there was anything to report. */
function whyNone({ status }: { status: string }, storage: Storage): string {
  const words = missing(storage);
  return status === 'COMPLETED' || status === 'CANCELLED' ? words : `it ended without one, or ${words}`;
}

/** The job's name, or as much of any other id as can be part of a file's name. */
const fileName = (id: string): string => (id.split('/').pop() as string).replace(/[^\w.-]+/g, '-') || 'job';

async function write(path: string, content: AsyncIterable<Uint8Array>, force: boolean): Promise<void> {
  const folder = new FileStorage(dirname(path));
  if (!force && (await folder.exists(basename(path)))) {
    throw new BadUse(`The file ${path} already exists. Overwrite it with --force, or name another file.`);
  }
  await folder.write(basename(path), content);
}
