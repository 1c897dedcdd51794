/**
 * Versions of workers, as Temporal's worker deployments have them. Only the jobs' queue has versions: whoever serves a store
 * was asked to by jobs of any.
 */
import type { Client } from '@temporalio/client';
import { JOBS_TASK_QUEUE } from '../contract/job.ts';
import { describeTaskQueue } from './internals.ts';

/** Workers that follow each other have one deployment name, and a build id each. Null: workers without a version. */
export type Version = { deploymentName: string; buildId: string } | null;

/** Who asks for jobs, and who is given them. */
export interface JobsQueue {
  /** Versions of the workers that asked lately, the latest first. */
  asking: Version[];
  /** The current version, and the one that jobs are moved to little by little, where there is one. */
  given: [current: Version, ...ramping: Version[]];
}

/** A worker asks for work again at least each minute, and the server remembers it for five. */
const ASKED_WITHIN_S = 70;

/** What the server knows of the jobs' queue. Throws ServiceError. */
export async function jobsQueue(client: Client): Promise<JobsQueue> {
  const { pollers, versioningInfo } = await describeTaskQueue(client, JOBS_TASK_QUEUE, 'WORKFLOW');
  const since = Date.now() / 1000 - ASKED_WITHIN_S;
  const asking = (pollers ?? [])
    .map(({ lastAccessTime, deploymentOptions }) => ({ at: Number(lastAccessTime?.seconds ?? 0), deploymentOptions }))
    .filter(({ at }) => at > since)
    .sort((a, b) => b.at - a.at)
    .map(({ deploymentOptions }) => versionOf(deploymentOptions));
  const { currentDeploymentVersion, rampingDeploymentVersion, rampingVersionPercentage } = versioningInfo ?? {};
  const ramping = rampingVersionPercentage ? [versionOf(rampingDeploymentVersion)] : [];
  return { asking, given: [versionOf(currentDeploymentVersion), ...ramping] };
}

/** Whether workers of this version are given jobs. */
export const isGiven = ({ given }: JobsQueue, version: Version): boolean =>
  given.some((other) => inWords(other) === inWords(version));

/** The command that gives all jobs to workers of this version. */
export function makeCurrent({ given: [current] }: JobsQueue, version: Version): string {
  const command = 'temporal worker deployment set-current-version --deployment-name';
  if (version !== null) return `${command} ${version.deploymentName} --build-id ${version.buildId}`;
  return `${command} ${current?.deploymentName} --unversioned`;
}

/** Which workers these are: with Temporal's own spelling of a version. */
export const inWords = (version: Version): string =>
  version === null ? 'without a version' : `of the version ${version.deploymentName}:${version.buildId}`;

function versionOf(version: { deploymentName?: string | null; buildId?: string | null } | null | undefined): Version {
  const { deploymentName, buildId } = version ?? {};
  return deploymentName && buildId ? { deploymentName, buildId } : null;
}
