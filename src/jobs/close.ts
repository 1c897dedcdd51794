import type { ClosedJob, JobRef } from '../contract/activities.ts';
import type { Match, Source } from '../contract/job.ts';
import { readWhole, type Storage } from '../storage/storage.ts';
import { backUp, backUpAllRead } from './backup.ts';
import { writeChanges } from './changes.ts';
import { saveKnown } from './earlier-runs.ts';
import { type JobKeys, jobKeys, latestRunKey, ownCopy } from './keys.ts';
import { type FixableJob, writeFix } from './fix.ts';
import { nonEmpty } from './streams.ts';
import { type Reported, reportCsv, retryNdjson } from './report.ts';
import type { EndedJob } from './settled-rows.ts';

/** A job that ends, with its source and its workflow id. */
type SourcedJob = FixableJob & { source: Source; id: string; unread?: boolean | undefined };

/**
 * Writes the report, the retry file, the fix file, the changes and the backup, then deletes the pages and our own copy of the source. Files of
 * failures stay, since queries of the ended job name them. Called again for the same workflow `run`, after a crash at
 * any point, it continues and returns the same. For another run, which a reset makes, it writes all of it again, unless
 * that has no rows.
 */
export async function closeJob(storage: Storage, run: string, job: SourcedJob): Promise<ClosedJob> {
  const keys = jobKeys(job.job);
  const before = await closedJob(storage, keys);
  const isOvertaken = async () => (await closedJob(storage, keys))?.by !== before?.by;
  const closed = closedBy(before, run, job) ?? (await writeAll(storage, keys, run, { ...job, isOvertaken }));
  for (const key of [keys.folder, keys.backup]) await storage.deleteHalfWritten(key);
  await remove(
    storage,
    keys.working,
    copiesFor(storage, job.job, job.id, 'uri' in job.source ? job.source.uri : undefined),
  );
  return closed;
}

/**
 * Deletes all files of a job that has ended, the copy that was made of `source` for it among them. Returns how many
 * there were. Called again after a crash, it deletes the rest.
 */
export async function purgeJob(storage: Storage, job: JobRef, id: string, source?: string): Promise<number> {
  const { folder, backup } = jobKeys(job);
  const files = [backup, latestRunKey(job.storeHash, id), ...copiesFor(storage, job, id, source)];
  return remove(storage, [folder], files);
}

/** The copy of its source that was made for a job, if there is one. */
function copiesFor(storage: Storage, { storeHash }: JobRef, id: string, source: string | undefined): string[] {
  const copy = source === undefined ? undefined : ownCopy(storage, source, { storeHash, id });
  return copy === undefined ? [] : [copy];
}

/** Deletes what is in these folders, and these files. Returns how many files there were. */
async function remove(storage: Storage, folders: readonly string[], files: string[]): Promise<number> {
  let deleted = 0;
  for (const folder of folders) deleted += await storage.deleteBelow(folder);
  for (const key of files) {
    deleted += Number(await storage.exists(key));
    await storage.delete(key);
  }
  return deleted;
}

/** What a job was closed with, by which run, and how the rows that it left name customers. */
type Closed = ClosedJob & { by: string; match: Match };

/**
 * What a job was closed with; undefined if it was not closed, or is purged. Its file says that all others
 * are complete: nothing they are made from is deleted before it exists.
 */
export async function closedJob(storage: Storage, { done }: JobKeys): Promise<Closed | undefined> {
  if (!(await storage.exists(done))) return undefined;
  return JSON.parse((await readWhole(storage, done)).toString()) as Closed;
}

/** What an earlier attempt has closed the job with; undefined if it has to be written again. */
function closedBy(done: Closed | undefined, run: string, { plan }: EndedJob): ClosedJob | undefined {
  if (!done) return undefined;
  const { by, match: _, ...closed } = done;
  // A job that was reset after its end may have lost its source: the report of what it did before is worth more.
  return by === run || plan.total === 0 ? closed : undefined;
}

/** The notes, and the counts if rows are reported otherwise than the job has counted them. */
function whatIsNotKnown(
  total: number,
  { notKnown, ...rest }: Reported,
  notes: string[],
): Required<Pick<ClosedJob, 'notes'>> & Pick<ClosedJob, 'customers'> {
  if (notKnown === 0) return { notes };
  const updated = total - rest.rejected - rest.failed - rest.invalid - rest.unprocessed;
  const note =
    `What became of ${notKnown.toLocaleString('en')} rows is not known, since what was looked up for them is missing or ` +
    'damaged in the job store. They count as failed.';
  return { notes: [...notes, note], customers: { total, updated, ...rest } };
}

async function writeAll(storage: Storage, keys: JobKeys, run: string, job: SourcedJob): Promise<ClosedJob> {
  try {
    const count = { rejected: 0, failed: 0, invalid: 0, unprocessed: 0, notKnown: 0 };
    if (!job.unread) await storage.write(keys.report, reportCsv(storage, job, count));
    const customers = await nonEmpty(retryNdjson(storage, job));
    if (customers) await storage.write(keys.retry, customers);
    else await storage.delete(keys.retry);
    await saveKnown(storage, keys, job.plan.chunksToSend);
    const { fix, notes } = await writeFix(storage, keys, job);
    const closed: ClosedJob = {
      report: job.unread ? null : storage.uri(keys.report),
      retry: customers ? storage.uri(keys.retry) : null,
      fix,
      changes: job.options.dryRun ? await writeChanges(storage, keys, job) : null,
      ...whatIsNotKnown(job.plan.total, count, notes),
      // A job without rows may be the reset of one that has sent some.
      ...(job.options.backup &&
        (await (job.plan.total === 0 ? backUpAllRead(storage, keys, job.options.limit) : backUp(storage, keys, job)))),
    };
    await storage.write(keys.done, [JSON.stringify({ by: run, match: job.options.match, ...closed } satisfies Closed)]);
    return closed;
  } catch (error) {
    // An attempt that Temporal has given up may have got here after all, and deleted what this one was reading.
    const closed = closedBy(await closedJob(storage, keys), run, job);
    if (closed) return closed;
    throw error;
  }
}
