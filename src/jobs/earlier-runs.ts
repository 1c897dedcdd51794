/**
 * What a job that gives customers new addresses knows by the earlier runs of its name. If a run was cancelled, those whom it
 * has renamed have their new addresses in the next one; that they are the ones, nothing in the store shows.
 */
import { addressKey } from '../contract/address.ts';
import { readWhole, type Storage } from '../storage/storage.ts';
import { type JobKeys, jobKeys, latestRunKey } from './keys.ts';
import { type Known, knownHash, readKnown, writeKnown } from './known.ts';
import { BadPage } from './pages.ts';
import { lookedUpIn } from './prepared-rows.ts';

/** A run, and how many chunks of which set of pages it may have looked up. */
interface Run {
  storeHash: string;
  key: string;
  set: number;
  chunksToSend: number;
}

/** Enters a run as the latest of the job with this workflow id, or of this schedule, and takes over what the one before knew. */
export async function takeOver(storage: Storage, id: string, run: Run): Promise<void> {
  const latest = latestRunKey(run.storeHash, id);
  const earlier = (await storage.exists(latest))
    ? (JSON.parse((await readWhole(storage, latest)).toString()) as Run)
    : null;
  // Of a second attempt, or a run that a reset made, that is itself.
  const known = earlier ? await allKnown(storage, jobKeys(earlier), earlier.chunksToSend) : new BigUint64Array();
  await writeKnown(storage, jobKeys(run), known);
  await storage.write(latest, [JSON.stringify(run)]);
}

/** Keeps what a job's look-ups know, which are deleted when it ends. */
export async function saveKnown(storage: Storage, keys: JobKeys, chunksToSend: number): Promise<void> {
  if (await storage.exists(keys.known)) await writeKnown(storage, keys, await allKnown(storage, keys, chunksToSend));
}

/** From the file, and from the look-ups of a run that has not ended by itself. */
async function allKnown(storage: Storage, keys: JobKeys, chunksToSend: number): Promise<Known> {
  let known = await readKnown(storage, keys);
  let count = known.length;
  try {
    for await (const { source, id } of lookedUpIn(storage, keys, chunksToSend)) {
      const { email, new_email: newEmail } = source;
      if (email === undefined || newEmail === undefined) continue;
      if (count === known.length) known = longer(known);
      known[count++] = knownHash(addressKey(email), id);
    }
  } catch (error) {
    // Who is not known is rejected, and says why.
    if (!(error instanceof BadPage)) throw error;
  }
  return known.subarray(0, count);
}

function longer(known: Known): Known {
  const copy = new BigUint64Array(2 * known.length + 1_000);
  copy.set(known);
  return copy;
}
