import type { WouldSend } from '../contract/dry-run.ts';
import { CHUNK_SIZE } from '../contract/job.ts';
import { storeActivities, thrownBy } from './activities.ts';
import type { Job } from './job.ts';
import { open, whileOpen } from './open-store.ts';
import { untilTooLong } from './renewal.ts';

/**
 * Asks the store whether it takes the token. Changes nothing. Returns the quota that it states, or why it refuses; "renew"
 * when the server suggests continue-as-new before that is known.
 */
export async function checkStore(job: Job): Promise<Pick<WouldSend, 'quota'> | { refused: string } | 'renew'> {
  const { checkStore: check } = storeActivities(job);
  await open(job, 'a dry run asks the store');
  job.heardAt = Date.now();
  const ask = () => check.executeWithOptions({ summary: 'does the store take the token?' }, [{ job: job.ref }]);
  try {
    const checked = await whileOpen(
      job,
      () => true,
      () => untilTooLong(ask),
    );
    if (checked === 'renew') return checked;
    const { quota, reads } = checked;
    job.ledger.called({ calls: 0, reads, throttled: 0 });
    return { quota };
  } catch (error) {
    const failure = thrownBy(error);
    if (failure?.type !== 'Refused') throw error;
    return { refused: failure.message };
  }
}

/** What sending would take, as a dry run knows at its end. */
export function wouldSend({ ledger, found, looksUp }: Job): Omit<WouldSend, 'quota'> {
  if (looksUp) {
    const { customers, calls, compared } = found;
    return { customers, calls, compared };
  }
  const { chunksToSend: chunks, callsToSend: calls = chunks, lastSentSize } = ledger.plan;
  return { customers: chunks === 0 ? 0 : (chunks - 1) * CHUNK_SIZE + lastSentSize, calls };
}
