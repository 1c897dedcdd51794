/**
 * Which workers Temporal routes jobs to. Only the jobs' queue has versions: a worker serves a store for the jobs of
 * any.
 */
import type { Client } from '@temporalio/client';
import { JOBS_TASK_QUEUE } from '../contract/job.ts';
import { describeTaskQueue } from './internals.ts';

/** A worker's version: successive workers share a deployment name, and each has its own build id. Null: no version. */
export type Version = { deploymentName: string; buildId: string } | null;

/** Who polls for jobs, and whom jobs are routed to. */
export interface Routing {
  /** Versions of the workers that polled lately, the latest first. */
  pollers: Version[];
  /** The current version, then the ramping one if there is one. */
  routedTo: [current: Version, ...ramping: Version[]];
}

/** A worker polls again at least every minute, and the server remembers it for five. */
const POLLED_WITHIN_S = 70;

/** What the server knows about the jobs' queue. Throws ServiceError. */
export async function jobsRouting(client: Client): Promise<Routing> {
  const { pollers, versioningInfo } = await describeTaskQueue(client, JOBS_TASK_QUEUE, 'WORKFLOW');
  const since = Date.now() / 1000 - POLLED_WITHIN_S;
  const lately = (pollers ?? [])
    .map(({ lastAccessTime, deploymentOptions }) => ({ at: Number(lastAccessTime?.seconds ?? 0), deploymentOptions }))
    .filter(({ at }) => at > since)
    .sort((a, b) => b.at - a.at)
    .map(({ deploymentOptions }) => versionOf(deploymentOptions));
  const { currentDeploymentVersion, rampingDeploymentVersion, rampingVersionPercentage } = versioningInfo ?? {};
  const ramping = rampingVersionPercentage ? [versionOf(rampingDeploymentVersion)] : [];
  return { pollers: lately, routedTo: [versionOf(currentDeploymentVersion), ...ramping] };
}

/** Whether jobs are routed to workers of this version. */
export const receivesJobs = ({ routedTo }: Routing, version: Version): boolean =>
  routedTo.some((other) => inWords(other) === inWords(version));

/** The command that routes all jobs to workers of this version. */
export function makeCurrent({ routedTo: [current] }: Routing, version: Version): string {
  const command = 'temporal worker deployment set-current-version --deployment-name';
  if (version !== null) return `${command} ${version.deploymentName} --build-id ${version.buildId}`;
  return `${command} ${current?.deploymentName} --unversioned`;
}

/** Which workers these are, in Temporal's own spelling of a version. */
export const inWords = (version: Version): string =>
  version === null ? 'without a version' : `of the version ${version.deploymentName}:${version.buildId}`;

function versionOf(version: { deploymentName?: string | null; buildId?: string | null } | null | undefined): Version {
  const { deploymentName, buildId } = version ?? {};
  return deploymentName && buildId ? { deploymentName, buildId } : null;
}
