/** Jobs and stores whose histories are recorded: one of each feature that gives a history its shape. */
import { writeFile } from 'node:fs/promises';
import { Client, type WorkflowHandle } from '@temporalio/client';
import type { Program } from '../../dev/servers/processes.ts';
import {
  JOBS_TASK_QUEUE,
  jobId,
  pauseUpdate,
  progressQuery,
  resumeUpdate,
  storeWorkflowId,
  type JobInput,
  type JobOptions,
  type JobState,
} from '../../src/contract/job.ts';
import { dataConverterOf } from '../../src/payloads/index.ts';
import { customers, writeSource } from '../support/customers.ts';
import { untilDone } from '../support/jobs.ts';
import { reset } from '../support/reset.ts';
import { TOKENS, type System } from '../support/system.ts';
import { until } from '../support/until.ts';
import { makeCurrent, version } from '../support/versions.ts';
import { KEYS_FILE } from './committed.ts';

/** What scenarios are played on: a system with search attributes, low limits of a run, and one worker. */
export interface Stage {
  system: System;
  /** The worker that is up. */
  worker: Program;
}

/** Plays it, and returns the workflows to be recorded, from their first run on. */
type Scenario = (stage: Stage) => Promise<WorkflowHandle[]>;

const NOBODY = 1_000_000;
const nobody = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ id: NOBODY + index, notes: 'nobody' }));

/** Rejected and invalid ones among good ones, and an e-mail address that moves. */
function mixed(): { id: number; [field: string]: unknown }[] {
  const rows = customers(1500);
  for (let row = 5; row < 1500; row += 97) rows[row] = { id: NOBODY + row, notes: 'nobody' };
  rows[1] = { id: 2, email: 'customer100@example.com' };
  rows[2] = { id: 3, first_name: '' };
  return rows;
}

/** Of every tenth nobody has the address, and of each customer another field is set. */
const byEmail = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    email: index % 10 === 3 ? `nobody${index}@example.com` : `customer${index + 1}@example.com`,
    notes: 'by e-mail',
  }));

const READS: JobOptions = { backup: true, skipUnchanged: true };

async function start({ system }: Stage, name: string, rows: unknown[], options: JobOptions = {}) {
  const uri = await writeSource(system, `${name}.ndjson`, rows);
  return system.start(name, { storeHash: 'abc', source: { uri }, options });
}

/** A job by its rows, which is left alone. */
const plain =
  (name: string, rows: unknown[], options: JobOptions = {}): Scenario =>
  async (stage) => [await start(stage, name, rows, options)];

/** A job by its source, which is left alone. */
const from =
  (name: string, input: Partial<JobInput>): Scenario =>
  async ({ system }) => [await system.start(name, { storeHash: 'abc', ...input } as JobInput)];

const untilState = (job: WorkflowHandle, state: JobState) =>
  until(async () => (await job.query(progressQuery)).state === state);

/** Calls take so long that a job outlasts what is done to its workers. */
const slow = ({ system }: Stage) => system.control('faults', { fault: 'latency', ms: 1000 });

/** Another worker instead of the one that is up; its version is made current first, where one is given. */
async function replaceWorker(stage: Stage, settings: Record<string, string> = {}, buildId?: string): Promise<void> {
  const another = await stage.system.startWorker(settings);
  if (buildId !== undefined) await makeCurrent(stage.system, buildId);
  await stage.worker.stop();
  stage.worker = another;
}

