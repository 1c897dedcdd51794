/** The next version of the worker is deployed in the middle of a job, and the one before it again. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { progressQuery } from '../../src/contract/job.ts';
import { jobsQueue } from '../../src/temporal/versions.ts';
import { committed, replayCommitted } from '../replay/committed.ts';
import { customers, writeSource } from '../support/customers.ts';
import { expectNoFailedTask, expectThreeAtMost, untilDone } from '../support/jobs.ts';
import { buildChanged, type Edit } from '../support/next-version.ts';
import { runStarter } from '../support/starter.ts';
import { startSystem, type JobHandle, type System } from '../support/system.ts';
import { until } from '../support/until.ts';
import { isDrained, makeCurrent, version } from '../support/versions.ts';

/** What the next version does: chunks are called otherwise, and an activity that is new follows the last one. */
const NEXT: Edit[] = [
  ['src/workflows/send-chunks.ts', '`chunk ${item.chunk} · rows', '`chunk ${item.chunk} by the next version · rows'],
  ['src/workflows/update-customers.ts', '  log,\n', '  log,\n  patched,\n'],
  ['src/workflows/update-customers.ts', 'import { closeJob, ', 'import { noteEnd, closeJob, '],
  [
    'src/workflows/update-customers.ts',
    '  await close(job);\n  if (cancelled)',
    "  if (patched('note the end')) await noteEnd({ storeHash: job.ref.storeHash });\n  await close(job);\n  if (cancelled)",
  ],
  ['src/workflows/activities.ts', 'export const { openStore } ', 'export const { openStore, noteEnd } '],
  [
    'src/contract/activities.ts',
    'export interface JobActivities {\n',
    'export interface JobActivities {\n  noteEnd(input: { storeHash: string }): Promise<void>;\n',
  ],
  [
    'src/activities/job-activities.ts',
    '    closeJob: close,\n',
    '    noteEnd: async () => undefined,\n    closeJob: close,\n',
  ],
];

const OLD = fileURLToPath(new URL('../../dist', import.meta.url));

let folder: string;
let next: string;
let system: System;

beforeAll(async () => {
  // What does not replay is meant not to.
  const logging = { filter: { core: 'ERROR', other: 'ERROR' }, forward: {} } as const;
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging } });
  folder = await mkdtemp(join(tmpdir(), 'upgrade-'));
  const dynamicConfig = {
    // A job of these tests has several runs.
    'limit.historyCount.suggestContinueAsNew': 120,
    // Looks each second, instead of each three minutes, whether a version is drained.
    'matching.wv.VersionDrainageStatusVisibilityGracePeriod': '1s',
    'matching.wv.VersionDrainageStatusRefreshInterval': '1s',
  };
  [next, system] = await Promise.all([
    buildChanged(join(folder, 'next'), NEXT),
    startSystem({ workers: 0, emulator: ['--customers', '1500', '--latency', '100'], server: { dynamicConfig } }),
  ]);
});
afterAll(async () => {
  await system.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => system.control('reset', {}));
afterEach(() => expectThreeAtMost(system));

const worker = (dist: string, settings?: Record<string, string>) =>
  system.startWorker(settings, undefined, `${dist}/worker.js`);

async function start(name: string): Promise<JobHandle> {
  const uri = await writeSource(system, `${name}.ndjson`, customers(1500));
  return system.start(name, { storeHash: 'abc', source: { uri } });
}

/** Calls take long enough for a job to outlast what is done to its workers, however slow the machine. */
const slow = () => system.control('faults', { fault: 'latency', ms: 2000 });
const fast = () => system.control('faults', { clear: true });

/** All 1,500 are updated, each of them once. */
async function expectEachOnce(job: JobHandle): Promise<void> {
  expect((await job.result()).customers).toMatchObject({ total: 1500, updated: 1500 });
  const { customersUpdatedDistinct, customersAppliedMoreThanOnce } = await system.stats();
  expect({ customersUpdatedDistinct, customersAppliedMoreThanOnce }).toEqual({
    customersUpdatedDistinct: 1500,
    customersAppliedMoreThanOnce: 0,
  });
}

type Event = temporal.api.history.v1.IHistoryEvent;

/** The events of a job's runs, the first run first. */
async function runsOf({ workflowId }: JobHandle): Promise<Event[][]> {
  const runs: Event[][] = [];
  for await (const { runId } of system.client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    const { events } = await system.client.workflow.getHandle(workflowId, runId).fetchHistory();
    runs.unshift(events ?? []);
  }
  return runs;
}

/** Who scheduled each of a job's chunks, in order and as often as that changes: the old version, or the next. */
function whoScheduled(runs: Event[][]): string[] {
  const summaries = runs
    .flat()
    .filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'updateChunk')
    .map((event) => String(defaultPayloadConverter.fromPayload(event.userMetadata?.summary ?? {})));
  const who = summaries.map((summary) => (summary.includes('by the next version') ? 'next' : 'old'));
  return who.filter((version, index) => version !== who[index - 1]);
}

