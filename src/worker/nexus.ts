/** The Nexus service `customer-updates`, by which workflows of other namespaces have customers updated. */
import { ApplicationFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { TemporalOperationHandler, TemporalOperationResult } from '@temporalio/nexus';
import { type Link, operation, OperationError, service, serviceHandler } from 'nexus-rpc';
import { type JobInput, jobId, type JobResult } from '../contract/job.ts';
import { newJob } from '../contract/new-job.ts';
import { BadInput, checkName, parseJobInput } from '../contract/schema.ts';

/** The input of a job, and its name: the same name again is the same job. */
type NamedInput = JobInput & { name: string };

const customerUpdates = service('customer-updates', { updateCustomers: operation<NamedInput, JobResult>() });

/**
 * Starts a job, or attaches to the one of that name, if it runs or has ended with a result. Whoever has attached to it gets its
 * result. Fails as the job does, with BadInput before anything is started; a cancelled operation cancels the job.
 */
export const nexusService = serviceHandler(customerUpdates, {
  updateCustomers: new TemporalOperationHandler<NamedInput, JobResult>({
    async start({ inboundLinks }, nexus, given) {
      const { name, ...input } = checked(given);
      try {
        return await nexus.startWorkflow<(input: JobInput) => Promise<JobResult>>('updateCustomers', {
          ...newJob(input, name, callerOf(inboundLinks)),
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
        });
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        const ended = nexus.client.workflow.getHandle(jobId(input.storeHash, name));
        return TemporalOperationResult.sync((await ended.result()) as JobResult);
      }
    },
  }),
});

/** The input, if a job could take it. Throws an OperationError whose cause is the failure that the job would have. */
function checked(given: NamedInput): NamedInput {
  try {
    const isObject = typeof given === 'object' && given !== null && !Array.isArray(given);
    const { name, ...input } = isObject ? given : ({} as NamedInput);
    parseJobInput(isObject ? input : given);
    checkName(name);
    return given;
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    const { message } = error;
    const cause = ApplicationFailure.create({ type: 'BadInput', message, nonRetryable: true });
    throw new OperationError('failed', message, { cause });
  }
}

/** The workflow that calls, as far as its link says. */
function callerOf([link]: readonly Link[]): string {
  const [, namespace, workflowId] = /\/namespaces\/([^/]+)\/workflows\/([^/]+)\//.exec(link?.url.pathname ?? '') ?? [];
  return workflowId === undefined ? 'Nexus' : `Nexus: ${decodeURIComponent(`${namespace}/${workflowId}`)}`;
}
