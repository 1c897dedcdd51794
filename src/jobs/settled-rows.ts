import { CHUNKS_PER_PAGE, type CloseJobInput, readsPresent } from '../contract/activities.ts';
import { CHUNK_SIZE, type Failure, type OutcomeCode } from '../contract/job.ts';
import { type ChunkCode, chunkRows, decodeChunk, decodeRuns } from '../contract/outcomes.ts';
import type { FullOptions } from '../contract/schema.ts';
import type { Storage } from '../storage/storage.ts';
import { BadPage } from './errors.ts';
import { failureFiles, failuresIn } from './failure-files.ts';
import { jobKeys } from './keys.ts';
import { PageReader } from './pages.ts';
import { presentIn, type PresentValues } from './present.ts';
import { Recent } from './cache.ts';
import type { Row, Values } from './fields.ts';

/** What became of a row. */
export interface ReportedRow extends Pick<Failure, 'row' | 'id' | 'message'> {
  outcome: 'updated' | Failure['outcome'] | 'unprocessed';
  /** `unchanged` is an updated one who had all values already; other updated ones have none. */
  code: OutcomeCode | 'unchanged' | '';
}

/** What a report is made of: CloseJobInput with the options that matter to it. */
export interface EndedJob extends Omit<CloseJobInput, 'input'> {
  options: Pick<FullOptions, 'dryRun' | 'limit' | 'reportAll' | 'backup' | 'skipUnchanged'>;
  /** The job was reset: what was sent before is not in its outcomes. */
  wasReset?: boolean;
}

/** What became of a row. */
export interface SettledRow extends ReportedRow {
  /** What its source row held, where its page can be read. */
  source?: Row | undefined;
  /** What the customer had of it before, where the job has read that; null for one whom the store did not have. */
  present?: Values | null | undefined;
  /** It is unprocessed since its answer never came, or the job was reset after that: it may be updated all the same. */
  maybeSent?: boolean;
  /** It may be updated by sending it again. */
  again?: boolean;
}

/**
 * Every row of the chunks that are wanted, and every failure, in order. A row of a chunk that is done was updated unless it
 * is a failure. Pages without a chunk that is wanted are not read.
 */
export async function* settledRows(
  storage: Storage,
  job: EndedJob,
  wanted: (chunk: ChunkCode) => boolean,
): AsyncGenerator<SettledRow> {
  const failures = allFailures(storage, job);
  const unanswered = new Set(job.maybeSent);
  try {
    let failure = await failures.next();
    for await (const { done, ...of } of rowsInChunks(storage, job, wanted)) {
      const { row } = of;
      for (; !failure.done && failure.value.row < row; failure = await failures.next()) yield failure.value;
      const id = of.source?.id ?? null;
      if (!failure.done && failure.value.row === row) {
        const settled = { ...of, ...failure.value };
        yield settled.outcome === 'failed' ? again(settled) : settled;
        failure = await failures.next();
      } else if (done) yield { ...of, id, outcome: 'updated', code: '', message: '' };
      else {
        const maybe = whyMaybeSent(job, of, unanswered);
        const message = maybe ?? whyNeverSent(job.options, of.chunk) ?? 'Not sent: the job was cancelled.';
        const maybeSent = maybe !== undefined;
        yield again({ ...of, id, outcome: 'unprocessed', code: 'cancelled', message, maybeSent });
      }
    }
    for (; !failure.done; failure = await failures.next()) yield failure.value;
  } finally {
    // Its files are open until then.
    await failures.return(undefined);
  }
}

function again(settled: SettledRow): SettledRow {
  const { source } = settled;
  const password = (source?.['authentication'] as Values | undefined)?.['new_password'];
  if (source && password === undefined) return { ...settled, again: true };
  const why = source ? 'It has a new password, which is not kept' : 'Its page in the job store is missing or damaged';
  return { ...settled, message: `${settled.message} ${why}: send it again from the source.` };
}

/** What is said of a row that a cancelled job has sent, or may have, without an answer. */
export const MAYBE_SENT = 'It may have been sent: the job was cancelled before its answer came.';

