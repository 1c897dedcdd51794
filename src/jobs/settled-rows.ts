import { CHUNKS_PER_PAGE, type CloseJobInput, readsPresent } from '../contract/activities.ts';
import { CHUNK_SIZE, type Failure, type OutcomeCode } from '../contract/job.ts';
import { type ChunkCode, chunkRows, decodeChunk, decodeRuns } from '../contract/outcomes.ts';
import type { FullOptions } from '../contract/schema.ts';
import type { Storage } from '../storage/storage.ts';
import { BadPage, PageReader } from './pages.ts';
import { failureFiles, failuresIn } from './failure-files.ts';
import { jobKeys } from './keys.ts';
import { presentIn, type PresentValues } from './present.ts';
import { Recent } from './cache.ts';
import type { Row, Values } from './fields.ts';

/** What became of a row. */
export interface ReportedRow extends Pick<Failure, 'row' | 'line' | 'id' | 'message'> {
  outcome: 'updated' | Failure['outcome'] | 'unprocessed';
  /** `unchanged`: an updated customer who already had all values. Other updated ones have no code. */
  code: OutcomeCode | 'unchanged' | '';
}

/** What a report is made from: CloseJobInput, with the options that matter here. */
export interface EndedJob extends Omit<CloseJobInput, 'input'> {
  options: Pick<FullOptions, 'dryRun' | 'limit' | 'reportAll' | 'backup' | 'skipUnchanged'>;
  /** The job was reset: its outcomes lack what was sent before. */
  wasReset?: boolean;
}

/** What became of a row, and what else is known about it. */
export interface SettledRow extends ReportedRow {
  /** What the source row held, if its page can be read. */
  source?: Row | undefined;
  /** What the customer had before, if the job has read that; null if the store did not have the customer. */
  present?: Values | null | undefined;
  /** Unprocessed because no answer came, or because the job was reset later: it may have been updated all the same. */
  maybeSent?: boolean;
  /** Sending it again may update it, and can be done from what the job store has. */
  retry?: boolean;
}

/**
 * Every row of the wanted chunks, and every failure, in order. A row of a done chunk was updated unless it is a
 * failure. Pages without a wanted chunk are not read.
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
        yield settled.outcome === 'failed' ? toRetry(settled) : settled;
        failure = await failures.next();
      } else if (done) yield { ...of, id, outcome: 'updated', code: '', message: '' };
      else {
        const maybe = whyMaybeSent(job, of, unanswered);
        const message = maybe ?? whyNeverSent(job.options, of.chunk) ?? 'Not sent: the job was cancelled.';
        const maybeSent = maybe !== undefined;
        yield toRetry({ ...of, id, outcome: 'unprocessed', code: 'cancelled', message, maybeSent });
      }
    }
    for (; !failure.done; failure = await failures.next()) yield failure.value;
  } finally {
    // Closes its files.
    await failures.return(undefined);
  }
}

function toRetry(settled: SettledRow): SettledRow {
  const { source } = settled;
  const password = (source?.['authentication'] as Values | undefined)?.['new_password'];
  if (source && password === undefined) return { ...settled, retry: true };
  const why = source ? 'It has a new password, which is not kept' : 'Its page in the job store is missing or damaged';
  return { ...settled, message: `${settled.message} ${why}: send it again from the source.` };
}

/** The message for a row that a cancelled job has sent, or may have sent, without getting an answer. */
export const MAYBE_SENT = 'It may have been sent: the job was cancelled before its answer came.';

/** Undefined if it was certainly not sent. */
function whyMaybeSent(
  { options, wasReset }: EndedJob,
  { chunk, present }: Omit<RowInChunk, 'done'>,
  unanswered: ReadonlySet<number>,
): string | undefined {
  // A job that reads present values sends nothing from a page before it has them.
  if (readsPresent(options) && present === undefined) return undefined;
  if (unanswered.has(chunk)) return MAYBE_SENT;
  if (!wasReset || whyNeverSent(options, chunk) !== undefined) return undefined;
  return 'It may have been sent: the job was reset after it had begun.';
}

/** Undefined if the chunk was to be sent. */
function whyNeverSent({ dryRun, limit }: EndedJob['options'], chunk: number): string | undefined {
  if (dryRun) return 'Not sent: the job was a dry run.';
  const beyond = limit !== null && chunk >= Math.ceil(limit / CHUNK_SIZE);
  return beyond ? `Not sent: the job was limited to ${limit} customers.` : undefined;
}

interface RowInChunk extends Pick<SettledRow, 'row' | 'line' | 'source' | 'present'> {
  chunk: number;
  done: boolean;
}

/** The rows of the wanted chunks. */
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
      // A job still ends if some of it can't be read any more.
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
      // Once done.json exists, pages are missing because an attempt that Temporal has given up has finished after all.
      if (!(error instanceof BadPage) || (await storage.exists(keys.done))) throw error;
    });
    if (read) {
      const present = readsPresent(options) ? await presentOf(Math.floor(chunk / CHUNKS_PER_PAGE)) : undefined;
      for (const [index, source] of (JSON.parse(read.body) as Row[]).entries()) {
        const [row, line] = [read.rows[index] as number, read.lines[index] ?? null];
        yield { row, line, source, present: present?.get(source.id), chunk, done };
      }
    } else {
      // Invalid rows among them are failures, which come first.
      const [first, last] = [bounds.first[chunk] as number, bounds.last[chunk] as number];
      for (let row = first; row <= last; row++) yield { row, line: null, source: undefined, chunk, done };
    }
  }
}

/** All failures by row, from files and from state. If a row is in several places, the newest counts. */
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
