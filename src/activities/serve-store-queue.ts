import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledFailure, Context, log } from '@temporalio/activity';
import { ActivityCancelledError, ActivityNotFoundError, type Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { type NativeConnection, Worker } from '@temporalio/worker';
import { LONGEST_CALL_MS } from '../bigcommerce/http.ts';
import type { Stores } from '../bigcommerce/store.ts';
import { type JobStore, type LeaseEnd, OPENING_MS } from '../contract/activities.ts';
import { STORE_CONCURRENCY, storeTaskQueue } from '../contract/job.ts';
import type { PageReader } from '../jobs/pages.ts';
import type { LookUpFiles } from '../jobs/look-ups.ts';
import type { Storage } from '../storage/storage.ts';
import { createStoreActivities } from './store-activities.ts';
import { earlierCallsMs, holderIdentity, type LeaseDetails, processName } from './earlier-holder.ts';
import { Lease, type LeaseOptions, RENEWAL_DEADLINE_MS } from './lease.ts';
import { QueueUsage, type Serving } from './serving.ts';

/** An attempt holds the lease no longer than this, to keep the history of serveStore short. */
const ROTATE_MS = 3_600_000;

/** In a process that has no place left, so that stores that wait for one get it: each of 20 places after 15 s on average. */
const ROTATE_WHEN_FULL_MS = 300_000;

/** How long a queue is idle before its lease is given back. In a process that has no place left it is OPENING_MS. */
const IDLE_MS = 60_000;

/** How long a call in flight may take to end when the queue is drained. */
const DRAIN_MS = LONGEST_CALL_MS + 15_000;

/** How long aborted calls may take to end after the lease is lost. */
const ABORT_MS = 10_000;

/** How often to check whether the queue is idle or the lease is to be rotated. */
const CHECK_MS = 1_000;

/** What serving needs of the process. */
export interface ServingParts {
  client: Client;
  connection: NativeConnection;
  dataConverter: DataConverter;
  stores: Stores;
  pages: PageReader;
  lookUps: LookUpFiles;
  storage: Storage;
  jobStore: JobStore;
  serving: Serving;
  leaseTaken: LeaseTaken;
}

/**
 * Holds the lease of a store's queue: polls it with a Worker of its own until the queue was idle, the lease is rotated,
 * or this process stops. Gives it back by returning, so that a second attempt means that the first one died.
 */
export async function serveStoreQueue(parts: ServingParts, storeHash: string): Promise<LeaseEnd> {
  const { client, serving, stores, leaseTaken } = parts;
  if (serving.draining.aborted) return 'handedOver';
  const store = stores.get(storeHash);
  let inheritedMs = await earlierCallsMs(client, storeHash);
  const usage = new QueueUsage();
  const details = (): LeaseDetails => ({
    // While it waits for the calls of an earlier holder it reports those: a successor must wait for them too.
    slowestCallMs: Math.max(inheritedMs, store.slowestRecentMs()),
    worker: processName(),
    jobs: usage.jobs(),
    concurrency: store.concurrency(),
  });
  const lease = new Lease(leaseOptions(client, details));
  try {
    await lease.renew();
    void lease.keep();
    if (inheritedMs > 0) {
      log.info('lease waits for the calls of its previous holder', { store: storeHash, waitMs: inheritedMs });
    }
    await sleep(inheritedMs, undefined, { signal: AbortSignal.any([lease.lost, serving.draining]) });
    inheritedMs = 0;
    return await withLease(storeHash, lease.lost, leaseTaken, async () => {
      const end = await serving.serve(storeHash, () => serveWhileNeeded(parts, storeHash, lease, usage));
      if (end === 'handedOver') await aborted(AbortSignal.any([serving.handingOver, lease.lost]));
      return end;
    });
  } finally {
    lease.stop();
  }
}

function leaseOptions(client: Client, details: () => LeaseDetails): LeaseOptions {
  const context = Context.current();
  return {
    timeoutMs: context.info.heartbeatTimeoutMs ?? 0,
    async renew() {
      const now = details();
      try {
        const beat = () => client.activity.heartbeat(context.info.taskToken, now);
        await client.withDeadline(Date.now() + RENEWAL_DEADLINE_MS, beat);
      } catch (error) {
        if (error instanceof ActivityNotFoundError) return 'gone';
        // Cancelled, which the context's own signal says too; the lease is ours until we return.
        if (!(error instanceof ActivityCancelledError)) throw error;
      }
      // The confirmed heartbeat does not reset the SDK's own timer, which would cancel the activity.
      context.heartbeat(now);
      return 'renewed';
    },
  };
}

async function serveWhileNeeded(
  parts: ServingParts,
  storeHash: string,
  lease: Lease,
  usage: QueueUsage,
): Promise<LeaseEnd> {
  const { client, connection, dataConverter, stores, pages, lookUps, storage, jobStore, serving } = parts;
  const context = Context.current();
  const drain = new AbortController();
  const permit = lease.permit(drain.signal);

  const worker = await Worker.create({
    connection,
    namespace: client.options.namespace,
    taskQueue: storeTaskQueue(storeHash),
    dataConverter,
    activities: createStoreActivities(
      { store: stores.get(storeHash), permit, pages, lookUps, storage, jobStore },
      usage,
    ),
    maxConcurrentActivityTaskExecutions: STORE_CONCURRENCY,
    activityTaskPollerBehavior: { type: 'simple-maximum', maximum: STORE_CONCURRENCY },
    identity: holderIdentity(context.info),
    shutdownGraceTime: DRAIN_MS,
    shutdownForceTime: DRAIN_MS + ABORT_MS,
  });
  const broken = new AbortController();
  const running = worker.run().catch((error: unknown) => broken.abort(error));
  const stop = AbortSignal.any([lease.lost, serving.draining, context.cancellationSignal, broken.signal]);
  const begun = performance.now();
  let end: LeaseEnd | undefined;
  while (!stop.aborted && end === undefined) {
    await sleep(CHECK_MS, undefined, { signal: stop }).catch(() => undefined);
    end = leaseEnd(usage, performance.now() - begun, serving.isFull);
  }
  drain.abort();
  if (worker.getState() === 'RUNNING') worker.shutdown();
  await running;

  lease.lost.throwIfAborted();
  if (context.cancellationDetails?.cancelRequested) throw new CancelledFailure('The lease was cancelled.');
  broken.signal.throwIfAborted();
  return serving.draining.aborted || end === undefined ? 'handedOver' : end;
}

/** Why a lease held for `heldMs` is to be given back; undefined if it is to be kept. */
export function leaseEnd(usage: QueueUsage, heldMs: number, isFull: boolean): LeaseEnd | undefined {
  // A chunk that failed comes back after a pause, and its job would have to open the store again.
  const idleLimitMs = isFull && !usage.isOwedRetry ? OPENING_MS : IDLE_MS;
  // The queue was not served while this process waited for the calls of an earlier holder.
  if (Math.min(usage.idleMs(), heldMs) >= idleLimitMs) return 'idle';
  return heldMs >= (isFull ? ROTATE_WHEN_FULL_MS : ROTATE_MS) ? 'rotated' : undefined;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** Reports that this process has taken a store's lease; the function it returns reports that the lease has ended. */
export type LeaseTaken = (storeHash: string) => () => void;

/** Runs `serve` under a lease that was just taken; logs and reports when the lease began and how it ended. */
export async function withLease(
  store: string,
  lost: AbortSignal,
  leaseTaken: LeaseTaken,
  serve: () => Promise<LeaseEnd>,
): Promise<LeaseEnd> {
  log.info('lease taken', { store });
  const ended = leaseTaken(store);
  try {
    const end = await serve();
    log.info('lease given back', { store, why: end });
    return end;
  } catch (error) {
    const why = (error as Error).message;
    if (lost.aborted) log.warn('lease lost', { store, why });
    else log.warn('lease given up', { store, why });
    throw error;
  } finally {
    ended();
  }
}
