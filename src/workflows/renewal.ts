import { CancellationScope, condition, isCancellation, workflowInfo } from '@temporalio/workflow';

/** Runs what may wait for days, until the server suggests continue-as-new; cancels it then, and returns "renew". */
export async function untilTooLong<T>(run: () => Promise<T>): Promise<T | 'renew'> {
  const tooLong = () => workflowInfo().continueAsNewSuggested;
  const scope = new CancellationScope();
  const running = scope.run(run);
  const ended = running.then(
    () => true,
    () => true,
  );
  // If the workflow is cancelled, so is what runs, and its end is awaited.
  await Promise.race([ended, condition(tooLong).catch(() => ended)]);
  scope.cancel();
  return running.catch((error: unknown) => {
    if (isCancellation(error) && tooLong() && !CancellationScope.current().consideredCancelled) return 'renew';
    throw error;
  });
}
