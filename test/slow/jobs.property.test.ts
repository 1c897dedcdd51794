/**
 * Random jobs on a real server, whose activities end in every way and take their time, while people pause, resume and
 * cancel them: each ends, no workflow task fails, and every run replays. job.test.ts tests what a job decides, without
 * a server.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { type Client, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import type { temporal } from '@temporalio/proto';
import fc from 'fast-check';
import {
  CHUNKS_PER_PAGE,
  type ChunkFailureType,
  type ChunkOutcome,
  type ChunkRef,
  type ClosedJob,
  type JobActivities,
  type PageOutcome,
  type PageRef,
  type StoreActivities,
} from '../../src/contract/activities.ts';
import {
  jobId,
  JOBS_TASK_QUEUE,
  pauseUpdate,
  progressQuery,
  resumeUpdate,
  storeTaskQueue,
  type Failure,
} from '../../src/contract/job.ts';
import { packFallen } from '../../src/contract/look-ups.ts';
import { FUZZ_MS, RUNS } from '../support/fuzz.ts';
import { startInProcess, workflowBundle } from '../support/in-process.ts';
import { expectCountsToAddUp, expectNoFailedTask, prepared } from '../support/jobs.ts';

const KINDS = ['updated', 'rejected', 'taken', 'failed', 'unanswered', 'refused', 'handedOver', 'nonsense'] as const;
const SAID = ['pause', 'resume', 'cancel'] as const;

interface Plan {
  chunks: number;
  maxRejectedPercent: number;
  backup: boolean;
  /** How opening the store ends, in turn. */
  opens: ('served' | 'ended')[];
  /** What the activities answer, in turn, and how many ms that takes. */
  answers: { kind: (typeof KINDS)[number]; customers: number; takes: number }[];
  /** What people say during the nth activity of the job, and whether that one waits until they were heard. */
  said: { what: (typeof SAID)[number]; during: number; heard: boolean }[];
}

const plan: fc.Arbitrary<Plan> = fc.record({
  chunks: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 5, max: 60 })),
  backup: fc.boolean(),
  opens: fc.array(fc.constantFrom('served', 'served', 'ended'), { minLength: 1, maxLength: 3 }),
  maxRejectedPercent: fc.constantFrom(20, 100),
  answers: fc.array(
    fc.record({
      kind: fc.oneof({ weight: 3, arbitrary: fc.constant('updated' as const) }, fc.constantFrom(...KINDS)),
      customers: fc.integer({ min: 1, max: 10 }),
      takes: fc.constantFrom(0, 0, 0, 5, 30, 100),
    }),
    { minLength: 1, maxLength: 12 },
  ),
  said: fc.array(
    fc.record({
      what: fc.constantFrom(...SAID),
      during: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 5, max: 80 })),
      heard: fc.boolean(),
    }),
    { maxLength: 6 },
  ),
});

/** A job that is being played. */
class Played {
  readonly plan: Plan;
  readonly handle: WorkflowHandle;
  begun = 0;
  opened = 0;
  closed = 0;
  /** Customers that each page's look-up left, from its first chunk on. */
  readonly left = new Map<number, number[]>();
  /** From now on all goes well. */
  calm = false;

  constructor(plan: Plan, handle: WorkflowHandle) {
    this.plan = plan;
    this.handle = handle;
  }

  async begin(): Promise<void> {
    this.begun++;
    for (const { what, during, heard } of this.plan.said) {
      if (during !== this.begun) continue;
      const saying = this.#say(what).catch(() => undefined);
      // An update of a job that is about to continue as new waits for this activity to end.
      if (heard) await Promise.race([saying, sleep(200)]);
    }
  }

