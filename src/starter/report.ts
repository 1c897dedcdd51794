import { basename, dirname, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Argument, Option } from 'commander';
import { jobKeys } from '../jobs/keys.ts';
import { FileStorage } from '../storage/file.ts';
import type { Storage } from '../storage/storage.ts';
import { jobCommand } from './command.ts';
import { BadUse } from './exit.ts';
import { jobRefOf, missing } from './job-files.ts';
import { print } from './terminal.ts';

export const reportCommand = jobCommand<{ force?: boolean }>(
  'report',
  'fetch the report of an ended job: a CSV file of the rows that were not updated',
  async ({ session, id, job, flags, operand, config }) => {
    const storage = await session.openJobStore();
    const { report } = jobKeys(await jobRefOf(session, job));
    if (!(await storage.exists(report))) {
      throw new BadUse(`The job ${id} has no report: ${whyNone(job, storage)}.`);
    }
    const content = storage.read(report);
    if (operand === '-') return pipeline(Readable.from(content), process.stdout, { end: false });
    const path = resolve(config.folder, operand ?? `${fileName(id)}-report.csv`);
    await write(path, content, flags.force ?? false);
    print(`Report: ${path}`);
  },
  {
    needs: 'ended',
    parts: [
      new Argument(
        '[file]',
        'file to write, or - for the standard output; default: NAME-report.csv, with the name of the job',
      ),
      new Option('--force', 'overwrite an existing file'),
    ],
  },
);

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
