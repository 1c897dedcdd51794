/** A job as it travels through continue-as-new: in few bytes, since each run's history begins with them. */
import { deflateSync, inflateSync, strFromU8, strToU8 } from 'fflate';
import type { CarriedJob } from './job.ts';

/** The job as compressed JSON. Bytes pass as they are, where text would become a third longer. */
export function pack(job: CarriedJob): Uint8Array {
  return deflateSync(strToU8(JSON.stringify(job)));
}

/** The inverse of pack. Runs of 0.1.0 carried the job as it is. */
export function unpack(carried: Uint8Array | CarriedJob): CarriedJob {
  return ArrayBuffer.isView(carried) ? (JSON.parse(strFromU8(inflateSync(carried))) as CarriedJob) : carried;
}