  #say(what: (typeof SAID)[number]): Promise<unknown> {
    if (what === 'cancel') return this.handle.cancel();
    return what === 'pause'
      ? this.handle.executeUpdate(pauseUpdate, { args: [undefined] })
      : this.handle.executeUpdate(resumeUpdate);
  }

  async answer(ids: number[]): Promise<ChunkOutcome> {
    const { answers } = this.plan;
    const { kind, customers, takes } = answers[this.begun % answers.length] ?? {
      kind: 'updated',
      customers: 0,
      takes: 0,
    };
    const { cancelled, heartbeat } = Context.current();
    // It learns of a cancel only through its heartbeats.
    const beating = setInterval(heartbeat, 5);
    const stopped = await Promise.race([cancelled.catch(() => true), this.calm ? false : sleep(takes)]);
    clearInterval(beating);
    const some = ids.slice(0, customers);
    const none = {
      updated: 0,
      failures: [],
      calls: 1,
      reads: 0,
      throttled: 0,
      attempts: 1,
      unanswered: 0,
      concurrency: 3,
    };
    const failing = (who: number[], outcome: Failure['outcome'], code: Failure['code']): ChunkOutcome => {
      const failures = who.map((id) => ({ row: id, line: null, id, outcome, code, message: '' }));
      return { ...none, updated: ids.length - who.length, failures };
    };
    const fails = (type: ChunkFailureType, delay?: number) =>
      ApplicationFailure.create({
        type,
        details: [failing(ids, 'failed', 'unavailable')],
        ...(delay === undefined ? { nonRetryable: true } : { nextRetryDelay: delay }),
      });
    if (stopped) {
      if (some.length === ids.length) throw new CancelledFailure('Not sent.', [failing(ids, 'failed', 'cancelled')]);
      return failing(some, 'failed', 'cancelled');
    }
    if (this.calm) return failing([], 'rejected', 'unknown_id');
    switch (kind) {
      case 'updated':
        return failing([], 'rejected', 'unknown_id');
      case 'rejected':
        return failing(some, 'rejected', 'unknown_id');
      case 'taken':
        return failing(some, 'rejected', 'email_taken');
      case 'failed':
        return failing(some, 'failed', 'unavailable');
      case 'unanswered':
        throw fails('Unavailable');
      case 'refused':
        throw fails('Refused');
      case 'handedOver':
        throw fails('HandedOver', 1);
      case 'nonsense':
        return [undefined, {}, { ...none, updated: 3 }][customers % 3] as ChunkOutcome;
    }
  }
}

let client: Client;
let stop: () => Promise<void>;
const jobs = new Map<string, Played>();

function played(): Played {
  const job = jobs.get(Context.current().info.workflowExecution?.workflowId ?? '');
  if (!job) throw ApplicationFailure.nonRetryable('Not a job of this test.');
  return job;
}

const activities: JobActivities & Pick<StoreActivities, 'updateChunk' | 'lookUpPage'> = {
  async prepareJob() {
    const job = played();
    await job.begin();
    return prepared(job.plan.chunks);
  },
  async openStore() {
    const job = played();
    await job.begin();
    if (job.plan.opens.at(job.opened++ % job.plan.opens.length) === 'ended') throw ApplicationFailure.nonRetryable('');
    return { served: true };
  },
  saveFailures: ({ name }) =>
    played()
      .begin()
      .then(() => `file:///${name}`),
  closeJob: close,
  updateChunk: update,
  lookUpPage: lookUp,
};

async function close(): Promise<ClosedJob> {
  const job = played();
  await job.begin();
  job.closed++;
  return { report: 'file:///report.csv', retry: null, fix: null, changes: null };
}

async function update({ chunk, only, asked }: ChunkRef): Promise<ChunkOutcome> {
  const job = played();
  await job.begin();
  const left = asked && job.left.get(Math.floor(chunk / CHUNKS_PER_PAGE));
  const first = (chunk % CHUNKS_PER_PAGE) * 10;
  const all = left ? left.slice(first, first + 10) : Array.from({ length: 10 }, (_, index) => chunk * 10 + index + 1);
  return job.answer(only ?? all);
}

