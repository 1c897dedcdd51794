/**
 * Everything we use of Temporal's SDK that is not in its documented interface: internal helpers, raw requests,
 * protobuf.
 */
import type { Client, WorkflowClient, WorkflowExecutionDescription } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import {
  decodeFromPayloadsAtIndex,
  decodeOptionalFailureToOptionalError,
} from '@temporalio/common/lib/internal-non-workflow/index.js';
import proto, { type temporal } from '@temporalio/proto';

const { IndexedValueType, PendingActivityState, TaskQueueType } = proto.temporal.api.enums.v1;

type AnyClient = Client | WorkflowClient;
type PendingActivity = temporal.api.workflow.v1.IPendingActivityInfo;
type StartedEvent = temporal.api.history.v1.IWorkflowExecutionStartedEventAttributes;
type TaskQueueDescription = temporal.api.workflowservice.v1.IDescribeTaskQueueResponse;

/** The first value in these payloads, decoded with the client's data converter; undefined if there are none. */
export function firstValue<T>(
  client: AnyClient,
  payloads: Payload[] | null | undefined,
): Promise<T | null | undefined> {
  return decodeFromPayloadsAtIndex<T | null | undefined>(client.options.loadedDataConverter, 0, payloads);
}

/** The error that the last attempt of an activity failed with, decoded with the client's data converter. */
export function lastError(client: AnyClient, { lastFailure }: PendingActivity): Promise<Error | undefined> {
  return decodeOptionalFailureToOptionalError(client.options.loadedDataConverter, lastFailure);
}

/** Whether a worker is running an attempt of this activity; false if there is no activity. */
export const isRunning = (activity: PendingActivity | undefined): boolean =>
  activity?.state === PendingActivityState.PENDING_ACTIVITY_STATE_STARTED;

/**
 * What the server knows about one side of a task queue: who polls it, and which versions it is routed to. Throws
 * ServiceError.
 */
export function describeTaskQueue(
  { workflowService, options: { namespace } }: Client,
  name: string,
  type: 'WORKFLOW' | 'ACTIVITY',
): Promise<TaskQueueDescription> {
  const taskQueueType = TaskQueueType[`TASK_QUEUE_TYPE_${type}`];
  return workflowService.describeTaskQueue({ namespace, taskQueue: { name }, taskQueueType });
}

/** The number that stands for a search attribute's type in requests and answers. */
export const indexedValueType = (type: 'KEYWORD' | 'INT'): number => IndexedValueType[`INDEXED_VALUE_TYPE_${type}`];

/**
 * What the server recorded when a run started; undefined once it no longer keeps the run's history. Throws
 * ServiceError.
 */
export async function startedEvent(
  { workflowService, options: { namespace } }: Client,
  workflowId: string,
  runId: string,
): Promise<StartedEvent | null | undefined> {
  const execution = { workflowId, runId };
  const request = { namespace, execution, maximumPageSize: 1 };
  const { history } = await workflowService.getWorkflowExecutionHistory(request);
  return history?.events?.[0]?.workflowExecutionStartedEventAttributes;
}

/** The run a job began with, through continue-as-new and reset; this run on servers before 1.27, which don't say. */
export const firstRunOf = ({ raw, runId }: WorkflowExecutionDescription): string =>
  raw.workflowExecutionInfo?.firstRunId || runId;
