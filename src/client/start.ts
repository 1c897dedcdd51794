import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { jobId, JOBS_TASK_QUEUE, type JobInput, type JobOptions, type Source } from '../contract/job.ts';
import { type CustomerUpdate, customerUpdate, type JobStoreOption } from './customer-update.ts';
import { ServerFailed } from './errors.ts';
import { openJobStore } from './job-store.ts';
import { checkNewJob, type NewCustomerUpdate } from './source.ts';
import { ANSWER_MS, findJob, serverFailure, TimeIsUp, within } from './server.ts';
import { streamCopy } from './source.ts';

/** How a job is started, apart from its input. */
export interface StartOptions extends JobStoreOption {
  /** Who starts it, and what for: shown in the Web UI. */
  startedBy?: string | undefined;
  /** Start it anew even where one of this name has ended with a result, such as a dry run. Default false. */
  again?: boolean | undefined;
}

/**
 * Starts a job under the id `customer-updates/{storeHash}/{name}`, or attaches to it: to one that runs, or, without
 * `again`, that has ended with a result. One that failed, or was cancelled, is started anew.
 *
 * `source.customers` as an array goes along with the job: at most 1,000 customers and 512 KiB. Any other iterable is
 * streamed into `options.jobStore`, which the job must share with us, and is deleted there when the job has ended. It is not
 * touched where there is a job to attach to. What JSON leaves out, such as undefined, is a row like any other, and invalid.
 *
 * Throws BadInput before anything is done, or where JSON can't hold a customer; StreamFailed where the iterable throws;
 * StorageFailed where the job store fails; NotAJob where another workflow has this id; ServerFailed. Whatever it throws, it
 * may be called again: it never starts two jobs. After a ServerFailed that came late, what was streamed may stay in the job
 * store, below `sources/copies`.
 *
 * @example A file that the workers can read:
 * ```ts
 * const source = { uri: 's3://my-bucket/uploads/spring.csv' };
 * const spring = await startCustomerUpdate(client, { storeHash: 'abc123', source }, 'spring');
 * const { customers, report } = await spring.result();
 * ```
 *
 * @example Any number of customers, one by one:
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
  const storage = 'stream' in checked ? await openJobStore(jobStore, 'into which they are streamed') : undefined;
  const { storeHash, options } = input;
  const id = jobId(storeHash, name);
  const job = customerUpdate(client, id, { jobStore });
  if (standsFor(await findJob(client, id), again)) return job;

  const copy =
    'stream' in checked && storage ? await streamCopy(storage, { storeHash, name }, checked.stream) : undefined;
  const source = copy ? { uri: copy.uri } : (checked as { source: Source }).source;
  const { ours, error } = await begin(client, { id, name, storeHash, source, options, startedBy, again });
  let failure = error;
  if (ours === false) await copy?.delete().catch((error: unknown) => (failure ??= error));
  if (failure !== undefined) throw failure;
  return job;
}

type Found = Awaited<ReturnType<typeof findJob>>;

/** Whether a job that is there is taken for the one that is wanted. */
function standsFor(there: Found, again: boolean): there is NonNullable<Found> {
  return there?.status.name === 'RUNNING' || (there?.status.name === 'COMPLETED' && !again);
}

interface Wanted extends JobInput {
  id: string;
  name: string;
  startedBy: string | undefined;
  again: boolean;
}

/** What came of a start: whether the job that is there now reads our source; undefined where nobody can tell. */
interface Begun {
  ours: boolean | undefined;
  error?: unknown;
}

async function begin(client: Client, job: Wanted): Promise<Begun> {
  const described = describeSource(job);
  try {
    await within(client, ANSWER_MS, () => start(client, job, described));
    return { ours: true };
  } catch (error) {
    const thrown = error instanceof TimeIsUp ? new ServerFailed('The Temporal server does not answer.', true) : error;
    const failure = serverFailure(thrown) ?? thrown;
    const lost = error instanceof WorkflowExecutionAlreadyStartedError;
    try {
      // An answer may have been lost on its way.
      const there = await findJob(client, job.id);
      if (!standsFor(there, job.again)) return lost ? { ours: false } : { ours: false, error: failure };
      return { ours: (there.memo as Partial<Memo> | undefined)?.source === described };
    } catch (error) {
      return lost ? { ours: false, error } : { ours: undefined, error: failure };
    }
  }
}

/** What is written down with a job, for the Web UI and the starter. */
interface Memo {
  source: string;
  options: JobOptions;
  startedBy?: string;
}

function start(client: Client, job: Wanted, described: string): Promise<unknown> {
  const { id, name, storeHash, source, options, startedBy, again } = job;
  const input: JobInput = { storeHash, source, ...(options && { options }) };
  const memo: Memo = { source: described, options: options ?? {}, ...(startedBy && { startedBy }) };
  return client.workflow.start('updateCustomers', {
    workflowId: id,
    taskQueue: JOBS_TASK_QUEUE,
    args: [input],
    // Whoever comes second must know it, and delete what was streamed.
    workflowIdConflictPolicy: 'FAIL',
    workflowIdReusePolicy: again ? 'ALLOW_DUPLICATE' : 'ALLOW_DUPLICATE_FAILED_ONLY',
    staticSummary: `store ${storeHash} · ${name}`.slice(0, 200),
    staticDetails: `Updates the customers of store ${storeHash} from ${described}.`,
    memo: { ...memo },
  });
}

function describeSource({ source }: JobInput): string {
  if ('customers' in source) return `${source.customers.length} customers given inline`;
  return 'uri' in source ? source.uri : `what the job ${source.retryOf} has left to send again`;
}
