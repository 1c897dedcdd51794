import { CancelledFailure, Context } from '@temporalio/activity';
import type { CallOptions, Tally, Wait } from '../bigcommerce/store.ts';
import type { PageRef, Spent, StoreRef } from '../contract/activities.ts';
import { untilCancelled, withHeartbeats } from './context.ts';
import { asDefect, Defect } from './defect.ts';
import { callFailure, isUnanswered, logUnsettled } from './failures.ts';
import type { StoreParts } from './store-activities.ts';

/** What an attempt leaves to the next one: no customer's data. */
interface ReadingProgress extends Tally {
  /** Attempts that got no answer. */
  unanswered: number;
  /** What it is waiting for, for people to read. */
  waiting?: Wait | undefined;
}

/**
 * Runs what only reads, and says what it has spent. An attempt that fails, or is stopped, says so too; with `unable`, which
 * is given the reason, also what is entered in the end if the worker itself is at fault.
 */
export async function reading<T extends object>(
  { store, permit }: StoreParts,
  ref: StoreRef | PageRef,
  read: (calling: CallOptions & { tally: Tally }) => Promise<T>,
  unable?: (why: string) => Promise<T>,
): Promise<T & Spent> {
  const context = Context.current();
  const nothing = { calls: 0, reads: 0, throttled: 0, unanswered: 0 };
  const progress: ReadingProgress = { ...nothing, ...context.info.heartbeatDetails };
  let waitedFor: Spent['waitedFor'];
  const spent = (): Spent => {
    const { waiting: _, ...counts } = progress;
    const { attempt: attempts } = context.info;
    return { ...counts, attempts, concurrency: store.concurrency(), ...(waitedFor && { waitedFor }) };
  };
  const onWait = (waiting: Wait) => {
    progress.waiting = waiting;
    if (waiting.reason !== 'slots') waitedFor = waiting.reason;
    context.heartbeat(progress);
  };
  const calling = { permit: untilCancelled(permit), probe: ref.probe, tally: progress, onWait };
  try {
    const result = await withHeartbeats(
      () => read(calling),
      () => progress,
    );
    return { ...result, ...spent() };
  } catch (thrown) {
    const error = asDefect(thrown);
    logUnsettled(ref, error);
    if (isUnanswered(error)) progress.unanswered++;
    progress.waiting = undefined;
    context.heartbeat(progress);
    if (context.cancellationDetails?.cancelRequested) throw new CancelledFailure('Stopped.', [spent()]);
    const end = error instanceof Defect ? await unable?.(error.message).catch(() => undefined) : undefined;
    throw callFailure(error, progress.unanswered, { ...end, ...spent() });
  }
}
