/** How Temporal is given a new job, whoever starts it. */
import { jobId, JOBS_TASK_QUEUE, type JobInput, type JobOptions, type Source } from './job.ts';

/** What is recorded with a job, for the Web UI and the starter. */
interface Memo extends Record<string, unknown> {
  source: string;
  options: JobOptions;
  startedBy?: string;
}

/** The options with which updateCustomers is started. */
export function newJob(input: JobInput, name: string, startedBy?: string) {
  const { storeHash, source, options = {} } = input;
  const described = describeSource(source);
  const memo: Memo = { source: described, options, ...(startedBy && { startedBy }) };
  return {
    workflowId: jobId(storeHash, name),
    taskQueue: JOBS_TASK_QUEUE,
    args: [input] as [JobInput],
    staticSummary: `store ${storeHash} · ${name}`.slice(0, 200),
    staticDetails: `Updates the customers of store ${storeHash} from ${described}.`,
    memo,
  };
}

/** A job's source in the words of its memo. */
export function describeSource(source: Source): string {
  if ('customers' in source) return `${source.customers.length} customers given inline`;
  return 'uri' in source ? source.uri : `what the job ${source.retryOf} has left to send again`;
}
