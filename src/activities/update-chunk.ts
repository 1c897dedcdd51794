import { CancelledFailure, Context } from '@temporalio/activity';
import { Draining, StoreError } from '../bigcommerce/errors.ts';
import type { IsolationState, NotTaken } from '../bigcommerce/isolate.ts';
import type { CallOptions, Permit, Store, Wait } from '../bigcommerce/store.ts';
import { type ChunkOutcome, type ChunkRef, CHUNKS_PER_PAGE, type ReadChunkRef } from '../contract/activities.ts';
import type { Failure } from '../contract/job.ts';
import type { Chunk, PageReader } from '../jobs/pages.ts';
import { StorageFailed } from '../storage/storage.ts';
import { chunkFailure, isUnanswered, logSettled, logUnsettled } from './failures.ts';
import { runKeys } from './context.ts';
import type { PresentReader } from '../jobs/present.ts';
import { isUnchanged, type Row } from '../jobs/fields.ts';
import { MAYBE_SENT } from '../jobs/settled-rows.ts';

/**
 * An ordinary chunk costs Temporal one action; only one that runs longer than this sends heartbeats. The store reports
 * waits from 5 s on: the first heartbeat is sent at once and the next ones are throttled, so that one must come first.
 */
const HEARTBEAT_MS = 6_000;

/** What an attempt leaves to the next one: no customer's data beyond ids and the store's masked messages. */
interface Reached {
  /** Of all attempts so far. */
  calls: number;
  throttled: number;
  /** Attempts of them that got no answer. */
  unanswered: number;
  /** Who is settled, once somebody is. */
  state?: IsolationState | undefined;
  /** What it waits for at present, for people. */
  waiting?: Wait | undefined;
}

/** Says which customers of a chunk are to be sent; undefined for all of them. */
export type Choose = (chunk: Chunk, calling: CallOptions) => Promise<number[] | undefined>;

/** Sends one chunk, or whom `choose` chooses; all others of it are updated already. An attempt that fails says in its heartbeat details where the next one goes on. */
export async function updateChunk(
  store: Store,
  permit: Permit,
  pages: PageReader,
  ref: ChunkRef,
  choose: Choose = async () => ref.only,
): Promise<ChunkOutcome> {
  const context = Context.current();
  const { attempt } = context.info;
  const reached: Reached = { calls: 0, throttled: 0, unanswered: 0, ...context.info.heartbeatDetails };
  const outcome = (chunk: Chunk | undefined, settled: Settled): ChunkOutcome => ({
    updated: settled.updated.length + unchanged,
    ...(unchanged > 0 && { unchanged }),
    failures: chunk ? failuresOf(chunk, settled) : [],
    calls: reached.calls,
    throttled: reached.throttled,
    attempts: attempt,
    unanswered: reached.unanswered,
    concurrency: store.concurrency(),
    ...(waitedFor && { waitedFor }),
  });
  let waitedFor: ChunkOutcome['waitedFor'];
  const heartbeat = setInterval(() => context.heartbeat(reached), HEARTBEAT_MS);
  let chunk: Chunk | undefined;
  let chosen = ref.only;
  let unchanged = 0;
  const calling: CallOptions = {
    // A cancel stops waits and isolation, as a hand-over does; a call that is out always finishes.
    permit: { ...permit, draining: AbortSignal.any([permit.draining, context.cancellationSignal]) },
    probe: ref.probe,
    onWait: (waiting) => {
      reached.waiting = waiting;
      if (waiting.reason !== 'slots') waitedFor = waiting.reason;
      context.heartbeat(reached);
    },
  };
  try {
    chunk = await pages.readChunk(runKeys(ref.job), ref.chunk);
    chosen = await choose(chunk, calling);
    if (chosen && !ref.only) unchanged = chunk.rows.length - chosen.length;
    const settled = await store.updateCustomers({
      ...calling,
      body: chunk.body,
      only: chosen,
      state: reached.state,
      onState: (state) => (reached.state = state),
    });
    reached.calls += settled.calls;
    logSettled(ref, settled);
    return outcome(chunk, settled);
  } catch (error) {
    logUnsettled(ref, error);
    if (error instanceof StoreError) {
      reached.calls += error.attempt.calls;
      reached.throttled += error.attempt.throttled;
      reached.state = error.attempt.state ?? reached.state;
    }
    if (isUnanswered(error)) reached.unanswered++;
    reached.waiting = undefined;
    const unsettled = chunk ? (chosen ?? idsOf(chunk)) : [];
    if (error instanceof Draining && context.cancellationDetails?.cancelRequested) {
      const message = reached.unanswered > 0 ? MAYBE_SENT : 'Not sent: the job was cancelled.';
      const settled = withRest(reached.state, unsettled, 'cancelled', message);
      if (settled.failed.length < unsettled.length) return outcome(chunk, settled);
      throw new CancelledFailure('Not sent.', [outcome(chunk, settled)]);
    }
    context.heartbeat(reached);
    const givenUp = withRest(reached.state, unsettled, 'unavailable', 'The store did not answer, after many tries.');
    // A job store that fails tells of nobody: however long it does, no customer is given up for it.
    const toldOf = error instanceof StorageFailed ? undefined : chunk;
    throw chunkFailure(error, reached.unanswered, outcome(toldOf, givenUp));
  } finally {
    clearInterval(heartbeat);
  }
}

