import { Option } from 'commander';
import { customerUpdate, NotAJob } from '../client.ts';
import { ANSWER_MS, askServer, whyNobodyAnswers } from '../client/server.ts';
import { jobId } from '../contract/job.ts';
import { command, JSON_OPTION, numeric } from './command.ts';
import { storeOfJob, tidyStoreHash } from './names.ts';
import { type Session, withSession } from './session.ts';
import { findJobInfo, type JobInfo, type JobStatus, statusJson, statusOf } from './status.ts';
import { type Paint, painter, print, printAside } from './terminal.ts';
import { aligned, duration, grouped, oneLine } from './words.ts';

interface Flags {
  store?: string;
  limit?: number;
  json?: boolean;
}

const DEFAULT_LIMIT = 20;

export const listCommand = command<Flags>(
  'list',
  'print the running jobs and those that ended last, newest first',
  [
    new Option('--store <hash>', 'only jobs whose id names this store, by its hash or API path'),
    new Option('--limit <n>', `at most this many jobs; default: ${DEFAULT_LIMIT}`).argParser(numeric(1, 1_000)),
    JSON_OPTION('one JSON object per line, for each job'),
  ],
  ({ flags, config }) => {
    const storeHash = flags.store === undefined ? undefined : tidyStoreHash(flags.store);
    return withSession(config, (session) => list(session, storeHash, flags));
  },
);

async function list(session: Session, storeHash: string | undefined, { limit = DEFAULT_LIMIT, json }: Flags) {
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
}

const AT_ONCE = 4;

/**
 * The running jobs and those that ended last: at most `limit`, newest first. Of several jobs with one id only the last
 * one is listed, as all other commands see only that one.
 */
async function listJobs(session: Session, storeHash: string | undefined, limit: number): Promise<ListedJob[]> {
  const ids = await askServer(session.client, () => latestIds(session, storeHash, limit));
  return jobsWith(session, ids);
}

/**
 * The jobs with these ids, newest first. One that no worker answers for comes without progress: all jobs together are given
 * the time of one.
 */
export async function jobsWith(session: Session, ids: readonly string[]): Promise<ListedJob[]> {
  const { client } = session;
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

/** A job in the list; `startedAt` is when its first run began. */
export interface ListedJob extends JobInfo, JobStatus {}

export const UNKNOWN = '-';

const HEADINGS = ['STORE', 'JOB', 'STATE', 'DONE', 'NOT UPDATED', 'STARTED', 'TIME', 'BY'];
const TO_THE_RIGHT = [HEADINGS.indexOf('DONE'), HEADINGS.indexOf('NOT UPDATED')];

/** A table of jobs, one line each, below its headings. Times are in ms since 1970. */
export function jobsTable(jobs: readonly ListedJob[], now: number, paint: Paint): string {
  const [headings, ...lines] = aligned([HEADINGS, ...jobs.map((job) => cells(job, now))], TO_THE_RIGHT);
  const joined = (line: readonly string[] = []) => line.join('  ').trimEnd();
  const painted = lines.map((line, index) => {
    const needsPerson = NEED_A_PERSON.includes(jobs[index]?.progress?.state ?? '') && jobs[index]?.status === 'RUNNING';
    return joined(line.map((cell, column) => (column === STATE && needsPerson ? paint('yellow', cell) : cell)));
  });
  return [paint('dim', joined(headings)), ...painted].join('\n');
}

const STATE = HEADINGS.indexOf('STATE');

const NEED_A_PERSON = ['held', 'paused'];

function cells(job: ListedJob, now: number): string[] {
  const { id, progress, startedAt, startedBy } = job;
  const { total = 0, unprocessed = 0, rejected = 0, failed = 0, invalid = 0 } = progress?.customers ?? {};
  return [
    storeOfJob(id) ?? UNKNOWN,
    oneLine(nameOf(id)),
    stateText(job),
    // Rounded down: 100% only once all are done.
    total === 0 ? UNKNOWN : `${Math.floor(((total - unprocessed) / total) * 100)}%`,
    progress ? grouped(rejected + failed + invalid) : UNKNOWN,
    localTime(startedAt),
    timeText(job, now),
    oneLine(startedBy ?? UNKNOWN),
  ];
}

/** A job's name if its id was made from one, otherwise the id. */
export function nameOf(id: string): string {
  return storeOfJob(id) === undefined ? id : id.split('/').slice(2).join('/');
}

/** While a job is running its own word for its state, otherwise the server's. */
function stateOf({ status, progress }: ListedJob): string {
  if (status === 'RUNNING') return progress?.state ?? 'running';
  return status.toLowerCase().replaceAll('_', ' ');
}

export function stateText(job: ListedJob): string {
  const { waitingFor } = job.progress ?? {};
  const waits = job.status === 'RUNNING' && waitingFor && waitingFor.kind !== 'pause';
  return waits ? `${stateOf(job)} (${waitingFor.kind})` : stateOf(job);
}

export function timeText({ status, startedAt, endedAt, progress }: ListedJob, now: number): string {
  if (endedAt) return `took ${duration(endedAt.getTime() - startedAt.getTime())}`;
  const left = status === 'RUNNING' && progress?.eta ? Date.parse(progress.eta) - now : 0;
  return left > 0 ? `about ${duration(left)} left` : `for ${duration(now - startedAt.getTime())}`;
}

/** A time in the reader's time zone, to the minute. Swedes write dates in the order of ISO 8601. */
export const localTime = (time: Date): string =>
  time.toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' });

export function listedJson(session: Session, job: ListedJob): Record<string, unknown> {
  const { id, startedAt, endedAt, startedBy, source } = job;
  return {
    ...statusJson(session, job, job),
    store: storeOfJob(id) ?? null,
    name: storeOfJob(id) === undefined ? null : nameOf(id),
    startedAt: startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    startedBy: startedBy ?? null,
    source: source ?? null,
  };
}
