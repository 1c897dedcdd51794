/** The worker: settings → parts → Temporal Workers, and the order in which they stop. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { Client } from '@temporalio/client';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createJobActivities } from './activities/job-activities.ts';
import { serveStoreQueue } from './activities/serve-store-queue.ts';
import { Serving } from './activities/serving.ts';
import { Api } from './bigcommerce/http.ts';
import { Stores } from './bigcommerce/store.ts';
import { Tokens } from './bigcommerce/tokens.ts';
import { BadConfig, PACKAGE_ROOT, workerConfig, type WorkerConfig } from './config.ts';
import { cantConnect } from './temporal/cant-connect.ts';
import { connect, refusal } from './temporal/connect.ts';
import { detailsOf } from './temporal/grpc.ts';
import { inWords, jobsRouting, makeCurrent, receivesJobs } from './temporal/routing.ts';
import { readTarget } from './temporal/target.ts';
import { dataConverterOf } from './payloads/index.ts';
import type { LeaseActivities } from './contract/activities.ts';
import { JOBS_TASK_QUEUE, STORES_TASK_QUEUE } from './contract/job.ts';
import { startHealth, troublesOf } from './worker/health.ts';
import { BACKUPS, SOURCE_COPIES } from './jobs/keys.ts';
import { LookUpFiles } from './jobs/look-ups.ts';
import { whichStore } from './jobs/which-store.ts';
import { PageReader } from './jobs/pages.ts';
import { createLogger, type Log, temporalLogger } from './worker/log.ts';
import { createMetrics, HISTOGRAM_BUCKETS } from './worker/metrics.ts';
import { nexusService } from './worker/nexus.ts';
import { watchSchedules } from './worker/schedules.ts';
import { onSignals } from './process.ts';
import { openStorage } from './storage/open.ts';
import type { Storage } from './storage/storage.ts';

/** After SIGTERM the calls of chunks end within this time, and the leases with them. */
const STOP_MS = 120_000;

/** How long nobody has written to a copy of a source whose writer counts as killed. */
const DAY_MS = 86_400_000;

/** How long the Temporal server may take to answer a quick question. The SDK retries for a few seconds beyond that. */
const REACH_MS = 2_000;

async function main(): Promise<void> {
  const config = workerConfig();
  const log = createLogger(config.LOG_LEVEL);
  const { HEALTH_ADDRESS } = config;
  // First, so that whatever runs the process can see it starting.
  const health = HEALTH_ADDRESS
    ? await forSetting(notFree('HEALTH_ADDRESS', HEALTH_ADDRESS), () => startHealth(HEALTH_ADDRESS))
    : undefined;
  const storage = await forSetting('JOB_STORE', () => openJobStore(config));
  const jobStore = await forSetting('JOB_STORE', () => whichStore(storage));
  // Of jobs that never began, nobody else would delete them.
  await forSetting('JOB_STORE', () => storage.deleteHalfWritten(SOURCE_COPIES.slice(0, -1), DAY_MS));
  const sourceRoots = await forSetting('SOURCE_ROOTS', () => sourceRootsOf(config, storage));
  const tokens = await forSetting(
    'BIGCOMMERCE_TOKENS_FILE',
    () => new Tokens(config.tokens, (message) => log.warn(message)),
  );
  const dataConverter = await forSetting('PAYLOAD_KEYS_FILE', () => dataConverterOf(config.PAYLOAD_KEYS_FILE));
  await installRuntime(config, log);
  const metrics = createMetrics(Runtime.instance().metricMeter);

  const { version } = JSON.parse(readFileSync(`${PACKAGE_ROOT}package.json`, 'utf8')) as { version: string };
  const { BIGCOMMERCE_API_URL: apiUrl, QUOTA_RESERVE_PERCENT: quotaReservePercent } = config;
  const stores = new Stores({
    api: new Api(apiUrl, version),
    tokens,
    quotaReservePercent,
    observe: metrics.observe,
  });

  const target = readTarget(config.TEMPORAL_PROFILE);
  const { address, namespace } = target;
  // First, because this one gives up and says what is wrong.
  const connection = await connect(target);
  const nativeConnection = await NativeConnection.connect(target.options).catch(async (error: unknown) => {
    throw await cantConnect(target, error);
  });
  const client = new Client({ connection, namespace, dataConverter });
  const serving = new Serving(config.MAX_STORES);
  const { leaseTaken } = metrics;
  const pages = new PageReader(storage, config.MAX_STORES);
  const lookUps = new LookUpFiles(storage, pages, config.MAX_STORES);
  const parts = {
    ...{ client, connection: nativeConnection, dataConverter, stores, pages, lookUps, storage },
    ...{ jobStore, serving, leaseTaken },
  };

  const jobs = await Worker.create({
    connection: nativeConnection,
    namespace,
    taskQueue: JOBS_TASK_QUEUE,
    ...workflows(config),
    ...versioning(config),
    dataConverter,
    activities: createJobActivities({ client, storage, jobStore, sourceRoots }),
    nexusServices: [nexusService],
    maxCachedWorkflows: 200,
    // A cancel arrives with the answer to a heartbeat, and by default the SDK sends one only every 24 s.
    maxHeartbeatThrottleInterval: '5 seconds',
  });
  const leases = await Worker.create({
    connection: nativeConnection,
    namespace,
    taskQueue: STORES_TASK_QUEUE,
    dataConverter,
    activities: {
      serveStoreQueue: ({ storeHash }) => serveStoreQueue(parts, storeHash),
    } satisfies LeaseActivities,
    maxConcurrentActivityTaskExecutions: config.MAX_STORES,
    // Each open poll of a process that died swallows an attempt of one of its leases, so there is only one.
    activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 1 },
    shutdownGraceTime: STOP_MS,
  });

  const running = [jobs.run(), leases.run()];
  const watching = new AbortController();
  const watched = watchSchedules(client, {
    ...{ count: metrics.schedule, signal: watching.signal },
    warn: (message) => log.warn(message),
  });
  const stopping = stopOnSignal(async (signal) => {
    watching.abort();
    health?.readyUnless(() => ['stopping']);
    log.info(`${signal}: finishing what is in flight; a second signal stops at once`);
    leases.shutdown();
    await serving.drain();
    jobs.shutdown();
    await running[0];
    serving.handOver();
  });
  // Over the connection that the Workers poll with.
  const reach = () => nativeConnection.workflowService.getSystemInfo({});
  health?.readyUnless(troublesOf([jobs, leases], () => nativeConnection.withDeadline(Date.now() + REACH_MS, reach)));
  log.info({ address, namespace, jobStore: storage.root, apiUrl, ...config.version }, 'ready');
  const refused = refusal(connection, target, ({ message }) => log.error(message));
  await warnUnlessRouted(client, config, log);
  await Promise.race([Promise.all(running), refused]);
  await stopping;
  await watched;
  await Promise.all([stores.close(), connection.close(), nativeConnection.close(), health?.close()]);
  log.info('stopped');
}

