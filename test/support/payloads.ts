import type { WorkflowHandle } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { jobId, JOBS_TASK_QUEUE } from '../../src/contract/job.ts';
import type { System } from './system.ts';

/** Starts a job of store abc as none of our clients would: with these raw payloads as its arguments and memo. */
export async function startWithPayloads(
  { client }: System,
  name: string,
  payloads: Payload[],
  memo: Record<string, Payload> = {},
): Promise<WorkflowHandle> {
  const workflowId = jobId('abc', name);
  await client.workflowService.startWorkflowExecution({
    namespace: client.options.namespace,
    workflowId,
    workflowType: { name: 'updateCustomers' },
    taskQueue: { name: JOBS_TASK_QUEUE },
    input: { payloads },
    memo: { fields: memo },
    requestId: workflowId,
  });
  return client.workflow.getHandle(workflowId);
}
