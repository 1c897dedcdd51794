/** The files that a job leaves in the job store, as the starter finds them: without a worker. */
import { decodeFromPayloadsAtIndex } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { JobRef } from '../activity-contract.ts';
import { type JobInput, STORE_HASH } from '../contract.ts';
import { startedEvent } from '../started-event.ts';
import { type Storage, StorageFailed } from '../storage/storage.ts';
import { BadUse } from './bad-use.ts';
import type { FoundJob } from './jobs.ts';
import { storeOfJob } from './names.ts';
import type { Session } from './session.ts';
import { openJobStore } from './source-file.ts';

/** Which job a run belongs to, as its files are named: what it was started with, and by which run. */
export async function jobRefOf(
  { client, call }: Session,
  { id, runId }: Pick<FoundJob, 'id' | 'runId'>,
): Promise<JobRef> {
  const started = await call(() => startedEvent(client, id, runId));
  // What is no job's input, or encrypted with another key, names no store.
  const input = await decodeFromPayloadsAtIndex<Partial<JobInput> | null | undefined>(
    client.options.loadedDataConverter,
    0,
    started?.input?.payloads,
  ).catch(() => undefined);
  const named = input?.storeHash;
  const storeHash = typeof named === 'string' && STORE_HASH.test(named) ? named : storeOfJob(id);
  if (storeHash === undefined) throw new BadUse(`The input of the job ${id} names no store, so it has no files.`);
  return { storeHash, key: started?.firstExecutionRunId || runId };
}

/** Why a file that a job names is not there, in words. */
export const missing = ({ root }: Pick<Storage, 'root'>): string =>
  `its files were purged, or are not in JOB_STORE (${root})`;

/** What `missing` says, where a job's file is not in the job store as it should be; undefined where it is, or nobody can tell. */
export async function whyMissing(uri: string, jobStore: string): Promise<string | undefined> {
  const storage = await openJobStore(jobStore);
  const key = storage.keyOf(uri);
  try {
    return key === undefined || (await storage.exists(key)) ? undefined : missing(storage);
  } catch (error) {
    if (error instanceof StorageFailed) return undefined;
    throw error;
  }
}
