import { type ClosedJob, readsPresent } from '../contract/activities.ts';
import type { Source } from '../contract/job.ts';
import type { Storage } from '../storage/storage.ts';
import { backUp, backUpAllRead } from './backup.ts';
import { type JobKeys, jobKeys, ownCopy } from './keys.ts';
import { nonEmpty } from './streams.ts';
import { countPages, deletePages } from './pages.ts';
import { deletePresent } from './present.ts';
import { reportCsv, retryNdjson } from './report.ts';
import type { EndedJob } from './settled-rows.ts';

/** A job that ends, with its source and its workflow id. */
type SourcedJob = EndedJob & { source: Source; id: string };

/**
 * Writes the report, what is to be sent again and the backup, then deletes the pages and our own copy of the source; the files of
 * failures stay, for queries of the ended job name them. Called again for the same `run` of the workflow, after a crash
 * at any point, it goes on and answers the same; another run, which a reset makes, writes anew, unless it has no rows.
 */
export async function closeJob(storage: Storage, run: string, job: SourcedJob): Promise<ClosedJob> {
  const keys = jobKeys(job.job);
  const closed = (await earlierClosed(storage, keys, run, job)) ?? (await writeAll(storage, keys, run, job));
  const pages = await countPages(storage, keys, job.plan.chunks);
  if (readsPresent(job.options)) await deletePresent(storage, keys, pages);
  await deletePages(storage, keys, pages);
  const reader = { storeHash: job.job.storeHash, id: job.id };
  const copy = 'uri' in job.source ? ownCopy(storage, job.source.uri, reader) : undefined;
  if (copy !== undefined) await storage.delete(copy);
  return closed;
}

/** What a job that is read no more was closed with; undefined, and forgotten, where that is to be written anew. */
async function earlierClosed(
  storage: Storage,
  keys: JobKeys,
  run: string,
  { plan }: EndedJob,
): Promise<ClosedJob | undefined> {
  // done.json says that the files are whole. Nothing that they are made of is deleted before.
  if (!(await storage.exists(keys.done))) return undefined;
  let json = '';
  for await (const piece of storage.read(keys.done)) json += Buffer.from(piece).toString();
  const { by, ...closed } = JSON.parse(json) as ClosedJob & { by: string };
  // A job that was reset after its end may have no source any more: the report of all that it did before is worth more.
  if (by === run || plan.total === 0) return closed;
  await storage.delete(keys.done);
  return undefined;
}

async function writeAll(storage: Storage, keys: JobKeys, run: string, job: EndedJob): Promise<ClosedJob> {
  try {
    await storage.write(keys.report, reportCsv(storage, job));
    const customers = await nonEmpty(retryNdjson(storage, job));
    if (customers) await storage.write(keys.retry, customers);
    else await storage.delete(keys.retry);
    const closed: ClosedJob = {
      report: storage.uri(keys.report),
      retry: customers ? storage.uri(keys.retry) : null,
      // Without rows of its own it may be a reset of one that had sent some.
      ...(job.options.backup &&
        (await (job.plan.total === 0 ? backUpAllRead(storage, keys) : backUp(storage, keys, job)))),
    };
    await storage.write(keys.done, [JSON.stringify({ by: run, ...closed })]);
    return closed;
  } catch (error) {
    // An attempt that was given up may have come this far after all, and deleted what this one was reading.
    const closed = await earlierClosed(storage, keys, run, job);
    if (closed) return closed;
    throw error;
  }
}