/** By the name of its files: letters and hyphens. Played in this order, one after the other. */
export const SCENARIOS: Record<string, Scenario> = {
  continued: plain('continued', mixed()),
  inline: from('inline', { source: { customers: customers(1000) } }),
  limit: plain('limit', mixed(), { limit: 100 }),

  async csv({ system }) {
    const uri = await writeSource(system, 'customers.csv', []);
    await writeFile(new URL(uri), 'Customer ID;Notes\n1;one\n2;\nthree;3\n');
    return [await system.start('csv', { storeHash: 'abc', source: { uri }, options: { reportAll: true } })];
  },

  async groups({ system }) {
    const uri = await writeSource(system, 'groups.csv', []);
    await writeFile(new URL(uri), 'Customer ID,Customer Group\n1,Wholesale\n2,Nobody\n3,No group\n');
    return [await system.start('groups', { storeHash: 'abc', source: { uri } })];
  },

  async attributes({ system }) {
    const rows = [
      { id: 1, customer_group: 'VIP' },
      { id: 2, attributes: { 'Loyalty Tier': 'Gold', Points: 5 } },
      { id: 3, attributes: { 'Loyalty Tier': null, Points: 'five' } },
      { id: 4, notes: 'n', attributes: { 'Loyalty Tier': null } },
    ];
    const uri = await writeSource(system, 'attributes.ndjson', rows);
    return [await system.start('attributes', { storeHash: 'abc', source: { uri }, options: { backup: true } })];
  },

  async 'retry-of'(stage) {
    const first = await start(stage, 'left', customers(60), { limit: 20 });
    await first.result();
    return from('retry-of', { source: { retryOf: first.workflowId } })(stage);
  },

  // What can't run at all.
  'bad-input': from('bad-input', { options: { maxRejectedPercent: 900 } }),
  'bad-source': from('bad-source', { source: { uri: 'file:///nowhere/customers.csv' } }),
  'invalid-rows': plain('invalid-rows', [{ id: 0 }], { onInvalid: 'fail' }),
  async 'nothing-to-retry'(stage) {
    const first = await start(stage, 'all-updated', customers(10));
    await first.result();
    return from('nothing-to-retry', { source: { retryOf: first.workflowId } })(stage);
  },

  // What sends nothing, or less.
  empty: plain('empty', []),
  'dry-run': plain('dry-run', customers(20), { dryRun: true }),
  reading: plain('reading', mixed(), READS),
  'dry-run-reading': plain('dry-run-reading', mixed(), { ...READS, dryRun: true }),
  'by-email': plain('by-email', byEmail(1_500), { match: 'email', skipUnchanged: true }),
  'dry-run-by-email': plain('dry-run-by-email', byEmail(300), { match: 'email', dryRun: true }),
  async undo(stage) {
    const changed = customers(200).map(({ id }) => ({ id, notes: `to be undone ${id}` }));
    const { backup } = await (await start(stage, 'backed-up', changed, { backup: true })).result();
    return from('undo', { source: { uri: backup as string }, options: { backup: true } })(stage);
  },

  // What goes wrong at the store.
  async 'tried-again'(stage) {
    await stage.system.control('faults', [
      { fault: 'throttle', count: 2, after: 2 },
      { fault: 'status', status: 502, count: 2, after: 1 },
    ]);
    return plain('tried-again', customers(100))(stage);
  },
  'all-rejected': plain('all-rejected', nobody(2_500), { maxRejectedPercent: 100 }),
  async rejections(stage) {
    const job = await start(stage, 'rejections', [...nobody(150), ...customers(150)]);
    await untilState(job, 'held');
    await job.executeUpdate(resumeUpdate);
    return [job];
  },
  async refused(stage) {
    const job = await start(stage, 'refused', customers(200));
    await untilDone(job, 3);
    await stage.system.control('tokens', { store: 'abc', token: 'reissued' });
    await untilState(job, 'held');
    await stage.system.control('tokens', { store: 'abc', token: TOKENS['abc'] });
    await job.executeUpdate(resumeUpdate);
    return [job];
  },
  async outage(stage) {
    const job = await start(stage, 'outage', customers(200));
    await untilDone(job, 3);
    await stage.system.control('faults', { fault: 'status', status: 503, count: 'always' });
    await untilState(job, 'held');
    await stage.system.control('faults', { clear: true });
    return [job];
  },
  async starved(stage) {
    await stage.system.control('faults', { fault: 'latency', ms: 32_000 });
    const job = await start(stage, 'starved', customers(10));
    await until(async () => (await job.query(progressQuery)).waitingFor?.kind === 'lease');
    await stage.system.control('faults', { clear: true });
    return [job];
  },

  // What people do.
  async paused(stage) {
    const job = await start(stage, 'paused', customers(300));
    await untilDone(job, 3);
    await job.executeUpdate(pauseUpdate, { args: [{ reason: 'recorded' }] });
    await job.executeUpdate(resumeUpdate);
    return [job];
  },
  async cancelled(stage) {
    const job = await start(stage, 'cancelled', customers(300));
    await untilDone(job, 3);
    await job.cancel();
    return [job];
  },
  async 'cancelled-preparing'(stage) {
    const job = await start(stage, 'cancelled-preparing', customers(400_000));
    await until(async () => Boolean((await job.describe()).raw.pendingActivities?.length));
    await job.cancel();
    return [job];
  },
  async 'cancelled-held'(stage) {
    const job = await start(stage, 'cancelled-held', nobody(400));
    await untilState(job, 'held');
    await job.cancel();
    return [job];
  },
  async 'cancelled-reading'(stage) {
    // Others than the store has by now, or nothing would be sent.
    const rows = customers(300).map((customer) => ({ ...customer, company: 'changed' }));
    const job = await start(stage, 'cancelled-reading', rows, READS);
    await untilDone(job, 3);
    await job.cancel();
    return [job];
  },
  async reset(stage) {
    const job = await start(stage, 'reset', customers(300));
    await untilDone(job, 3);
    await reset(stage.system, job, 'updateChunk');
    return [stage.system.client.workflow.getHandle(job.workflowId)];
  },

  // How workers are set up.
  async versioned(stage) {
    await slow(stage);
    await replaceWorker(stage, version('1'), '1');
    const job = await start(stage, 'versioned', customers(400));
    await untilDone(job, 3);
    await replaceWorker(stage, version('2'), '2');
    await job.result();
    await replaceWorker(stage, {}, '');
    return [job];
  },

  /** A lease that was handed over above is taken over, rotated, and given back after a minute. */
  async 'serve-store'(stage) {
    const store = stage.system.client.workflow.getHandle(storeWorkflowId('abc'));
    await slow(stage);
    const job = await start(stage, 'served', customers(400));
    await untilDone(job, 3);
    const another = await stage.system.startWorker();
    await stage.worker.kill();
    stage.worker = another;
    await job.result();
    // An hour has passed, as far as the workflow can tell.
    const { runId, raw } = await store.describe();
    const activityId = raw.pendingActivities?.[0]?.activityId ?? '';
    const lease = { workflowId: store.workflowId, runId, activityId };
    await stage.system.client.activity.complete(lease, 'rotated');
    return [store];
  },

  // The last one, on a store of its own: a worker without the keys can't go on with what they have encrypted.
  async encrypted(stage) {
    const { system } = stage;
    await replaceWorker(stage, { PAYLOAD_KEYS_FILE: KEYS_FILE });
    const client = new Client({ connection: system.connection, dataConverter: await dataConverterOf(KEYS_FILE) });
    const begin = (name: string, source: JobInput['source']) => {
      const options = { workflowId: jobId('def', name), taskQueue: JOBS_TASK_QUEUE };
      return client.workflow.start('updateCustomers', { ...options, args: [{ storeHash: 'def', source }] });
    };
    const job = await begin('encrypted', { customers: mixed().slice(0, 1000) });
    const failed = await begin('encrypted-failed', { uri: 'file:///nowhere/customers.csv' });
    await Promise.allSettled([job.result(), failed.result()]);
    return [job, failed];
  },
};
