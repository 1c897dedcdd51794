/** The next version's workflows: they ask for a patch where their path leaves that of the version before. */
import { patched, proxyActivities, type WorkflowInterceptorsFactory } from '@temporalio/workflow';
import type { CloseJobInput, JobActivities } from '../../src/contract/activities.ts';
import { JOBS_TASK_QUEUE } from '../../src/contract/job.ts';

const { openStore } = proxyActivities<JobActivities>({ taskQueue: JOBS_TASK_QUEUE, startToCloseTimeout: '1 minute' });

/** All activities get another summary; before a job is closed, its store is opened, if `asks` says so. */
export const nextVersion =
  (asks: () => boolean): WorkflowInterceptorsFactory =>
  () => ({
    outbound: [
      {
        async scheduleActivity(input, next) {
          if (input.activityType === 'closeJob' && asks()) {
            const [{ job }] = input.args as [CloseJobInput];
            await openStore({ storeHash: job.storeHash });
          }
          const summary = `${input.options.summary}, by the next version`;
          return next({ ...input, options: { ...input.options, summary } });
        },
      },
    ],
  });

export const interceptors = nextVersion(() => patched('opened-before-closed'));
