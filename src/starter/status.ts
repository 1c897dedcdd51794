/** What is known of a job: what the server has recorded, how far it is, and how it ended. */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { customerUpdate, JobEnded, NoAnswer } from '../client.ts';
import { askServer, findJob, getJob } from '../client/server.ts';
import type { JobOptions, JobResult, Progress } from '../contract/job.ts';
import { jobOptionsSchema } from '../contract/schema.ts';
import { firstRunOf } from '../temporal/internals.ts';
import { EXIT, exitCodeOf } from './exit.ts';
import type { Session } from './session.ts';
import { print, printAside } from './terminal.ts';

/** A job as the server knows it, whether or not a worker answers. */
export interface JobInfo {
  id: string;
  runId: string;
  /** The run in which it began; another one if it has continued as new. */
  firstRunId: string;
  /** Temporal's word for it: `RUNNING`, `COMPLETED`, `FAILED` … */
  status: string;
  /** When this run began, and when it ended. */
  startedAt: Date;
  endedAt: Date | undefined;
  startedBy: string | undefined;
  /** What it was started from, and with which options; undefined unless a client of ours started it. */
  source: string | undefined;
  options: JobOptions | undefined;
}

/** The job with this id, or one run of it; undefined if there is none. Throws NotAJob, ServerFailed. */
export async function findJobInfo({ client }: Session, id: string, run?: string): Promise<JobInfo | undefined> {
  const job = await findJob(client, id, run);
  return job && infoOf(job);
}

/** The job with this id. Throws NoSuchJob, NotAJob, ServerFailed. */
export const getJobInfo = async ({ client }: Session, id: string): Promise<JobInfo> => infoOf(await getJob(client, id));

function infoOf(job: WorkflowExecutionDescription): JobInfo {
  const { workflowId: id, runId, status, startTime: startedAt, closeTime: endedAt } = job;
  // Anybody can start a job, with any memo.
  const { source, options, startedBy } = job.memo ?? {};
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return {
    ...{ id, runId, firstRunId: firstRunOf(job), status: status.name, startedAt, endedAt },
    startedBy: text(startedBy),
    source: text(source),
    options: jobOptionsSchema.safeParse(options).success ? (options as JobOptions | undefined) : undefined,
  };
}

/** How far a job is, and how it failed. */
export interface JobStatus {
  /** Undefined if nobody knows; `trouble` then says why, in words. */
  progress?: Progress | undefined;
  trouble?: string | undefined;
  error?: JobEnded | undefined;
}

/** How far a job is, as a worker says it; or why none does. */
export async function askProgress({ client }: Session, id: string): Promise<JobStatus> {
  try {
    return { progress: await customerUpdate(client, id).progress() };
  } catch (error) {
    if (error instanceof NoAnswer) return { trouble: error.message };
    throw error;
  }
}

/** A job's status. The server itself knows how an ended one completed or failed; a worker knows any other. */
export async function statusOf(session: Session, job: JobInfo, ask = askProgress): Promise<JobStatus> {
  if (job.status !== 'COMPLETED' && job.status !== 'FAILED') return ask(session, job.id);
  const ending = await endingOf(session, job.id);
  const error = ending instanceof JobEnded ? ending : undefined;
  const result = ending instanceof JobEnded ? ending.result : ending;
  if (result === undefined) return { ...(await ask(session, job.id)), error };
  const state = error ? 'failed' : 'completed';
  return { progress: { ...result, state, waitingFor: null, pace: null, eta: null }, error };
}

/** The result of a job that has ended, or how else it ended. */
export function endingOf({ client }: Session, id: string): Promise<JobResult | JobEnded> {
  return askServer(client, () => customerUpdate(client, id).result()).catch((error: unknown) => {
    if (error instanceof JobEnded) return error;
    throw error;
  });
}

/** A job's status for programs, as one object. */
export function statusJson(
  session: Session,
  { id, status }: Pick<JobInfo, 'id' | 'status'>,
  { progress = null, error }: { progress?: Progress | null | undefined; error?: JobEnded | undefined },
): Record<string, unknown> {
  const failed = error ? { type: error.type ?? null, message: error.message } : null;
  return { id, webUi: session.webPage(id) ?? null, status, progress, error: failed };
}

/** Prints a job's status as one line of JSON; returns the exit code. */
export async function printStatusJson(session: Session, job: JobInfo): Promise<number> {
  const status = await statusOf(session, job);
  if (status.trouble !== undefined) printAside(status.trouble);
  print(JSON.stringify(statusJson(session, job, status)));
  if (job.status === 'RUNNING') return EXIT.allUpdated;
  return job.status === 'COMPLETED' && status.progress ? exitCodeOf(status.progress) : EXIT.noResult;
}
