import { customerUpdate, NotAJob } from '../client.ts';
import { ANSWER_MS, askServer, whyNobodyAnswers } from '../client/server.ts';
import { starterConfig } from '../config.ts';
import { jobId } from '../contract/job.ts';
import { type AddCommand, JSON_OPTION, numeric } from './command.ts';
import { EXIT } from './exit.ts';
import { jobsTable, type ListedJob, listedJson } from './list-table.ts';
import { tidyStoreHash } from './names.ts';
import { type Session, withSession } from './session.ts';
import { findJobInfo, type JobStatus, statusOf } from './status.ts';
import { painter, print, printAside } from './terminal.ts';

interface Flags {
  store?: string;
  limit?: number;
  json?: boolean;
}

const DEFAULT_LIMIT = 20;

/** `list`: prints the running jobs and those that ended last. */
export const addList: AddCommand = (program, act) => {
  program
    .command('list')
    .description('print the running jobs and those that ended last, newest first')
    .option('--store <hash>', 'only jobs whose id names this store, by its hash or API path')
    .option('--limit <n>', `at most this many jobs; default: ${DEFAULT_LIMIT}`, numeric(1, 1_000))
    .addOption(JSON_OPTION('one JSON object per line, for each job'))
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
  if (troubles.size > 0) say(`\n"-" stands for what is not known. ${[...troubles].join(' ')}`);
  if (jobs.length === 0) {
    const where = storeHash === undefined ? `The namespace ${session.namespace}` : `The store ${storeHash}`;
    say(`${where} has no running jobs, and none that ended within the namespace's retention period.`);
  }
  return EXIT.allUpdated;
}

/** How many jobs are asked at the same time. */
const AT_ONCE = 4;

/**
 * The running jobs and those that ended last: at most `limit`, newest first. Of several jobs with one id only the last
 * one is listed, as all other commands see only that one. A job that no worker answers for comes without progress: all
 * jobs together are given the time of one.
 */
async function listJobs(session: Session, storeHash: string | undefined, limit: number): Promise<ListedJob[]> {
  const { client } = session;
  const ids = await askServer(client, () => latestIds(session, storeHash, limit));
  const nobody = await whyNobodyAnswers(client);
  let until: number | undefined;
  const ask = async (_: Session, id: string): Promise<JobStatus> => {
    if (nobody !== undefined) return { trouble: nobody };
    until ??= Date.now() + ANSWER_MS;
    const unanswered = { trouble: 'Some workers do not answer in time.' };
    if (Date.now() >= until) return unanswered;
    const progress = client.withDeadline(until, () => customerUpdate(client, id).progress());
    return progress.then(
      (progress) => ({ progress }),
      () => unanswered,
    );
  };
  const jobs = await inTurn(ids, AT_ONCE, async (id): Promise<ListedJob[]> => {
    const job = await findJobInfo(session, id).catch((error: unknown) => {
      // Another kind of workflow has this id by now.
      if (!(error instanceof NotAJob)) throw error;
    });
    if (!job) return [];
    // The first run may be gone: ended runs are only kept for the namespace's retention period.
    const first = job.firstRunId === job.runId ? job : await findJobInfo(session, id, job.firstRunId);
    return [{ ...job, startedAt: (first ?? job).startedAt, ...(await statusOf(session, job, ask)) }];
  });
  return jobs.flat().sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime());
}

/** The ids of jobs in the server's own order: the running ones, then those that ended, latest first. */
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

/** Does something for each item, a few at a time; the results keep the order of the items. */
async function inTurn<T, R>(items: readonly T[], atOnce: number, act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const rest = items.entries();
  const worker = async () => {
    for (const [index, item] of rest) results[index] = await act(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