const hasMarker = (events: Event[]) => events.some((event) => event.markerRecordedEventAttributes);

/** No workflow task of any run failed, and each run replays: on the next version all, on the old one what did not pass the patch. */
async function expectDeterministic(job: JobHandle): Promise<void> {
  const runs = await runsOf(job);
  expect(runs.length).toBeGreaterThan(1);
  expectNoFailedTask(runs.flat());
  expect(runs.map(hasMarker)).toEqual(runs.map((_, index) => index === runs.length - 1));
  for (const events of runs) {
    await replay(next, events);
    if (hasMarker(events)) await expect(replay(OLD, events)).rejects.toThrow(DeterminismViolationError);
    else await replay(OLD, events);
  }
}

const replay = (dist: string, events: Event[]) =>
  Worker.runReplayHistory({ workflowBundle: { codePath: `${dist}/workflow-bundle.js` } }, { events });

test('a job goes on when another version is made current, and the old one may stop when it is drained', async () => {
  const old = await worker(OLD, version('1'));
  const job = await start('versioned');
  // A job waits in silence where no version is current.
  const words =
    'Jobs are routed to workers without a version, and none of those is running. Start one, or route jobs to the workers of ' +
    'the version updates:1, which are running: temporal worker deployment set-current-version --deployment-name updates --build-id 1';
  expect((await runStarter(system, ['show', job.workflowId])).output).toContain(words);
  expect((await runStarter(system, ['list'])).output).toContain(words);
  expect(old.output()).toMatch(/not to this one. To change that: temporal worker .* --build-id 1"/);
  await makeCurrent(system, '1');
  await untilDone(job, 10);
  await slow();
  const fresh = await worker(next, version('2'));
  await makeCurrent(system, '2');
  await until(() => isDrained(system, '1'));
  expect(await old.stop()).toBe(0);
  await fast();
  await expectEachOnce(job);
  await fresh.waitFor(/jobs are given to this worker now/);
  expect((await job.query(progressQuery)).state).toBe('completed');
  expect(fresh.output()).toMatch(/"deploymentName":"updates","buildId":"2","msg":"ready"/);
  expect(whoScheduled(await runsOf(job))).toEqual(['old', 'next']);
  await expectDeterministic(job);
  expect(await jobsQueue(system.client)).toMatchObject({ given: [{ deploymentName: 'updates', buildId: '2' }] });
  expect(await fresh.stop()).toBe(0);
});

test('a job goes on through a rolling upgrade of workers without a version, back again, and another one', async () => {
  let up = await worker(OLD);
  await makeCurrent(system, '');
  const job = await start('rolling');
  for (const dist of [next, OLD, next]) {
    // More chunks than are scheduled at once, so that some are by the worker that is up.
    await untilDone(job, (await job.query(progressQuery)).chunks.done + 10);
    await slow();
    const another = await worker(dist);
    expect(await up.stop()).toBe(0);
    up = another;
    await fast();
  }
  await expectEachOnce(job);
  expect(await up.stop()).toBe(0);
  expect(whoScheduled(await runsOf(job))).toEqual(['old', 'next', 'old', 'next']);
  await expectDeterministic(job);
});

test('what jobs of 0.1.0 have done replays on the next version, and not if it had forgotten to ask for the patch', async () => {
  const forgetful = join(folder, 'forgetful');
  await mkdir(forgetful);
  const bundle = await readFile(`${next}/workflow-bundle.js`, 'utf8');
  const asks = /[(][^()]+[)][(]'note the end'[)]/;
  expect(bundle).toMatch(asks);
  await writeFile(`${forgetful}/workflow-bundle.js`, bundle.replace(asks, 'true'));

  const caught: string[] = [];
  for (const file of committed().filter((name) => name.startsWith('0.1.0-') && name.endsWith('-0.json.gz'))) {
    await replayCommitted(file, next);
    await replayCommitted(file, forgetful).catch((error: unknown) => {
      if (!(error instanceof DeterminismViolationError)) throw error;
      caught.push(file);
    });
  }
  // The source of `bad-source` is an empty one; `invalid-rows` and `serve-store` end elsewhere.
  const jobs = [
    'all-rejected',
    'bad-source',
    'cancelled',
    'continued',
    'dry-run',
    'outage',
    'paused',
    'refused',
    'tried-again',
  ];
  expect(caught).toEqual(jobs.map((job) => `0.1.0-${job}-0.json.gz`));
});
