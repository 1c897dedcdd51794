import { failuresFile, type JobRef } from '../contract/activities.ts';
import type { Storage } from '../storage/storage.ts';
import { jobKeys } from './keys.ts';
import { countPages, deletePages } from './pages.ts';
import { deletePresent } from './present.ts';

/**
 * Deletes the files of a job that has ended; returns how many there were. The report goes last: as long as it is there,
 * something may be left, and whoever calls again deletes that.
 */
export async function purgeJob(storage: Storage, job: JobRef): Promise<number> {
  const keys = jobKeys(job);
  // A job that was terminated has pages still.
  const pages = await countPages(storage, keys, 0);
  await deletePresent(storage, keys, pages);
  await deletePages(storage, keys, pages);
  let deleted = pages;
  const purge = async (key: string) => {
    if (!(await storage.exists(key))) return;
    await storage.delete(key);
    deleted++;
  };
  await purge(keys.retry);
  await purge(keys.backup);
  await purge(keys.failures('invalid'));
  // Numbered without a gap: also those of a run that was reset, which no query of the job names any more.
  let files = 0;
  while (await storage.exists(keys.failures(failuresFile(files)))) files++;
  while (files > 0) await purge(keys.failures(failuresFile(--files)));
  await purge(keys.done);
  await purge(keys.report);
  return deleted;
}
