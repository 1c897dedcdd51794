import { Context } from '@temporalio/activity';
import type { JobRef } from '../activity-contract.ts';
import { type JobKeys, jobKeys } from '../jobs/keys.ts';

/** The keys of a job's files, for the run of its workflow that has scheduled this activity. */
export const runKeys = (job: JobRef): JobKeys => jobKeys(job, Context.current().info.workflowExecution?.runId);
