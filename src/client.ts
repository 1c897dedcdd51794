/**
 * For other services: starts jobs and follows them. Loads neither the worker nor its activities, and the S3 library
 * only for a job store in S3.
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
export { customerUpdate, type CustomerUpdate } from './client/customer-update.ts';
export {
  type CustomerUpdateSchedule,
  customerUpdateSchedule,
  type ScheduledInput,
  type ScheduleOptions,
  type ScheduleState,
  scheduleCustomerUpdate,
} from './client/schedule.ts';
export type { When } from './client/when.ts';
export type { JobStoreOption } from './client/job-store.ts';
export {
  FilesGone,
  JobEnded,
  NoAnswer,
  NoSuchJob,
  NoSuchSchedule,
  NotAJob,
  ServerFailed,
  StreamFailed,
  TooLate,
} from './client/errors.ts';
export { BadInput } from './contract/schema.ts';
export { StorageFailed } from './storage/storage.ts';
export { jobId } from './contract/job.ts';
export type * from './contract/dry-run.ts';
export type * from './contract/job.ts';
