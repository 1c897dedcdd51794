/**
 * For other services: starts jobs and follows them. Loads neither the worker nor its activities, and what speaks to S3 only
 * where a job store is there.
 *
 * @example
 * ```ts
 * const connection = await Connection.connect({ address: 'localhost:7233' });
 * const client = new Client({ connection });
 * const source = { customers: [{ id: 1, notes: 'hello' }] };
 * const job = await startCustomerUpdate(client, { storeHash: 'abc123', source }, 'hello');
 * const { customers, report } = await job.result();
 * ```
 */
export { startCustomerUpdate, type StartOptions } from './client/start.ts';
export type { NewCustomerUpdate } from './client/source.ts';
export { customerUpdate, type CustomerUpdate, type JobStoreOption } from './client/customer-update.ts';
export {
  FilesGone,
  JobEnded,
  NoAnswer,
  NoSuchJob,
  NotAJob,
  ServerFailed,
  StreamFailed,
  TooLate,
} from './client/errors.ts';
export { BadInput } from './contract/schema.ts';
export { StorageFailed } from './storage/storage.ts';
export { jobId } from './contract/job.ts';
export type * from './contract/job.ts';
