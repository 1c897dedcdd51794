import { starterConfig } from '../config.ts';
import { type AddCommand, JSON_OPTION, numeric } from './command.ts';
import { EXIT } from './exit.ts';
import { jobsTable, type ListedJob, listedJson } from './list-table.ts';
import { tidyStoreHash } from './names.ts';
import { painter, print, printAside } from './terminal.ts';
import { type Session, withSession } from './session.ts';
import { customerUpdate, NotAJob } from '../client.ts';
import { jobId } from '../contract/job.ts';
import { findJob, whyNobodyAnswers } from './jobs.ts';
import { standingOf } from './standing.ts';

interface Flags {
  store?: string;
  limit?: number;
  json?: boolean;
}

const DEFAULT_LIMIT = 20;

/** `list`: prints the jobs that run and those that ended last. */
export const addList: AddCommand = (program, act) => {
  program
    .command('list')
    .description('print the jobs that run and those that ended last, the newest first')
    .option('--store <hash>', 'only jobs whose id names this store')
    .option('--limit <n>', `at most this many; default: ${DEFAULT_LIMIT}`, numeric(1, 1_000))
    .addOption(JSON_OPTION('one JSON object a job and line'))
    .action((flags: Flags) =>
      act((interrupt) => {
        interrupt.farewell = '';
        const storeHash = flags.store === undefined ? undefined : tidyStoreHash(flags.store);
        return withSession(starterConfig(), (session) => list(session, storeHash, flags));
      }),
    );
};

async function list(
  session: Session,
  storeHash: string | undefined,
  { limit = DEFAULT_LIMIT, json }: Flags,
): Promise<number> {
  const jobs = await listJobs(session, storeHash, limit);
  const say = json ? printAside : print;
  if (json) for (const job of jobs) print(JSON.stringify(listedJson(session, job)));
  else if (jobs.length > 0) print(jobsTable(jobs, Date.now(), painter(process.stdout)));
  const troubles = new Set(jobs.flatMap(({ trouble }) => trouble ?? []));
  if (troubles.size > 0) say(`\nWhat is shown as "-" is not known. ${[...troubles].join(' ')}`);
  if (jobs.length === 0) {
    const where = storeHash === undefined ? `The namespace ${session.namespace}` : `The store ${storeHash}`;
    say(`${where} has no job that runs, and none that ended within the namespace's retention.`);
  }
  return EXIT.allUpdated;
}

/** Jobs that are looked at side by side. */
const AT_ONCE = 4;

/** Longest that workers are waited for, over all jobs of the list. */
const ASK_MS = 5_000;

/**
 * The jobs that run, and those that ended last: at most `limit`, newest first. Of several jobs under one id only the last
 * one is there, as with all other commands. Those that nobody answers for come without progress.
 */
async function listJobs(session: Session, storeHash: string | undefined, limit: number): Promise<ListedJob[]> {
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
