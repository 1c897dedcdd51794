/**
 * `undo JOB`: restores what the job's last run changed, its retries first, and what the runs before it changed, back to the
 * last one that completed. Each is undone by a job of its own, the latest first: a backup is only right for its own run.
 */
import { askServer } from '../client/server.ts';
import { backUpAllRead } from '../jobs/backup.ts';
import { closedJob } from '../jobs/close.ts';
import { jobKeys } from '../jobs/keys.ts';
import { retriesOf } from '../jobs/retries.ts';
import { type JobCommand, jobCommand } from './command.ts';
import { BadUse, EXIT } from './exit.ts';
import { fromJobOptions, storeOf } from './retry.ts';
import { missing } from './job-files.ts';
import { jobId } from '../contract/job.ts';
import type { Session } from './session.ts';
import { undoSource } from './source.ts';
import { startAndWatch, type StartFlags } from './start.ts';
import { findJobInfo, type JobInfo } from './status.ts';
import { print, printAside } from './terminal.ts';
import { notInBackupText, shellWord, STARTER } from './words.ts';

export const undoCommand = jobCommand<StartFlags>(
  'undo',
  'restore what a job changed that was started with --backup: what its last run, their retries, and runs before it that did not complete have changed',
  undo,
  { needs: 'ended', parts: fromJobOptions('-undo') },
);

async function undo(command: JobCommand<StartFlags>): Promise<number> {
  const { session, id, job, flags } = command;
  const storeHash = storeOf(id);
  const backups: { run: JobInfo; uri: string }[] = [];
  for (const run of await runsToUndo(session, storeHash, job)) {
    const uri = await backupOf(session, storeHash, run).catch((error: unknown) => {
      if (!(error instanceof BadUse) || run.firstRunId === job.firstRunId) throw error;
      printAside(`${error.message} What it changed stays.`);
    });
    if (uri !== undefined) backups.push({ run, uri });
  }
  if (backups.length === 0) {
    throw new BadUse(`There is nothing to undo: the job ${id} changed nothing that can be restored.`);
  }
  const names = { storeHash, first: flags.name ?? `${id.split('/').at(-1)}-undo`, given: new Set<string>() };
  for (const [index, { run, uri }] of backups.entries()) {
    const source = undoSource(run.id, uri);
    const { name, isDone } = await nameOf(session, names, source.is);
    if (isDone && backups.length > 1) continue;
    if (backups.length > 1) print(`${index + 1} of ${backups.length}: ${runText(run)}`);
    const code = await startAndWatch(session, storeHash, source, { ...command, flags: { ...flags, name } });
    if (code === EXIT.allUpdated) continue;
    const left = backups.length - 1 - index;
    if (left > 0) printAside(waiting(left, id, jobId(storeHash, name)));
    return code;
  }
  return EXIT.allUpdated;
}

const runText = ({ id, startedAt }: JobInfo): string => `${id}, as it ran on ${startedAt.toISOString()}`;

const waiting = (left: number, id: string, undoing: string): string =>
  `${left} earlier ${left === 1 ? 'run is' : 'runs are'} not undone yet, because this undo left something out. Look at it, with\n` +
  `  ${STARTER} failures ${shellWord(undoing)}\n` +
  `send again what it left, and then run this command once more: ${STARTER} undo ${shellWord(id)}`;

/** The runs that an undo of a job takes back, the latest first, each after its retries. Throws BadUse, ServerFailed. */
async function runsToUndo(session: Session, storeHash: string, job: JobInfo): Promise<JobInfo[]> {
  const earlier = (await runsOf(session, job.id)).filter(
    ({ firstRunId, startedAt }) => firstRunId !== job.firstRunId && startedAt < job.startedAt,
  );
  const completed = earlier.findIndex(({ status }) => status === 'COMPLETED');
  const runs = [job, ...(completed < 0 ? earlier : earlier.slice(0, completed))];
  const all: JobInfo[] = [];
  for (const run of runs) all.push(...(await withRetries(session, storeHash, run)));
  return all;
}

/** How a job ended each time that it was started, the latest first. A run that continued as new counts once. */
async function runsOf(session: Session, id: string): Promise<JobInfo[]> {
  const { client } = session;
  const query = `WorkflowId = '${id.replace(/[\\']/g, '\\$&')}' AND ExecutionStatus != 'ContinuedAsNew'`;
  const listed = await askServer(client, async () => {
    const runs = [];
    for await (const { runId } of client.workflow.list({ query })) runs.push(runId);
    return runs;
  });
  const runs = new Map<string, JobInfo>();
  for (const runId of listed) {
    const run = await findJobInfo(session, id, runId);
    const other = run && runs.get(run.firstRunId);
    // A reset ends one run and begins another: the later one tells how the job ended.
    if (run && !(other && other.startedAt > run.startedAt)) runs.set(run.firstRunId, run);
  }
  return [...runs.values()].sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime());
}

/** A run after its retries, the latest of those first. Throws BadUse if one of them is still running. */
async function withRetries(session: Session, storeHash: string, run: JobInfo): Promise<JobInfo[]> {
  const keys = jobKeys({ storeHash, key: run.firstRunId });
  const all: JobInfo[] = [];
  for (const { id, key } of (await retriesOf(await session.openJobStore(), keys)).toReversed()) {
    const retry = (await runsOf(session, id)).find(({ firstRunId }) => firstRunId === key);
    if (retry?.status === 'RUNNING') {
      throw new BadUse(
        `The job ${id}, which sends what ${run.id} left, has not ended yet. Wait for it to end, or cancel it: ` +
          `${STARTER} cancel ${shellWord(id)}`,
      );
    }
    if (retry) all.push(...(await withRetries(session, storeHash, retry)));
  }
  return [...all, run];
}

/** The URI of a run's backup; undefined if it changed nothing that can be restored. Throws BadUse if nobody knows. */
async function backupOf(session: Session, storeHash: string, run: JobInfo): Promise<string | undefined> {
  const storage = await session.openJobStore();
  const keys = jobKeys({ storeHash, key: run.firstRunId });
  if (await storage.exists(keys.backup)) return storage.uri(keys.backup);
  const { id, options, status } = run;
  const closed = await closedJob(storage, keys);
  if (closed?.backup === null) return undefined;
  if (closed || (options && options.backup !== true)) {
    throw new BadUse(
      `The job ${id} can't be undone: it was started without --backup, so nobody knows the earlier values.`,
    );
  }
  // It could not write one itself: one is made of what it had read.
  if (status !== 'COMPLETED' && status !== 'CANCELLED') {
    const { backup, notInBackup } = await backUpAllRead(storage, keys, options?.limit ?? null);
    if (notInBackup > 0) printAside(notInBackupText(notInBackup));
    return backup ?? undefined;
  }
  throw new BadUse(`The backup of the job ${id} is gone: ${missing(storage)}.`);
}

/**
 * The name of the job that undoes from a source, and whether it has completed: `first`, or that with -2, -3 …, which has this
 * source already, or which no job and none of `given` has.
 */
async function nameOf(
  session: Session,
  { storeHash, first, given }: { storeHash: string; first: string; given: Set<string> },
  isSource: (uri: string) => boolean,
): Promise<{ name: string; isDone: boolean }> {
  for (let number = 1; ; number++) {
    const name = number === 1 ? first : `${first}-${number}`;
    const existing = await findJobInfo(session, jobId(storeHash, name));
    const isSame = existing?.source !== undefined && isSource(existing.source);
    if (!isSame && (existing || given.has(name))) continue;
    given.add(name);
    return { name, isDone: isSame && existing?.status === 'COMPLETED' };
  }
}
