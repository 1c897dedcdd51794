/** Jobs as the server knows them, whether or not a worker is there to ask. */
import { customerUpdate, NoAnswer, NoSuchJob, NotAJob, ServerFailed, TooLate } from '../client.ts';
import { describeJob } from '../client/server.ts';
import { type JobInput, type JobOptions, JOBS_TASK_QUEUE, type Progress, STORE_HASH } from '../contract/job.ts';
import { inWords, isGiven, jobsQueue, makeCurrent } from '../temporal/versions.ts';
import { jobOptionsSchema } from '../contract/schema.ts';
import { BadUse } from './errors.ts';
import { openJobStore, type Session } from './session.ts';
import type { JobRef } from '../contract/activities.ts';
import { firstRunOf, firstValue, startedEvent } from '../temporal/internals.ts';
import { type Storage, StorageFailed } from '../storage/storage.ts';
import { storeOfJob } from './names.ts';

/** A job as far as the server can tell. */
export interface FoundJob {
  id: string;
  runId: string;
  /** The run with which it began: another one where it continued as new. */
  firstRunId: string;
  /** As Temporal calls it: `RUNNING`, `COMPLETED`, `FAILED` … */
  status: string;
  /** When this run began, and when it ended. */
  startedAt: Date;
  endedAt: Date | undefined;
  startedBy: string | undefined;
  /** What it was started from and how; undefined where no client of ours started it. */
  source: string | undefined;
  options: JobOptions | undefined;
}

/** What our client writes down with a job, where it is what our client would write. */
function memoOf(memo: Record<string, unknown> | undefined): Pick<FoundJob, 'source' | 'options' | 'startedBy'> {
  const { source, options, startedBy } = memo ?? {};
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  const isOptions = jobOptionsSchema.safeParse(options).success;
  return {
    source: text(source),
    options: isOptions ? (options as JobOptions | undefined) : undefined,
    startedBy: text(startedBy),
  };
}

/** The job with this id, or one run of it, if there is one. Throws NotAJob. */
export async function findJob({ client, call }: Session, id: string, run?: string): Promise<FoundJob | undefined> {
  const described = await call(() => describeJob(client, id, run));
  if (described === undefined) return undefined;
  const { status, runId, startTime: startedAt, closeTime: endedAt, memo } = described;
  return { id, runId, firstRunId: firstRunOf(described), status: status.name, startedAt, endedAt, ...memoOf(memo) };
}

/** findJob where there has to be one. Throws NotAJob, NoSuchJob, or BadUse where the id looks like a job's name alone. */
export async function foundJob(session: Session, id: string): Promise<FoundJob> {
  const job = await findJob(session, id);
  if (job) return job;
  if (!id.includes('/')) {
    throw new BadUse(`There is no job ${id}. If that is a job's name, say its store as well: --store HASH`);
  }
  throw new NoSuchJob(id);
}

/** How far a job is, or why nobody says so, in words. */
export async function askProgress(session: Session, id: string): Promise<Progress | string> {
  try {
    return await asked(session, () => customerUpdate(session.client, id).progress());
  } catch (error) {
    if (error instanceof NoAnswer) return error.message;
    throw error;
  }
}

/** What a job answers. Throws NoAnswer where no worker does. */
export async function asked<T>(session: Session, ask: () => Promise<T>): Promise<T> {
  try {
    return await session.call(ask);
  } catch (error) {
    if ([NoSuchJob, NotAJob, TooLate].some((Told) => error instanceof Told)) throw error;
    const nobody = await whyNobodyAnswers(session);
    if (nobody !== undefined) throw new NoAnswer(nobody);
    const silent = error instanceof NoAnswer || error instanceof ServerFailed;
    const why = silent ? '' : ` (${(error as Error).message})`;
    throw new NoAnswer(`The worker does not answer${why}. Try again; if it stays so, its log says why.`);
  }
}

/** Why there is no worker that could answer for a job, and what to do; undefined where there is one. */
export async function whyNobodyAnswers({ client, call }: Session): Promise<string | undefined> {
  const queue = await call(() => jobsQueue(client));
  const [latest] = queue.asking;
  if (latest === undefined) return `No worker polls the task queue ${JOBS_TASK_QUEUE}: start one with npm run worker.`;
  if (queue.asking.some((version) => isGiven(queue, version))) return undefined;
  return (
    `Jobs are given to workers ${queue.given.map(inWords).join(' or ')}, of which there is none. Start one, or give jobs to ` +
    `those ${inWords(latest)}, which are there: ${makeCurrent(queue, latest)}`
  );
}

/** Which job a run belongs to, as its files are named: what it was started with, and by which run. */
export async function jobRefOf(
  { client, call }: Session,
  { id, runId }: Pick<FoundJob, 'id' | 'runId'>,
): Promise<JobRef> {
  const started = await call(() => startedEvent(client, id, runId));
  // What is no job's input, or encrypted with another key, names no store.
  const input = await firstValue<Partial<JobInput>>(client, started?.input?.payloads).catch(() => undefined);
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
