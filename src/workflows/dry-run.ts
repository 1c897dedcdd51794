import { CHUNKS_PER_PAGE, type Compared } from '../contract/activities.ts';
import { CHUNK_SIZE } from '../contract/job.ts';
import { storeActivities, thrownBy } from './activities.ts';
import type { Job } from './job.ts';
import { open, whileOpen } from './open-store.ts';

/** Pages that one activity compares: 25,000 customers, a hundred calls. After each the store is known to answer. */
const PAGES_AT_ONCE = 25;

/**
 * Asks the store whether it takes the token and, for a job that reads present values, what sending would change; enters
 * what sending would take. Changes nothing. Returns why the store refuses, if it does.
 */
export async function dryRun(job: Job): Promise<string | undefined> {
  const { checkStore } = storeActivities(job.ref.storeHash);
  await open(job, 'a dry run asks the store');
  job.heardAt = Date.now();
  const ask = async () => {
    const summary = 'does the store take the token?';
    const { quota } = await checkStore.executeWithOptions({ summary }, [{ job: job.ref }]);
    const { chunksToSend, lastSentSize } = job.ledger.plan;
    const all = chunksToSend === 0 ? 0 : (chunksToSend - 1) * CHUNK_SIZE + lastSentSize;
    if (!job.readsPresent) return { customers: all, calls: chunksToSend, quota };
    const { chunks, ...compared } = await compare(job, chunksToSend);
    const { changed, missing } = compared;
    const sent = job.options.skipUnchanged
      ? { customers: changed + missing, calls: chunks }
      : { customers: all, calls: chunksToSend };
    return { ...sent, quota, compared };
  };
  try {
    job.wouldSend = await whileOpen(job, () => true, ask);
  } catch (error) {
    const failure = thrownBy(error);
    if (failure?.type !== 'Refused') throw error;
    return failure.message;
  }
}

async function compare(job: Job, chunks: number): Promise<Compared> {
  const { compareCustomers } = storeActivities(job.ref.storeHash);
  const compared: Compared = { changed: 0, unchanged: 0, missing: 0, chunks: 0 };
  const pages = Math.ceil(chunks / CHUNKS_PER_PAGE);
  for (let from = 0; from < pages; from += PAGES_AT_ONCE) {
    const until = Math.min(from + PAGES_AT_ONCE, pages);
    const summary = `what would change: pages ${from}–${until - 1} of ${pages}`;
    const part = await compareCustomers.executeWithOptions({ summary }, [{ job: job.ref, from, until, chunks }]);
    for (const key of ['changed', 'unchanged', 'missing', 'chunks'] as const) compared[key] += part[key];
    job.heardAt = Date.now();
    job.starved = null;
  }
  return compared;
}
