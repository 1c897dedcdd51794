/** A job as it travels through continue-as-new: in few bytes, since each run's history begins with them. */
import { deflateSync, inflateSync, strFromU8, strToU8 } from 'fflate';
import { BEGAN_WITH_0, FORMAT } from '../contract/activities.ts';
import type { CarriedQueue } from './chunk-queue.ts';
import type { Hold, RejectionsFrom } from './hold.ts';
import type { CarriedLedger } from './ledger.ts';

export interface CarriedJob {
  ledger: CarriedLedger;
  queue: CarriedQueue;
  paused: string | null;
  hold: Hold | null;
  resumed: boolean;
  rejectionsFrom: RejectionsFrom;
  emailsSentAgain: boolean;
  concurrency: number;
  searchAttributes: boolean;
  notes: string[];
  attributesShown: string;
  names: 'needed' | 'known' | null;
}

/** The job as compressed JSON. Bytes are carried as they are, whereas text would take a third more. */
export function pack(job: CarriedJob): Uint8Array {
  return deflateSync(strToU8(JSON.stringify({ format: FORMAT, ...job })));
}

/** The inverse of pack. Throws BEGAN_WITH_0 for a job of 0.x: the workflow's task fails, and is retried. */
export function unpack(carried: unknown): CarriedJob {
  const json = ArrayBuffer.isView(carried) ? strFromU8(inflateSync(carried as Uint8Array)) : '{}';
  const { format, ...job } = JSON.parse(json) as CarriedJob & { format?: unknown };
  if (format !== FORMAT) throw new Error(BEGAN_WITH_0);
  return job;
}
