/** Versions of workers, in one deployment of tests. */
import type { System } from './system.ts';
import { until } from './until.ts';

const DEPLOYMENT = 'updates';

/** Settings of a worker of this version. */
export const version = (buildId: string): Record<string, string> => ({
  TEMPORAL_DEPLOYMENT_NAME: DEPLOYMENT,
  TEMPORAL_WORKER_BUILD_ID: buildId,
});

/** Routes all jobs to workers of this version; empty: to those without one. */
export async function makeCurrent({ client }: System, buildId: string): Promise<void> {
  const { workflowService, options } = client;
  const request = { namespace: options.namespace, deploymentName: DEPLOYMENT, buildId, identity: 'a test' };
  // The server knows a version a moment after its first worker polls.
  const made = () => workflowService.setWorkerDeploymentCurrentVersion(request).then(Boolean, () => false);
  await until(made);
}

/** Whether no workflow needs this version any more, as far as the server knows. */
export async function isDrained({ client }: System, buildId: string): Promise<boolean> {
  const { workflowService, options } = client;
  const deploymentVersion = { deploymentName: DEPLOYMENT, buildId };
  const request = { namespace: options.namespace, deploymentVersion };
  const { workerDeploymentVersionInfo } = await workflowService.describeWorkerDeploymentVersion(request);
  return Number(workerDeploymentVersionInfo?.drainageInfo?.status) === DRAINED;
}

/** temporal.api.enums.v1.VersionDrainageStatus. */
const DRAINED = 2;