/** Undefined for what was certainly not sent. */
function whyMaybeSent(
  { options, wasReset }: EndedJob,
  { chunk, present }: Omit<RowInChunk, 'done'>,
  unanswered: ReadonlySet<number>,
): string | undefined {
  // A job that reads present values sends nothing of a page before it has them.
  if (readsPresent(options) && present === undefined) return undefined;
  if (unanswered.has(chunk)) return MAYBE_SENT;
  if (!wasReset || whyNeverSent(options, chunk) !== undefined) return undefined;
  return 'It may have been sent: the job was reset after it had begun.';
}

/** Undefined for a chunk that was to be sent. */
function whyNeverSent({ dryRun, limit }: EndedJob['options'], chunk: number): string | undefined {
  if (dryRun) return 'Not sent: the job was a dry run.';
  const beyond = limit !== null && chunk >= Math.ceil(limit / CHUNK_SIZE);
  return beyond ? `Not sent: the job was limited to ${limit} customers.` : undefined;
}

interface RowInChunk extends Pick<SettledRow, 'row' | 'source' | 'present'> {
  chunk: number;
  done: boolean;
}

/** The rows of the chunks that are wanted. */
async function* rowsInChunks(
  storage: Storage,
  { job, plan, outcomes, options }: EndedJob,
  wanted: (chunk: ChunkCode) => boolean,
): AsyncGenerator<RowInChunk> {
  const keys = jobKeys(job);
  const pages = new PageReader(storage, 1);
  const recent = new Recent<PresentValues>(1);
  const presentOf = (page: number) =>
    recent.get(keys.present(page), async () => {
      // A job ends without what can't be read any more.
      return presentIn(storage, keys, page).catch((error: unknown) => {
        if (error instanceof BadPage) return new Map();
        throw error;
      });
    });
  const bounds = chunkRows(plan);
  for (const [chunk, code] of decodeRuns(outcomes, plan.chunks).entries()) {
    const state = decodeChunk(code);
    if (!wanted(state)) continue;
    const done = state.state === 'done';
    const read = await pages.readChunk(keys, chunk).catch(async (error: unknown) => {
      // Once done.json is there, pages are missing because an attempt that was given up has ended after all.
      if (!(error instanceof BadPage) || (await storage.exists(keys.done))) throw error;
    });
    if (read) {
      const present = readsPresent(options) ? await presentOf(Math.floor(chunk / CHUNKS_PER_PAGE)) : undefined;
      for (const [index, source] of (JSON.parse(read.body) as Row[]).entries()) {
        yield { row: read.rows[index] as number, source, present: present?.get(source.id), chunk, done };
      }
    } else {
      // Invalid rows among them are failures, which go first.
      const [first, last] = [bounds.first[chunk] as number, bounds.last[chunk] as number];
      for (let row = first; row <= last; row++) yield { row, source: undefined, chunk, done };
    }
  }
}

/** Failures of all files and at hand by row, each row once: where it is in several places, the newest knows. */
async function* allFailures(storage: Storage, { failures, olderIn }: EndedJob): AsyncGenerator<Failure> {
  const lists = [latest(failures)];
  for await (const key of failureFiles(storage, olderIn)) lists.push(failuresIn(storage, key));
  yield* merged(lists);
}

async function* latest(failures: readonly Failure[]): AsyncGenerator<Failure> {
  yield* [...failures].sort((a, b) => a.row - b.row);
}

async function* merged(lists: AsyncGenerator<Failure>[]): AsyncGenerator<Failure> {
  try {
    const heads = await Promise.all(lists.map((list) => list.next()));
    const rowAt = (index: number) => heads[index]?.value?.row ?? Infinity;
    for (let last = 0; ;) {
      let next = 0;
      for (let index = 1; index < lists.length; index++) if (rowAt(index) < rowAt(next)) next = index;
      const head = heads[next];
      if (head === undefined || head.done) return;
      if (head.value.row > last) yield head.value;
      last = head.value.row;
      heads[next] = await (lists[next] as AsyncGenerator<Failure>).next();
    }
  } finally {
    await Promise.all(lists.map((list) => list.return(undefined)));
  }
}
