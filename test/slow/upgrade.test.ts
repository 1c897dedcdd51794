/** The next version of the worker is deployed in the middle of a job, and then rolled back. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { progressQuery } from '../../src/contract/job.ts';
import { jobsRouting } from '../../src/temporal/routing.ts';
import { committed, partsOf, readHistory, replayCommitted } from '../replay/committed.ts';
import { customers, writeSource } from '../support/customers.ts';
import { expectNoFailedTask, expectThreeAtMost, untilDone } from '../support/jobs.ts';
import { buildNext } from '../support/next-version.ts';
import { runStarter } from '../support/starter.ts';
import { startSystem, type JobHandle, type System } from '../support/system.ts';
import { until } from '../support/until.ts';
import { isDrained, makeCurrent, version } from '../support/versions.ts';

const OLD = fileURLToPath(new URL('../../dist', import.meta.url));

let folder: string;
let next: string;
let forgetful: string;
let system: System;

beforeAll(async () => {
  // Histories that do not replay are expected here.
  const logging = { filter: { core: 'ERROR', other: 'ERROR' }, forward: {} } as const;
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging } });
  folder = await mkdtemp(join(tmpdir(), 'upgrade-'));
  const dynamicConfig = {
    // A job of these tests has several runs.
    'limit.historyCount.suggestContinueAsNew': 120,
    // Checks every second instead of every three minutes whether a version is drained.
    'matching.wv.VersionDrainageStatusVisibilityGracePeriod': '1s',
    'matching.wv.VersionDrainageStatusRefreshInterval': '1s',
  };
  [next, forgetful, system] = await Promise.all([
    buildNext(join(folder, 'next'), 'next-workflows.ts'),
    buildNext(join(folder, 'forgetful'), 'forgetful-workflows.ts'),
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

/** Calls that take so long that a job outlasts the disturbance of its workers, however slow the machine is. */
const slow = () => system.control('faults', { fault: 'latency', ms: 2000 });
const fast = () => system.control('faults', { clear: true });

/** All 1,500 customers are updated, each of them once. */
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

/** Which versions scheduled a job's chunks, in order: the old one, the next one, and so on whenever that changed. */
function whoScheduled(runs: Event[][]): string[] {
  const summaries = runs
    .flat()
    .filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'updateChunk')
    .map((event) => String(defaultPayloadConverter.fromPayload(event.userMetadata?.summary ?? {})));
  const who = summaries.map((summary) => (summary.includes('by the next version') ? 'next' : 'old'));
  return who.filter((version, index) => version !== who[index - 1]);
}

const hasMarker = (events: Event[]) => events.some((event) => event.markerRecordedEventAttributes);

/** No workflow task failed. Runs replay on the next version, and on the old one if they did not ask for the patch. */
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

test('a job continues when another version is made current, and the old one may stop once it is drained', async () => {
  const old = await worker(OLD, version('1'));
  const job = await start('versioned');
  // While no version is current, a job waits in silence.
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
  expect((await job.query(progressQuery)).state).toBe('completed');
  expect(fresh.output()).toMatch(/"deploymentName":"updates","buildId":"2","msg":"ready"/);
  expect(whoScheduled(await runsOf(job))).toEqual(['old', 'next']);
  await expectDeterministic(job);
  expect(await jobsRouting(system.client)).toMatchObject({ routedTo: [{ deploymentName: 'updates', buildId: '2' }] });
  expect(await fresh.stop()).toBe(0);
});

test('a job continues through a rolling upgrade of unversioned workers, a rollback, and another upgrade', async () => {
  let up = await worker(OLD);
  await makeCurrent(system, '');
  const job = await start('rolling');
  for (const dist of [next, OLD, next]) {
    // More chunks than are in flight at once, so that the worker that is up has scheduled some.
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

test('recorded histories replay on the next version, but not had it forgotten to ask for the patch', async () => {
  const files = committed().filter((file) => file.endsWith('-0.json.gz') && partsOf(file).scenario !== 'encrypted');
  expect(files.length).toBeGreaterThan(20);
  const [onNext, onForgetful] = [await replayCommitted(files, next), await replayCommitted(files, forgetful)];
  for (const file of files) {
    expect(onNext.get(file)).toBeNull();
    const violation = closes(readHistory(file).events) ? expect.any(DeterminismViolationError) : null;
    expect([file, onForgetful.get(file)]).toEqual([file, violation]);
  }
});

const closes = (events: Event[]) =>
  events.some((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'closeJob');
