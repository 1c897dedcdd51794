import { Context } from '@temporalio/activity';
import { CHUNK_SIZE } from '../contract/job.ts';
import type { Compared, PagesRef } from '../contract/activities.ts';
import { isUnchanged, type Row } from '../jobs/fields.ts';
import { ask, type PresentValues, rowsOfPage } from '../jobs/present.ts';
import { runKeys, untilCancelled, withHeartbeats } from './context.ts';
import { checkFailure } from './failures.ts';
import type { StoreParts } from './store-activities.ts';

/** What an attempt leaves to the next one: the next page, and what was counted before it. */
interface CompareProgress {
  page: number;
  compared: Compared;
}

/** Counts what sending some pages would change. Keeps nothing of what the store has. */
export async function compareCustomers(
  { store, permit, pages }: StoreParts,
  { job, from, until, chunks }: PagesRef,
): Promise<Compared> {
  const context = Context.current();
  const calling = { permit: untilCancelled(permit), probe: 'resume' } as const;
  const read = (ids: number[]) => store.readCustomers({ ids, ...calling });
  const progress: CompareProgress = {
    page: from,
    compared: { changed: 0, unchanged: 0, missing: 0, chunks: 0 },
    ...context.info.heartbeatDetails,
  };
  try {
    await withHeartbeats(
      async () => {
        for (; progress.page < until; progress.page++) {
          const rows = await rowsOfPage(pages, runKeys(job), progress.page, chunks);
          const present: PresentValues = new Map();
          await ask(rows, read, present);
          count(rows, present, progress.compared);
        }
      },
      () => progress,
    );
    return progress.compared;
  } catch (error) {
    if (context.cancellationDetails?.cancelRequested) throw context.cancellationSignal.reason;
    context.heartbeat(progress);
    throw checkFailure(error);
  }
}

function count(rows: readonly Row[], present: PresentValues, compared: Compared): void {
  for (let at = 0; at < rows.length; at += CHUNK_SIZE) {
    const chunk = rows.slice(at, at + CHUNK_SIZE);
    const missing = chunk.filter(({ id }) => !present.get(id)).length;
    const unchanged = chunk.filter((row) => isUnchanged(row, present.get(row.id))).length;
    compared.missing += missing;
    compared.unchanged += unchanged;
    compared.changed += chunk.length - missing - unchanged;
    if (unchanged < chunk.length) compared.chunks++;
  }
}
