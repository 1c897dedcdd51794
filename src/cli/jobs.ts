/** Jobs as the server knows them, whether or not a worker is there to ask. */
import { customerUpdate, NoAnswer, NoSuchJob, NotAJob, ServerFailed, TooLate } from '../client.ts';
import { describeJob, firstRunOf } from '../client/server.ts';
import { JOBS_TASK_QUEUE, type JobOptions, type Progress } from '../contract.ts';
import { inWords, isGiven, jobsQueue, makeCurrent } from '../deployment.ts';
import { jobOptionsSchema } from '../schema.ts';
import { BadUse } from './bad-use.ts';
import type { Session } from './session.ts';

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