/** Where sources may be: the places in the settings, and always the starter's copies and the jobs' backups. */
function sourceRootsOf({ SOURCE_ROOTS }: WorkerConfig, jobStore: Storage): Promise<Storage[]> {
  const roots = SOURCE_ROOTS ?? [jobStore.uri('sources')];
  const ours = [SOURCE_COPIES, BACKUPS].map((folder) => jobStore.uri(folder.replace(/\/$/, '')));
  const places = [...roots, ...ours];
  return Promise.all(places.map((root) => openStorage(root, PACKAGE_ROOT)));
}

/** Tries it: the jobs of a worker that may not use the job store would wait, and nobody would know why. */
async function openJobStore({ JOB_STORE }: WorkerConfig): Promise<Storage> {
  const jobStore = await openStorage(JOB_STORE, PACKAGE_ROOT);
  const probe = `probe-${randomUUID()}`;
  await jobStore.write(probe, []);
  await jobStore.delete(probe);
  // S3 says that a file is missing only to those who may list and read.
  await jobStore.exists(probe);
  return jobStore;
}

const notFree = (setting: string, address: string): string =>
  `${setting}: expected a free address of this machine, got ${address}`;

async function installRuntime({ METRICS_ADDRESS = '' }: WorkerConfig, log: Log): Promise<void> {
  await forSetting(notFree('METRICS_ADDRESS', METRICS_ADDRESS), () =>
    Runtime.install({
      logger: temporalLogger(log),
      // We stop the Workers ourselves, in order.
      shutdownSignals: [],
      telemetryOptions: {
        logging: { filter: { core: 'WARN', other: 'WARN' }, forward: {} },
        ...(METRICS_ADDRESS && {
          metrics: { prometheus: { bindAddress: METRICS_ADDRESS, histogramBucketOverrides: HISTOGRAM_BUCKETS } },
        }),
      },
    }),
  );
}

/** Turns whatever `make` throws into an error about `setting`. */
async function forSetting<T>(setting: string, make: () => T | Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    throw new BadConfig(`${setting}: ${(error as Error).message}`, { cause: error });
  }
}

/** The bundle of workflows that the build made; how failures are encoded is part of it. */
function workflows({ PAYLOAD_KEYS_FILE }: WorkerConfig) {
  const codePath = `${PACKAGE_ROOT}dist/workflow-bundle${PAYLOAD_KEYS_FILE === undefined ? '' : '-encrypting'}.js`;
  if (existsSync(codePath)) return { workflowBundle: { codePath } };
  throw new BadConfig(`There is no ${codePath}: run npm run build.`);
}

/** A job continues in the current version, whichever version it began in. */
function versioning({ version }: WorkerConfig) {
  if (version === null) return {};
  const defaultVersioningBehavior = 'AUTO_UPGRADE' as const;
  return { workerDeploymentOptions: { version, useWorkerVersioning: true as const, defaultVersioningBehavior } };
}

/** A worker whose version is not current waits silently, and so do the jobs if there is no other worker. */
async function warnUnlessRouted(client: Client, { version }: WorkerConfig, log: Log): Promise<void> {
  try {
    const routing = await client.withDeadline(Date.now() + REACH_MS, () => jobsRouting(client));
    if (receivesJobs(routing, version)) return;
    const current = inWords(routing.routedTo[0]);
    log.warn(
      `jobs are routed to workers ${current}, not to this one. To change that: ${makeCurrent(routing, version)}`,
    );
  } catch (error) {
    log.warn(`the server does not say which workers jobs are routed to: ${detailsOf(error as Error)}`);
  }
}

/** Runs `stop` at the first SIGTERM or SIGINT; the second one ends the process at once. */
function stopOnSignal(stop: (signal: string) => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    let stopping = false;
    onSignals(['SIGTERM', 'SIGINT'], (signal) => {
      if (stopping) process.exit(1);
      stopping = true;
      stop(signal).then(resolve, reject);
    });
  });
}

await main().catch((error: unknown) => {
  const expected = error instanceof BadConfig;
  console.error(expected ? error.message : error);
  // The SDK's own threads would keep the process alive.
  process.exit(expected ? 2 : 1);
});
