import { CHUNKS_PER_PAGE, type CloseJobInput, looksUp, MAYBE_SENT } from '../contract/activities.ts';
import { CHUNK_SIZE, type Failure, type Match, type OutcomeCode } from '../contract/job.ts';
import { type ChunkCode, chunkRows } from '../contract/outcomes.ts';
import type { FullOptions } from '../contract/schema.ts';
import type { Storage } from '../storage/storage.ts';
import { failureFiles, failuresIn } from './failure-files.ts';
import type { Values } from './fields.ts';
import { type KeyedRow, retryRowOf } from './keyed-rows.ts';
import { preparedRows, type PreparedRow } from './prepared-rows.ts';

/** What became of a row. */
export interface ReportedRow extends Pick<Failure, 'row' | 'line' | 'id' | 'message' | 'attributes'> {
  outcome: 'updated' | Failure['outcome'] | 'unprocessed';
  /** `unchanged`: an updated customer who already had all values. Other updated ones have no code. */
  code: OutcomeCode | 'unchanged' | '';
}

/** What a report is made from: CloseJobInput, with the options that matter here. */
export interface EndedJob extends Omit<CloseJobInput, 'input'> {
  options: Pick<FullOptions, 'dryRun' | 'limit' | 'match' | 'reportAll' | 'backup' | 'skipUnchanged'>;
  /** The job was reset: its outcomes lack what was sent before. */
  wasReset?: boolean;
  /** Whether another attempt has closed the job since this one began, and has deleted what it is made from. */
  isOvertaken?: () => Promise<boolean>;
}

/** What became of a row, and what else is known about it. */
export interface SettledRow extends ReportedRow, Partial<Pick<PreparedRow, 'source' | 'sent' | 'before'>> {
  /** No answer came, or the job was reset later: it may have been updated all the same. */
  maybeSent?: boolean;
  /** What became of it can't be read any more. */
  isNotKnown?: boolean;
  /** The row to send again, if that may update it and can be done from what the job store has. */
  retry?: KeyedRow;
}

/**
 * Every row of the wanted chunks, and every failure, in order. A row of a done chunk was updated unless it is a
 * failure. Pages without a wanted chunk, or a row to send again, are not read.
 */
export async function* settledRows(
  storage: Storage,
  job: EndedJob,
  wanted: (chunk: ChunkCode) => boolean,
): AsyncGenerator<SettledRow> {
  const failures = allFailures(storage, job);
  const unanswered = new Set(job.maybeSent);
  const { match } = job.options;
  try {
    let failure = await failures.next();
    for await (const { chunk, state, ...of } of preparedRows(storage, job, wanted, await pagesOfFailed(storage, job))) {
      const { row } = of;
      for (; !failure.done && failure.value.row < row; failure = await failures.next()) yield failure.value;
      if (!failure.done && failure.value.row === row) {
        const settled = { ...of, ...failure.value };
        const isSent = state !== 'fellOut';
        yield settled.outcome === 'failed' ? toRetry({ ...settled, maybeSent: isSent }, match) : settled;
        failure = await failures.next();
      } else if (state === 'unchanged') yield { ...of, outcome: 'updated', code: 'unchanged', message: '' };
      else if (state === 'done') yield { ...of, outcome: 'updated', code: '', message: '' };
      else if (state === 'unknown' || state === 'fellOut') {
        const notKnown = { outcome: 'failed', code: 'unavailable', message: NOT_KNOWN, maybeSent: true } as const;
        yield toRetry({ ...of, ...notKnown, isNotKnown: true }, match);
      } else {
        const maybe = whyMaybeSent(job, { ...of, chunk }, unanswered);
        const why = maybe ?? whyNeverSent(job.options, chunk) ?? 'Not sent: the job was cancelled.';
        const { code = 'cancelled', message } = foundInDryRun(job.options, { ...of, chunk }) ?? {};
        const words = message === undefined ? why : `${why} ${message}`;
        const maybeSent = maybe !== undefined;
        yield toRetry({ ...of, outcome: 'unprocessed', code, message: words, maybeSent }, match);
      }
    }
    for (; !failure.done; failure = await failures.next()) yield failure.value;
  } finally {
    // Closes its files.
    await failures.return(undefined);
  }
}

/** Pages with failed customers: some may have fallen out in a look-up, and are in no chunk. */
async function pagesOfFailed(storage: Storage, job: EndedJob): Promise<ReadonlySet<number>> {
  const pages = new Set<number>();
  if (!looksUp(job.options, job.plan)) return pages;
  const { first } = chunkRows(job.plan);
  let page = 0;
  for await (const { row, outcome } of allFailures(storage, job)) {
    while ((first[(page + 1) * CHUNKS_PER_PAGE] ?? Infinity) <= row) page++;
    if (outcome === 'failed') pages.add(page);
  }
  return pages;
}

const NOT_KNOWN =
  'What became of it is not known: what was looked up for its page is missing or damaged in the job store.';

/** A row that may have been sent has its customer's id, since his address may be another one by then; all others are as they came. */
function toRetry(settled: SettledRow, match: Match): SettledRow {
  const { source, id, maybeSent } = settled;
  const password = (source?.['authentication'] as Values | undefined)?.['new_password'];
  if (source && password === undefined) {
    const isRenamed = maybeSent && match === 'email' && id !== null;
    return { ...settled, retry: isRenamed ? retryRowOf(source, id) : source };
  }
  const why = source ? 'It has a new password, which is not kept' : 'Its page in the job store is missing or damaged';
  return { ...settled, message: `${settled.message} ${why}: send it again from the source.` };
}

/** Undefined if it was certainly not sent. */
function whyMaybeSent(
  { options, wasReset }: EndedJob,
  { chunk, isLookedUp }: Pick<PreparedRow, 'chunk' | 'isLookedUp'>,
  unanswered: ReadonlySet<number>,
): string | undefined {
  // A job that looks its customers up sends nothing from a page before it has.
  if (isLookedUp === false) return undefined;
  if (unanswered.has(chunk)) return MAYBE_SENT;
  if (!wasReset || whyNeverSent(options, chunk) !== undefined) return undefined;
  return 'It may have been sent: the job was reset after it had begun.';
}

/** What a dry run has found of a row that it would not update, or would not know how. */
function foundInDryRun(
  { dryRun, limit }: EndedJob['options'],
  { fate, before, chunk, isLookedUp }: Pick<PreparedRow, 'fate' | 'before' | 'chunk' | 'isLookedUp'>,
): { code?: OutcomeCode; message: string } | undefined {
  if (!dryRun || isLookedUp === undefined || isBeyond(limit, chunk)) return undefined;
  if (typeof fate === 'object') return fate;
  if (before === null) return { code: 'unknown_id', message: 'There is no customer with this id.' };
  return before || fate === 'unchanged' ? undefined : { message: 'What it would change is not known.' };
}

/** Undefined if the chunk was to be sent. */
function whyNeverSent({ dryRun, limit }: EndedJob['options'], chunk: number): string | undefined {
  if (dryRun) return 'Not sent: the job was a dry run.';
  return isBeyond(limit, chunk) ? `Not sent: the job was limited to ${limit} customers.` : undefined;
}

const isBeyond = (limit: number | null, chunk: number): boolean =>
  limit !== null && chunk >= Math.ceil(limit / CHUNK_SIZE);

/** All failures by row, from files and from state. If a row is in several places, the newest counts. */
export async function* allFailures(
  storage: Storage,
  { failures, olderIn }: Pick<EndedJob, 'failures' | 'olderIn'>,
): AsyncGenerator<Failure> {
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