/** Some customers fall out of a page if they are rejected; whatever else would become of them, they are sent. */
async function lookUp({ page, asked }: PageRef): Promise<PageOutcome> {
  const job = played();
  await job.begin();
  const [from, to] = asked.at(-1) as [number, number];
  const ids = Array.from({ length: (to - from) * 10 }, (_, index) => page * CHUNKS_PER_PAGE * 10 + index + 1);
  const answer = (await job.answer(ids)) as ChunkOutcome | Record<string, never> | undefined;
  if (!answer?.failures) return answer as unknown as PageOutcome;
  const { failures, ...outcome } = answer as ChunkOutcome;
  const out = failures.filter(({ code }) => code === 'unknown_id');
  const rest = ids.slice(out.length);
  job.left.set(page, rest);
  const chunks = Math.ceil(rest.length / 10);
  const why = { outcome: 'rejected', code: 'unknown_email', message: '' } as const;
  return {
    ...{ ...outcome, calls: 0, unchanged: 0, chunks, lastSize: chunks === 0 ? 0 : rest.length - (chunks - 1) * 10 },
    fallen: out.length === 0 ? [] : [{ ...why, ...packFallen(out) }],
  };
}

beforeAll(async () => {
  const queues = { [JOBS_TASK_QUEUE]: activities, [storeTaskQueue('abc')]: activities };
  ({ client, stop } = await startInProcess(queues, { 'limit.historyCount.suggestContinueAsNew': 150 }));
});
afterAll(() => stop());

async function play(plan: Plan): Promise<Played> {
  const workflowId = jobId('abc', `whatever-${jobs.size}`);
  const job = new Played(plan, client.workflow.getHandle(workflowId));
  jobs.set(workflowId, job);
  const input = {
    storeHash: 'abc',
    source: { uri: 'file:///customers.csv' },
    options: { maxRejectedPercent: plan.maxRejectedPercent, backup: plan.backup },
  };
  await client.workflow.start('updateCustomers', { workflowId, taskQueue: JOBS_TASK_QUEUE, args: [input] });
  const ended = job.handle.result().then(
    () => 'completed',
    (error: unknown) => (error instanceof WorkflowFailedError ? 'cancelled' : Promise.reject(error)),
  );
  for (let round = 0; ; round++) {
    const end = await Promise.race([ended, sleep(200)]);
    if (end !== undefined) break;
    const progress = await job.handle.query(progressQuery);
    if (round > 150) throw new Error(`The job does not end: ${JSON.stringify(progress)}`);
    job.calm ||= round > 10;
    if (job.calm && (progress.state === 'paused' || progress.state === 'held')) {
      await job.handle.executeUpdate(resumeUpdate).catch(() => undefined);
    }
  }
  const progress = await job.handle.query(progressQuery);
  expect(progress.state).toBe(await ended);
  expectCountsToAddUp(progress);
  if (progress.state === 'completed') expect(progress.chunks.done).toBe(progress.chunks.total);
  expect(job.closed).toBe(1);
  return job;
}

test(
  'each ends, no task of it fails, and every run replays',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(plan, { minLength: 8, maxLength: 8 }), async (plans) => {
        const ended = await Promise.all(plans.map(play));
        const ids = ended.map(({ handle }) => `'${handle.workflowId}'`).join(',');
        const histories = client.workflow.list({ query: `WorkflowId IN (${ids})` }).intoHistories();
        let runs = 0;
        const checked = (async function* () {
          for await (const { workflowId, history } of histories) {
            runs++;
            const { events } = history as temporal.api.history.v1.IHistory;
            expectNoFailedTask(events);
            yield { workflowId, history };
          }
        })();
        for await (const { error } of Worker.runReplayHistories({ workflowBundle }, checked))
          expect(error).toBeUndefined();
        expect(runs).toBeGreaterThanOrEqual(plans.length);
      }),
      // Shrinking would play hundreds more jobs.
      { numRuns: RUNS / 40, endOnFailure: true },
    );
  },
  2 * FUZZ_MS,
);
