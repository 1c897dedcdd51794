import { Argument, Option } from 'commander';
import { basename, dirname, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { jobKeys } from '../jobs/keys.ts';
import { FileStorage } from '../storage/file.ts';
import type { Storage } from '../storage/storage.ts';
import { BadUse } from './errors.ts';
import { jobCommand } from './command.ts';
import { EXIT } from './exit.ts';
import { jobRefOf, missing } from './jobs.ts';
import { shellWord, STARTER } from './words.ts';
import { print } from './terminal.ts';
import { openJobStore } from './session.ts';

/** `report JOB [FILE]`: fetches the report of an ended job. */
export const addReport = jobCommand<{ force?: boolean }>(
  'report',
  'fetch the report of an ended job: a CSV file of the rows that were not updated',
  async ({ session, id, job, flags, operand, config }) => {
    if (job.status === 'RUNNING') {
      throw new BadUse(
        `The job ${id} has not ended: its report is written then. Until then: ${STARTER} failures ${shellWord(id)}`,
      );
    }
    const storage = await openJobStore(config.jobStore);
    const { report } = jobKeys(await jobRefOf(session, job));
    if (!(await storage.exists(report))) throw new BadUse(`There is no report of the job ${id}: ${why(job, storage)}.`);
    const content = storage.read(report);
    if (operand === '-') {
      await pipeline(Readable.from(content), process.stdout, { end: false });
      return EXIT.allUpdated;
    }
    const path = resolve(config.folder, operand ?? `${fileName(id)}-report.csv`);
    await write(path, content, flags.force ?? false);
    print(`Report: ${path}`);
    return EXIT.allUpdated;
  },
  {
    operand: new Argument('[file]', "where to; - for the standard output; default: NAME-report.csv, the job's name"),
    options: [new Option('--force', 'overwrite a file that is there already')],
  },
);

/** A job that failed, or was terminated, may have ended before there was anything to report. */
function why({ status }: { status: string }, storage: Storage): string {
  const words = missing(storage);
  return status === 'COMPLETED' || status === 'CANCELLED' ? words : `the job ended without one, or ${words}`;
}

/** The job's name, or what of another id may be part of a file's name. */
const fileName = (id: string): string => (id.split('/').pop() as string).replace(/[^\w.-]+/g, '-') || 'job';

/** Writes a file, whole or not at all. */
async function write(path: string, content: AsyncIterable<Uint8Array>, force: boolean): Promise<void> {
  const folder = new FileStorage(dirname(path));
  if (!force && (await folder.exists(basename(path)))) {
    throw new BadUse(`There is a file ${path} already. Overwrite it with --force, or name another file.`);
  }
  await folder.write(basename(path), content);
}
