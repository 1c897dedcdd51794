import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import type { System } from './system.ts';

/**
 * Resets a workflow to its first workflow task, or to the first one after an activity of this type has completed, as a
 * person does with `temporal workflow reset`.
 */
export async function reset(
  system: Pick<System, 'client'>,
  { workflowId }: WorkflowHandle,
  afterActivity?: string,
): Promise<void> {
  const { namespace } = system.client.options;
  const handle = system.client.workflow.getHandle(workflowId);
  const { runId } = await handle.describe();
  const events = (await handle.fetchHistory()).events ?? [];
  const scheduled = events.find(
    ({ activityTaskScheduledEventAttributes: activity }) => activity?.activityType?.name === afterActivity,
  );
  const completed = events.findIndex(({ activityTaskCompletedEventAttributes: activity }) =>
    activity?.scheduledEventId?.eq(scheduled?.eventId ?? 0),
  );
  const target = events.slice(completed + 1).find((event) => event.workflowTaskCompletedEventAttributes);
  if (!target?.eventId) throw new Error(`The history has no workflow task after ${afterActivity ?? 'its start'}.`);
  await system.client.workflowService.resetWorkflowExecution({
    namespace,
    workflowExecution: { workflowId, runId },
    workflowTaskFinishEventId: target.eventId,
    requestId: randomUUID(),
    reason: 'a test',
  });
}
