import { Context } from '@temporalio/activity';
import type { Compared, PagesRef, StoreActivities } from '../contract/activities.ts';
import type { Permit, Store } from '../bigcommerce/store.ts';
import { CHUNK_SIZE, type Quota } from '../contract/job.ts';
import type { PageReader } from '../jobs/pages.ts';
import { ask, type PresentReader, type PresentValues, rowsOfPage } from '../jobs/present.ts';
import { isUnchanged, type Row } from '../jobs/fields.ts';
import { beating, runKeys } from './context.ts';
import { checkFailure } from './failures.ts';
import type { Load } from './serving.ts';
import { customersToSend, updateChunk } from './update-chunk.ts';

/** What the activities of a store's queue need of the attempt that serves it. */
export interface StoreParts {
  store: Store;
  permit: Permit;
  pages: PageReader;
  present: PresentReader;
  load: Load;
}

/** The activities on a store's queue. */
export function createStoreActivities({ store, permit, pages, present, load }: StoreParts): StoreActivities {
  return {
    updateChunk: (ref) => load.during(() => updateChunk(store, permit, pages, ref)),
    readAndUpdateChunk: (ref) =>
      load.during(() =>
        updateChunk(store, permit, pages, ref, (chunk, calling) =>
          customersToSend(store, present, ref, chunk, calling),
        ),
      ),
    compareCustomers: (ref) => load.during(() => compareCustomers(store, permit, pages, ref)),
    checkStore: () => load.during(() => checkStore(store, permit)),
  };
}

/** What an attempt leaves to the next one: the page that comes next, and what it counted before that. */
interface Reached {
  page: number;
  compared: Compared;
}

/** Counts what sending some pages would change. Nothing of what the store has is kept. */
async function compareCustomers(
  store: Store,
  permit: Permit,
  pages: PageReader,
  { job, from, until, chunks }: PagesRef,
): Promise<Compared> {
  const context = Context.current();
  const draining = AbortSignal.any([permit.draining, context.cancellationSignal]);
  const read = (ids: number[]) => store.readCustomers({ ids, permit: { ...permit, draining }, probe: 'resume' });
  const reached: Reached = {
    page: from,
    compared: { changed: 0, unchanged: 0, missing: 0, chunks: 0 },
    ...context.info.heartbeatDetails,
  };
  try {
    await beating(
      async () => {
        for (; reached.page < until; reached.page++) {
          const rows = await rowsOfPage(pages, runKeys(job), reached.page, chunks);
          const present: PresentValues = new Map();
          await ask(rows, read, present);
          count(rows, present, reached.compared);
        }
      },
      () => reached,
    );
    return reached.compared;
  } catch (error) {
    if (context.cancellationDetails?.cancelRequested) throw context.cancellationSignal.reason;
    context.heartbeat(reached);
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

/** Asks the store whether it takes the token, without changing anything. Returns the quota that it tells. */
async function checkStore(store: Store, permit: Permit): Promise<{ quota: Quota | null }> {
  const context = Context.current();
  const draining = AbortSignal.any([permit.draining, context.cancellationSignal]);
  try {
    return { quota: await beating(() => store.checkToken({ permit: { ...permit, draining }, probe: 'resume' })) };
  } catch (error) {
    if (context.cancellationDetails?.cancelRequested) throw context.cancellationSignal.reason;
    throw checkFailure(error);
  }
}
