import { customerUpdate, NotAJob } from '../client.ts';
import { jobId } from '../contract.ts';
import { findJob, type FoundJob, whyNobodyAnswers } from './jobs.ts';
import type { Session } from './session.ts';
import { type Standing, standingOf } from './standing.ts';

/** A job in the list; `startedAt` is when its first run began. */
export interface ListedJob extends FoundJob, Standing {}

/** Jobs that are looked at side by side. */
const AT_ONCE = 4;

/** Longest that workers are waited for, over all jobs of the list. */
const ASK_MS = 5_000;

/**
 * The jobs that run, and those that ended last: at most `limit`, newest first. Of several jobs under one id only the last
 * one is there, as with all other commands. Those that nobody answers for come without progress.
 */
export async function listJobs(session: Session, storeHash: string | undefined, limit: number): Promise<ListedJob[]> {
  const ids = await session.call(() => latestIds(session, storeHash, limit));
  const nobody = await whyNobodyAnswers(session);
  let until: number | undefined;
  const ask = async (_: Session, id: string) => {
    if (nobody !== undefined) return nobody;
    until ??= Date.now() + ASK_MS;
    const left = until - Date.now();
    const progress = () => customerUpdate(session.client, id).progress();
    return left <= 0 ? NO_ANSWER : session.call(progress, left).catch(() => NO_ANSWER);
  };
  const jobs = await inTurn(ids, AT_ONCE, async (id): Promise<ListedJob[]> => {
    const job = await findJob(session, id).catch((error: unknown) => {
      // Its id has gone to another kind of workflow.
      if (!(error instanceof NotAJob)) throw error;
    });
    if (!job) return [];
    // It may be gone: ended runs are kept for the namespace's retention only.
    const first = job.firstRunId === job.runId ? job : await findJob(session, id, job.firstRunId);
    return [{ ...job, startedAt: (first ?? job).startedAt, ...(await standingOf(session, job, ask)) }];
  });
  return jobs.flat().sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime());
}

const NO_ANSWER = 'Workers do not answer for all jobs in time.';

/** The ids of jobs in the server's own order: those that run, then those that ended, the latest first. */
async function latestIds({ client }: Session, storeHash: string | undefined, limit: number): Promise<string[]> {
  const ofStore = storeHash === undefined ? '' : ` AND WorkflowId STARTS_WITH '${jobId(storeHash, '')}'`;
  const query = `WorkflowType = 'updateCustomers' AND ExecutionStatus != 'ContinuedAsNew'${ofStore}`;
  const ids = new Set<string>();
  for await (const { workflowId } of client.workflow.list({ query, pageSize: Math.max(limit, 100) })) {
    ids.add(workflowId);
    if (ids.size === limit) break;
  }
  return [...ids];
}

/** Does something about each item, a few at a time, and keeps their order. */
async function inTurn<T, R>(items: readonly T[], atOnce: number, act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const rest = items.entries();
  const worker = async () => {
    for (const [index, item] of rest) results[index] = await act(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
