import { customerUpdate, JobEnded } from '../client.ts';
import type { JobResult, Progress } from '../contract/job.ts';
import { EXIT, exitCodeOf } from './exit.ts';
import { askProgress, type FoundJob } from './jobs.ts';
import type { Session } from './session.ts';
import { print, printAside } from './terminal.ts';

/** Where a job stands. */
export interface Standing {
  /** Undefined where nobody knows; `trouble` says why, in words. */
  progress: Progress | undefined;
  trouble?: string;
  /** Why it failed. */
  error?: JobEnded;
}

/** Where a job stands: the server knows what an ended one returned or failed with, a worker tells of any other. */
export async function standingOf(session: Session, job: FoundJob, ask = askProgress): Promise<Standing> {
  const ending = job.status === 'COMPLETED' || job.status === 'FAILED' ? await endingOf(session, job.id) : undefined;
  const error = ending instanceof JobEnded ? { error: ending } : {};
  const result = ending instanceof JobEnded ? ending.result : ending;
  if (result) return { progress: atTheEnd(result, job.status), ...error };
  const progress = await ask(session, job.id);
  return typeof progress === 'string' ? { progress: undefined, trouble: progress, ...error } : { progress, ...error };
}

/** What an ended job returned, or how else it ended. */
export function endingOf(session: Session, id: string): Promise<JobResult | JobEnded> {
  const result = () => customerUpdate(session.client, id).result();
  return session.call(result).catch((error: unknown) => {
    if (error instanceof JobEnded) return error;
    throw error;
  });
}

function atTheEnd(result: JobResult, status: string): Progress {
  return { ...result, state: status === 'FAILED' ? 'failed' : 'completed', waitingFor: null, pace: null, eta: null };
}

/** Where a job stands, for programs: one line of JSON. */
export function standingJson(
  session: Session,
  { id, status }: Pick<FoundJob, 'id' | 'status'>,
  { progress = null, error }: { progress?: Progress | null | undefined; error?: JobEnded },
): Record<string, unknown> {
  const failed = error ? { type: error.type ?? null, message: error.message } : null;
  return { id, webUi: session.webPage(id) ?? null, status, progress, error: failed };
}

/** Prints where a job stands as one line of JSON; returns the exit code. */
export async function printStanding(session: Session, job: FoundJob): Promise<number> {
  const standing = await standingOf(session, job);
  if (standing.trouble !== undefined) printAside(standing.trouble);
  print(JSON.stringify(standingJson(session, job, standing)));
  if (job.status === 'RUNNING') return EXIT.allUpdated;
  return job.status === 'COMPLETED' && standing.progress ? exitCodeOf(standing.progress) : EXIT.noResult;
}
