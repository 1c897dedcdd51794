/**
 * `npm run test:chaos -- --seed N --minutes M`: random jobs while stores fail and throttle, workers die, stop and
 * freeze, and the Temporal server restarts. Then the emulator judges what the design promises, and every history is
 * replayed. The seed decides the plan; what the machine makes of it differs. Exits with 1 if a promise was broken.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { pauseUpdate, progressQuery, resumeUpdate, type Progress } from '../../src/contract/job.ts';
import type { Program } from '../../dev/servers/processes.ts';
import { writeSource } from '../support/customers.ts';
import { startSystem, tokensOf } from '../support/system.ts';
import { idOf, judgeJob, judgeUndo, type Notes, notesOf, rowOf } from './judge.ts';
import { plan, type Happening, type PlannedJob } from './plan.ts';

const { values } = parseArgs({ options: { seed: { type: 'string' }, minutes: { type: 'string', default: '1' } } });
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const ms = Number(values.minutes) * 60_000;
if (!Number.isSafeInteger(seed) || !(ms > 0)) throw new Error('Expected --seed WHOLE_NUMBER and --minutes NUMBER.');

/** Workers that are up at any time, as far as the plan lets them: places for three of the four stores. */
const WORKERS = 3;
const SETTINGS = { MAX_STORES: '1' };

/** How long jobs may take to end after the last disturbance: longer than the longest pause of a hold. */
const PATIENCE_MS = 600_000;

const tokens = tokensOf(['abc', 'def', 'ghi', 'jkl']);
const stores = Object.keys(tokens);
const events = plan(seed, ms, stores);
console.log(`Seed ${seed}, ${ms / 60_000} minutes, ${events.length} events.`);

const system = await startSystem({
  tokens,
  emulator: ['--customers', '250000', '--latency', '60', '--quota', '150', '--window', '5000'],
  server: { dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 400 } },
  durable: true,
  workers: 0,
});
const startWorker = () => system.startWorker(SETTINGS);
/** Jobs by number; `before` are the notes that undo brings back, by customer: blank ones unless an earlier run has completed. */
const jobs: { job: PlannedJob; handle: WorkflowHandle; isAgain: boolean; before: Notes }[] = [];
const under = new Set<Promise<unknown>>();
const startedAt = performance.now();

try {
  await Promise.all(Array.from({ length: WORKERS }, startWorker));
  for (const { at, what } of events) {
    await sleep(Math.max(0, startedAt + at - performance.now()));
    console.log(`${String(Math.round(performance.now() - startedAt)).padStart(7)} ms  ${JSON.stringify(brief(what))}`);
    // Failures while the server is down are expected.
    const doing = happen(what).catch((error: unknown) => console.log(`           ${(error as Error).message}`));
    under.add(doing.finally(() => under.delete(doing)));
  }
  await Promise.all(under);
  await calm();
  const wrong = [...(await judge()), ...(await replay())];
  console.log(wrong.length === 0 ? 'Every promise was kept.' : `Broken:\n  ${wrong.join('\n  ')}`);
  if (wrong.length > 0) process.exitCode = 1;
} finally {
  await system.close();
}

function brief(what: Happening): object {
  if (what.kind !== 'job') return what;
  const { unknown, invalid, undigested, ...job } = what.job;
  const rows = { unknown: unknown.length, invalid: invalid.length, undigested: undigested.length };
  return { kind: 'job', ...job, ...rows };
}

async function happen(what: Happening): Promise<void> {
  switch (what.kind) {
    case 'job':
      return start(what.job);
    case 'pause':
      await jobs[what.job]?.handle.executeUpdate(pauseUpdate, { args: [{ reason: 'chaos' }] });
      await sleep(1_000);
      await jobs[what.job]?.handle.executeUpdate(resumeUpdate);
      return;
    case 'again': {
      const ended = jobs[what.job];
      if (!ended) return;
      const { status } = await ended.handle.describe();
      const before = status.name === 'COMPLETED' ? await notesOf(system, ended.job) : ended.before;
      return start(ended.job, { isAgain: true, before });
    }
    case 'cancel':
      await jobs[what.job]?.handle.cancel();
      return;
    case 'kill':
      await (await victim(what.store)).kill();
      await startWorker();
      return;
    case 'stop': {
      const worker = await victim(what.store);
      await startWorker();
      const code = await worker.stop(150_000);
      if (code !== 0) throw new Error(`A worker that was stopped exited with ${code}.`);
      return;
    }
    case 'freeze': {
      const worker = await victim(what.store);
      worker.signal('SIGSTOP');
      await sleep(what.ms);
      worker.signal('SIGCONT');
      return;
    }
    case 'restart server':
      return system.restartServer();
    case 'fault':
      await system.control('faults', what.fault);
      return;
    case 'revoke':
      await system.control('tokens', { store: what.store, token: 'revoked-for-now' });
      await sleep(what.ms);
      await system.control('tokens', { store: what.store, token: tokens[what.store] });
  }
}

