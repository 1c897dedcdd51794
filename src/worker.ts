/** The worker: settings → parts → Temporal Workers, and the order in which they stop. */
import { existsSync, readFileSync } from 'node:fs';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createJobActivities } from './activities/job-activities.ts';
import { serveStoreQueue } from './activities/serve-store-queue.ts';
import { Serving } from './activities/serving.ts';
import { createStores } from './bigcommerce/store.ts';
import { createTokens } from './bigcommerce/tokens.ts';
import { BadConfig, PACKAGE_ROOT, workerConfig, type WorkerConfig } from './config.ts';
import { JOBS_TASK_QUEUE, STORES_TASK_QUEUE, type LeaseActivities } from './contract.ts';
import { SOURCE_COPIES } from './jobs/keys.ts';
import { PageReader } from './jobs/pages.ts';
import { createLogger, temporalLogger } from './log.ts';
import { openStorage } from './storage/open.ts';
import type { Storage } from './storage/storage.ts';

/** Chunks' calls end within this after SIGTERM, and the leases with them. */
const STOP_MS = 120_000;

async function main(): Promise<void> {
  const config = workerConfig();
  const log = createLogger(config.logLevel);
  Runtime.install({
    logger: temporalLogger(log),
    // We stop our Workers ourselves, in order.
    shutdownSignals: [],
    telemetryOptions: {
      logging: { filter: { core: 'WARN', other: 'WARN' }, forward: {} },
      ...(config.metricsAddress && { metrics: { prometheus: { bindAddress: config.metricsAddress } } }),
    },
  });

  const { storage, sourceRoots, tokens } = settle(() => ({
    storage: openStorage(config.jobStore, PACKAGE_ROOT),
    sourceRoots: sourceRootsOf(config),
    tokens: createTokens(config.tokens, (message) => log.warn(message)),
  }));
  const { version } = JSON.parse(readFileSync(`${PACKAGE_ROOT}package.json`, 'utf8')) as { version: string };
  const { apiUrl, quotaReservePercent } = config;
  const stores = createStores({ apiUrl, tokens, quotaReservePercent, version });

  const { connectionOptions, namespace = 'default' } = settle(() => loadClientConnectConfig());
  const address = connectionOptions.address ?? 'localhost:7233';
  const nativeConnection = await NativeConnection.connect(connectionOptions).catch((error: unknown) => {
    throw new BadConfig(
      `No Temporal server answers at ${address}: ${(error as Error).message}\n` +
        'TEMPORAL_ADDRESS or a Temporal profile sets the address. For a server on this machine run `temporal server start-dev`.',
    );
  });
  const connection = await Connection.connect(connectionOptions);
  const client = new Client({ connection, namespace });
  const serving = new Serving();
  const parts = { client, connection: nativeConnection, stores, pages: new PageReader(storage), serving };

  const jobs = await Worker.create({
    connection: nativeConnection,
    namespace,
    taskQueue: JOBS_TASK_QUEUE,
    ...workflows(),
    activities: createJobActivities({ client, storage, sourceRoots }),
    maxCachedWorkflows: 200,
  });
  const leases = await Worker.create({
    connection: nativeConnection,
    namespace,
    taskQueue: STORES_TASK_QUEUE,
    activities: {
      serveStoreQueue: ({ storeHash }) => serveStoreQueue(parts, storeHash),
    } satisfies LeaseActivities,
    maxConcurrentActivityTaskExecutions: config.maxStores,
    // The open polls of a process that died swallow the next attempt of each of its leases: one is enough.
    activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 1 },
    shutdownGraceTime: STOP_MS,
  });

  const running = [jobs.run(), leases.run()];
  const stopping = stopOnSignal(async (signal) => {
    log.info(`${signal}: finishing what is in flight; once more stops at once`);
    leases.shutdown();
    await serving.drain();
    jobs.shutdown();
    await running[0];
    serving.handOver();
  });
  log.info({ address, namespace, jobStore: storage.root, apiUrl }, 'ready');
  await Promise.all(running);
  await stopping;
  await Promise.all([stores.close(), connection.close(), nativeConnection.close()]);
  log.info('stopped');
}

/** Where sources may lie: the places that are set, and the starter's copies in any case. */
function sourceRootsOf({ jobStore, sourceRoots }: WorkerConfig): Storage[] {
  const own = openStorage(jobStore, PACKAGE_ROOT);
  const roots = sourceRoots ?? [own.uri('sources')];
  return [...roots, own.uri(SOURCE_COPIES.replace(/\/$/, ''))].map((root) => openStorage(root, PACKAGE_ROOT));
}

/** Whatever `make` throws is about a setting. */
function settle<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new BadConfig((error as Error).message, { cause: error });
  }
}

/** The workflows, as the build bundled them. */
function workflows() {
  const codePath = `${PACKAGE_ROOT}dist/workflow-bundle.js`;
  if (existsSync(codePath)) return { workflowBundle: { codePath } };
  throw new BadConfig(`There is no ${codePath}: run npm run build.`);
}

/** Runs `stop` at the first SIGTERM or SIGINT; the second one ends the process at once. */
function stopOnSignal(stop: (signal: string) => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    let stopping = false;
    const onSignal = (signal: string) => {
      if (stopping) process.exit(1);
      stopping = true;
      stop(signal).then(resolve, reject);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

await main().catch((error: unknown) => {
  const expected = error instanceof BadConfig;
  console.error(expected ? error.message : error);
  // The library's own threads would keep the process.
  process.exit(expected ? 2 : 1);
});
