/** A job's files in the job store: whose they are, and why one is missing. */
import { askServer } from '../client/server.ts';
import type { JobRef } from '../contract/activities.ts';
import { type JobInput, type JobOptions, STORE_HASH } from '../contract/job.ts';
import { type Storage, StorageFailed } from '../storage/storage.ts';
import { firstValue, startedEvent } from '../temporal/internals.ts';
import { BadUse } from './exit.ts';
import { storeOfJob } from './names.ts';
import type { Session } from './session.ts';
import type { JobInfo } from './status.ts';

type Run = Pick<JobInfo, 'id' | 'runId'>;

async function startOf({ client }: Session, { id, runId }: Run) {
  const started = await askServer(client, () => startedEvent(client, id, runId));
  // An input that is not a job's, or is encrypted with another key, says nothing.
  const input = await firstValue<Partial<JobInput>>(client, started?.input?.payloads).catch(() => undefined);
  return { started, input };
}

/** The options of a job, whoever has started it; undefined if its input can't be read. Throws ServerFailed. */
export const optionsOf = async (
  session: Session,
  job: Run & Pick<JobInfo, 'options'>,
): Promise<JobOptions | undefined> => job.options ?? (await startOf(session, job)).input?.options;

/** What a job's files are named by: its store, as its input says, and its first run. Throws BadUse, ServerFailed. */
export async function jobRefOf(session: Session, { id, runId }: Run): Promise<JobRef> {
  const { started, input } = await startOf(session, { id, runId });
  const named = input?.storeHash;
  const storeHash = typeof named === 'string' && STORE_HASH.test(named) ? named : storeOfJob(id);
  if (storeHash === undefined) throw new BadUse(`The input of the job ${id} names no store, so the job has no files.`);
  return { storeHash, key: started?.firstExecutionRunId || runId };
}

/** Why a file that a job names is missing, in words. */
export const missing = ({ root }: Pick<Storage, 'root'>): string =>
  `its files were purged, or are not in JOB_STORE (${root})`;

/** What `missing` says if a file is missing; undefined if it is there, or the job store does not answer. */
export async function whyMissing(session: Session, uri: string): Promise<string | undefined> {
  const storage = await session.openJobStore();
  const key = storage.keyOf(uri);
  try {
    return key === undefined || (await storage.exists(key)) ? undefined : missing(storage);
  } catch (error) {
    if (error instanceof StorageFailed) return undefined;
    throw error;
  }
}