async function start(job: PlannedJob, { isAgain = false, before = new Map() as Notes } = {}): Promise<void> {
  for (const row of job.undigested) {
    const customer = idOf(job, row);
    await system.control('faults', { fault: 'status', status: 500, store: job.store, customer, count: 'always' });
  }
  const rows = Array.from({ length: job.customers }, (_, index) => rowOf(job, index + 1));
  const uri = await writeSource(system, `${job.number}.ndjson`, rows);
  const { backup, match, skipUnchanged } = job;
  const options = { reportAll: true, maxRejectedPercent: 100, backup, match, skipUnchanged };
  const input = { storeHash: job.store, source: { uri }, options };
  const handle = await system.start(`chaos-${job.number}`, input);
  jobs[job.number] = { job, handle, isAgain, before };
}

/** The worker that holds the lease of a store, else the first one that is up. */
async function victim(store: string): Promise<Program> {
  const worker = (await system.holder(store).catch(() => undefined)) ?? (await system.workersUp())[0];
  if (!worker) throw new Error('No worker is up.');
  return worker;
}

/** Ends all disturbances, and waits until every job has ended. */
async function calm(): Promise<void> {
  await system.control('faults', { clear: true });
  await startWorker();
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (const { job, handle } of jobs.filter(Boolean)) {
    for (;;) {
      const ended = await Promise.race([handle.result().then(isOver, isOver), sleep(5_000)]);
      if (ended) break;
      const progress = await handle.query(progressQuery).catch(() => undefined);
      if (progress?.state === 'held' || progress?.state === 'paused') await handle.executeUpdate(resumeUpdate);
      if (performance.now() > giveUpAt) {
        throw new Error(
          `Job ${job.number} has not ended ${PATIENCE_MS / 1_000} s after the last disturbance: ${JSON.stringify(progress)}`,
        );
      }
    }
  }
}

function isOver(result: unknown): boolean {
  return !(result instanceof Error) || result instanceof WorkflowFailedError;
}

async function judge(): Promise<string[]> {
  const wrong: string[] = [];
  let customers = 0;
  const outcomes: Record<string, number> = {};
  for (const { job, handle, isAgain } of jobs.filter(Boolean)) {
    const progress: Progress = await handle.query(progressQuery);
    if (progress.state !== 'completed' && progress.state !== 'cancelled')
      wrong.push(`job ${job.number} is ${progress.state}`);
    // A job that was cancelled before its source was read has nothing to count.
    else if (progress.customers.total > 0) wrong.push(...(await judgeJob(system, job, { result: progress, isAgain })));
    customers += progress.customers.total;
    for (const [outcome, count] of Object.entries(progress.customers))
      outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  }
  for (const store of stores) {
    const { maxInFlight, inFlight, puts, customersAppliedMoreThanOnce } = await system.stats(store);
    console.log(
      `Store ${store}: ${puts} calls, most in flight ${maxInFlight}, ${customersAppliedMoreThanOnce} customers sent twice.`,
    );
    if ((maxInFlight ?? 0) > 3) wrong.push(`store ${store} had ${maxInFlight} calls in flight`);
    if (inFlight) wrong.push(`store ${store} has ${inFlight} calls in flight still`);
  }
  const undone = jobs.filter((one) => one?.job.backup);
  for (const { job, before } of undone) wrong.push(...(await judgeUndo(system, job, before)));
  console.log(`${undone.length} jobs undone.`);
  console.log(`${jobs.filter(Boolean).length} jobs, ${customers} customers: ${JSON.stringify(outcomes)}`);
  return wrong;
}

/** Replays every history of the run on the current code. */
async function replay(): Promise<string[]> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const wrong: string[] = [];
  let replayed = 0;
  const histories = system.client.workflow.list().intoHistories();
  const results = Worker.runReplayHistories({ workflowBundle: { codePath: 'dist/workflow-bundle.js' } }, histories);
  for await (const { workflowId, error } of results) {
    replayed++;
    if (error) wrong.push(`a history of ${workflowId} does not replay: ${error.message}`);
  }
  console.log(`${replayed} histories replayed.`);
  return wrong;
}
