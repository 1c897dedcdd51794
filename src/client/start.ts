import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { jobId, type JobInput, type Source } from '../contract/job.ts';
import { describeSource, newJob } from '../contract/new-job.ts';
import { type CustomerUpdate, customerUpdate } from './customer-update.ts';
import { ServerFailed } from './errors.ts';
import { type JobStoreOption, openJobStore } from './job-store.ts';
import { checkNewJob, type NewCustomerUpdate, streamCopy } from './source.ts';
import { ANSWER_MS, findJob, serverFailure, TimeIsUp, within } from './server.ts';

/** How a job is started, apart from its input. */
export interface StartOptions extends JobStoreOption {
  /** Who starts it, and why: shown in the Web UI. */
  startedBy?: string | undefined;
  /** Start it even if a job of this name has ended with a result, a dry run for example. Default false. */
  again?: boolean | undefined;
}

/**
 * Starts a job with the id `customer-updates/{storeHash}/{name}`, or attaches to the one that has this id: if that is
 * running, or, without `again`, has ended with a result. One that failed or was cancelled is started anew.
 *
 * `source.customers` as an array is passed along with the job: at most 1,000 customers and 512 KiB. Any other iterable
 * is streamed into `options.jobStore`, which must be the workers' job store; the copy is deleted when the job ends. If
 * there is a job to attach to, the iterable is left unread. What JSON leaves out, such as undefined, counts as a row,
 * and is invalid.
 *
 * Throws BadInput before anything is done, or when JSON can't hold a customer; StreamFailed if the iterable throws;
 * StorageFailed if the job store fails; NotAJob if another kind of workflow has this id; ServerFailed. Whatever it
 * throws, it is safe to call again: it never starts two jobs. After a late ServerFailed, what was streamed may stay in
 * the job store, below `sources/copies`.
 *
 * @example A file that the workers can read
 * ```ts
 * const source = { uri: 's3://my-bucket/uploads/spring.csv' };
 * const spring = await startCustomerUpdate(client, { storeHash: 'abc123', source }, 'spring');
 * const { customers, report } = await spring.result();
 * ```
 *
 * @example Any number of customers, one by one
 * ```ts
 * async function* customers() {
 *   for (let id = 1; id <= 1_000_000; id++) yield { id, notes: `note ${id}` };
 * }
 * const all = await startCustomerUpdate(client, { storeHash: 'abc123', source: { customers: customers() } }, 'all', {
 *   jobStore: 's3://my-bucket/customer-updates',
 * });
 * ```
 */
export async function startCustomerUpdate(
  client: Client,
  input: NewCustomerUpdate,
  name: string,
  { startedBy, again = false, jobStore }: StartOptions = {},
): Promise<CustomerUpdate> {
  const checked = checkNewJob(input, name);
  const storage = 'stream' in checked ? await openJobStore(jobStore, 'to stream the customers into') : undefined;
  const { storeHash, options } = input;
  const id = jobId(storeHash, name);
  const job = customerUpdate(client, id, { jobStore });
  if (isTheJob(await findJob(client, id), again)) return job;

  const copy =
    'stream' in checked && storage ? await streamCopy(storage, { storeHash, name }, checked.stream) : undefined;
  const source = copy ? { uri: copy.uri } : (checked as { source: Source }).source;
  try {
    const wanted: JobInput = { storeHash, source, ...(options && { options }) };
    await within(client, ANSWER_MS, () => start(client, wanted, name, { startedBy, again }));
    return job;
  } catch (error) {
    const lost = error instanceof WorkflowExecutionAlreadyStartedError;
    const thrown = error instanceof TimeIsUp ? new ServerFailed('The Temporal server does not answer.', true) : error;
    let failure = lost ? undefined : (serverFailure(thrown) ?? thrown);
    let existing: Found;
    try {
      // It may have been started, and only the answer lost.
      existing = await findJob(client, id);
    } catch (error) {
      // As long as nobody knows, it may need its copy.
      if (!lost) throw failure;
      failure = error;
    }
    if (isTheJob(existing, again)) {
      if (existing.memo?.['source'] === describeSource(source)) return job;
      failure = undefined;
    }
    await copy?.delete().catch((error: unknown) => (failure ??= error));
    if (failure !== undefined) throw failure;
    return job;
  }
}

type Found = Awaited<ReturnType<typeof findJob>>;

/** Whether an existing job is taken for the one that is wanted. */
function isTheJob(existing: Found, again: boolean): existing is NonNullable<Found> {
  return existing?.status.name === 'RUNNING' || (existing?.status.name === 'COMPLETED' && !again);
}

function start(client: Client, input: JobInput, name: string, { startedBy, again }: StartOptions): Promise<unknown> {
  return client.workflow.start('updateCustomers', {
    ...newJob(input, name, startedBy),
    // Whoever comes second must learn of it, to delete what was streamed.
    workflowIdConflictPolicy: 'FAIL',
    workflowIdReusePolicy: again ? 'ALLOW_DUPLICATE' : 'ALLOW_DUPLICATE_FAILED_ONLY',
  });
}
