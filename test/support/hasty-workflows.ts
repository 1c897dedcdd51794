/** The workflows, with a second in place of ten minutes: what waits a shorter time does as usual. */
import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';

const LONG_MS = 600_000;

export const interceptors: WorkflowInterceptorsFactory = () => ({
  outbound: [
    {
      startTimer(input, next) {
        const { durationMs } = input;
        return next({ ...input, durationMs: durationMs < LONG_MS ? durationMs : durationMs / 600 });
      },
    },
  ],
});
