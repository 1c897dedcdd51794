/** How an outcome is entered into a job; each says whether it could be, as it names all customers of its item. Pure. */
import { CHUNKS_PER_PAGE, type ChunkOutcome, type PageOutcome } from '../contract/activities.ts';
import { foundMore } from './found.ts';
import type { ChunkItem, Item, PageItem } from './item-queue.ts';
import type { Job } from './job.ts';
import type { Outcome } from './steps.ts';

export function enter(job: Job, item: Item, outcome: Outcome, now: number): boolean {
  if ('chunk' in item) return record(job, item, outcome as ChunkOutcome, now);
  if ('page' in item) return enterPage(job, item, outcome as PageOutcome, now);
  job.named();
  return true;
}

/** Enters that an item is given up; false if its outcome leaves customers out. */
export function giveUp(job: Job, item: Item, outcome: Outcome, now: number): boolean {
  return ('failures' in outcome || 'fallen' in outcome) && enter(job, item, outcome, now);
}

/** Enters what became of a chunk's customers. */
function record(job: Job, item: ChunkItem, outcome: ChunkOutcome, now: number): boolean {
  const { ledger, work, rate } = job;
  const { chunk, only } = item;
  const named = outcome.updated + outcome.failures.length;
  if (named !== (only?.length ?? ledger.sizeOf(chunk))) return false;
  if (only) ledger.amend(chunk, only, outcome);
  else ledger.record(chunk, outcome, work.toSend.attemptsBefore(chunk) + outcome.attempts);
  work.toSend.forget(item);
  rate.add(now, outcome.calls);
  if (outcome.tensOfValues && !job.tensOfValues) {
    job.tensOfValues = true;
    job.notes = [...job.notes, TENS];
  }
  return true;
}

const TENS =
  'The store takes no more than ten attribute values a call, so that customers with several take more calls.';

/** Enters what a look-up has found, and has the rest sent. In a dry run nothing is, and all rows stay unprocessed. */
function enterPage(job: Job, item: PageItem, outcome: PageOutcome, now: number): boolean {
  const { ledger, work, rate } = job;
  const { page, asked: [first, end] = ledger.placesOf(page) } = item;
  const { compared, reads, upTo = end } = outcome;
  const from = page * CHUNKS_PER_PAGE + first;
  const isAgain = ledger.askedFor(from).length > 0;
  if (compared) job.found = foundMore(job.found, outcome, compared);
  else if (!ledger.lookedUp(page, [first, upTo], outcome)) return false;
  const to = from + (compared ? 0 : outcome.chunks);
  work.lookedUpPage({ from, to, at: now, ...(isAgain && { isAgain }) });
  work.toRead.forget(item);
  if (upTo < end) work.toRead.add([{ page, asked: [upTo, end] }]);
  rate.add(now, reads, reads);
  return true;
}