type Settled = Pick<IsolationState, 'updated' | 'rejected' | 'failed'>;

/** What is settled, with everyone else of `ids` failed. */
function withRest(state: Settled | undefined, ids: number[], code: NotTaken['code'], message: string): Settled {
  const { updated = [], rejected = [], failed = [] } = state ?? {};
  const settled = new Set([...updated, ...[...rejected, ...failed].map(({ id }) => id)]);
  const rest = ids.filter((id) => !settled.has(id)).map((id) => ({ id, code, message }));
  return { updated, rejected, failed: [...failed, ...rest] };
}

function failuresOf(chunk: Chunk, { rejected, failed }: Settled): Failure[] {
  if (rejected.length === 0 && failed.length === 0) return [];
  const rows = new Map(idsOf(chunk).map((id, index) => [id, chunk.rows[index] as number]));
  const toFailure = (outcome: Failure['outcome']) => (taken: NotTaken) => ({
    row: rows.get(taken.id) as number,
    ...taken,
    outcome,
  });
  return [...rejected.map(toFailure('rejected')), ...failed.map(toFailure('failed'))].sort((a, b) => a.row - b.row);
}

function idsOf(chunk: Chunk): number[] {
  return (JSON.parse(chunk.body) as { id: number }[]).map(({ id }) => id);
}

/**
 * The customers of a chunk that are to be sent, undefined for all of them, once the present values of its page are in the
 * job store. Throws BadPage, and any of bigcommerce/errors.ts.
 */
export async function customersToSend(
  store: Store,
  present: PresentReader,
  ref: ReadChunkRef,
  chunk: Chunk,
  calling: CallOptions,
): Promise<number[] | undefined> {
  // Those were sent before, and rejected.
  if (ref.only) return ref.only;
  let asked = false;
  const read = (ids: number[]) => {
    asked = true;
    return store.readCustomers({ ids, ...calling });
  };
  const page = Math.floor(ref.chunk / CHUNKS_PER_PAGE);
  const values = await present.ofPage(runKeys(ref.job), page, ref.chunks, read);
  if (!ref.skipUnchanged) return undefined;
  const rows = JSON.parse(chunk.body) as Row[];
  const changed = rows.filter((row) => !isUnchanged(row, values.get(row.id)));
  // Whoever asks whether the store takes calls again has to make one.
  if (changed.length === 0 && ref.probe && !asked) await read(rows.map(({ id }) => id));
  return changed.length === rows.length ? undefined : changed.map(({ id }) => id);
}
