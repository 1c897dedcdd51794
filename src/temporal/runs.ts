import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';

/** What the server has written down of a run's start; undefined where it keeps its history no more. Throws ServiceError. */
export async function startedEvent(
  { workflowService, options: { namespace } }: Client,
  workflowId: string,
  runId: string,
): Promise<temporal.api.history.v1.IWorkflowExecutionStartedEventAttributes | null | undefined> {
  const execution = { workflowId, runId };
  const request = { namespace, execution, maximumPageSize: 1 };
  const { history } = await workflowService.getWorkflowExecutionHistory(request);
  return history?.events?.[0]?.workflowExecutionStartedEventAttributes;
}

/** The run with which a job began, through continue-as-new and reset; this one at servers before 1.27, which don't say. */
export const firstRunOf = ({ raw, runId }: WorkflowExecutionDescription): string =>
  raw.workflowExecutionInfo?.firstRunId || runId;
