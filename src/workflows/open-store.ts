import { CancellationScope, condition, sleep } from '@temporalio/workflow';
import { isStopped, openStore, thrownBy } from './activities.ts';
import type { Job } from './job.ts';
import { countStarved } from './metrics.ts';

/** After this long without an answer from the store's queue, it may have lost its worker: the store is opened again. */
const STARVED_MS = 30_000;

/** Has the store's queue served, with `unlessServed` only if nobody serves it. Returns whether a process is serving it. */
export async function open(job: Job, why: string, unlessServed = false): Promise<boolean> {
  const { storeHash } = job.ref;
  const opening = openStore.executeWithOptions({ summary: why }, [
    { storeHash, ...(unlessServed && { unlessServed }) },
  ]);
  const opened = await opening.catch((error: unknown) => {
    // A person has ended the activity. If the store stays silent, it is opened again.
    if (!thrownBy(error) || isStopped(error, CancellationScope.current())) throw error;
  });
  return opened?.served ?? true;
}

/** Runs `run`, and opens the store again whenever something `waits` for it and it has been silent for long. */
export async function whileOpen<T>(job: Job, waits: () => boolean, run: () => Promise<T>): Promise<T> {
  const watch = new CancellationScope();
  const watching = watch
    .run(() => openWhenStarved(job, waits))
    .catch((error: unknown) => {
      if (!isStopped(error, watch)) throw error;
    });
  try {
    return await run();
  } finally {
    watch.cancel();
    await CancellationScope.nonCancellable(() => watching);
  }
}

async function openWhenStarved(job: Job, waits: () => boolean): Promise<never> {
  for (;;) {
    await condition(waits);
    const { heardAt } = job;
    const quietFor = Date.now() - heardAt;
    if (quietFor < STARVED_MS) {
      await sleep(STARVED_MS - quietFor, { summary: 'is the store served?' });
    } else {
      const served = await open(job, 'no answer from the store for 30 s', true);
      if (job.heardAt !== heardAt) continue;
      job.heardAt = Date.now();
      job.starved = served ? 'slow' : 'unserved';
      countStarved(job.ref.storeHash, job.starved);
      job.woken = true;
    }
  }
}
