/** Workers in the test's own process, for what only a test's own activities can bring about. */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { JOBS_TASK_QUEUE } from '../../src/contract/job.ts';
import { registerNamespace, sharedServer, startServer } from './server.ts';

export const workflowBundle = { codePath: fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url)) };

/** A server with a worker for each task queue, with these activities; the jobs' worker has the workflows as well. */
export async function startInProcess(
  queues: Record<string, object>,
  dynamicConfig?: Record<string, number>,
): Promise<{ client: Client; stop(): Promise<void> }> {
  const logging = { filter: { core: 'ERROR', other: 'ERROR' }, forward: {} } as const;
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging } });
  const shared = dynamicConfig ? undefined : await sharedServer();
  const server = shared ?? (await startServer(dynamicConfig && { dynamicConfig }));
  const connection = await Connection.connect({ address: server.address });
  const namespace = shared ? randomUUID() : 'default';
  if (shared) await registerNamespace(connection, namespace);
  const native = await NativeConnection.connect({ address: server.address });
  const workers = await Promise.all(
    Object.entries(queues).map(([taskQueue, activities]) => {
      const workflows = taskQueue === JOBS_TASK_QUEUE ? { workflowBundle } : {};
      return Worker.create({
        connection: native,
        namespace,
        taskQueue,
        activities,
        maxHeartbeatThrottleInterval: 10,
        ...workflows,
      });
    }),
  );
  const running = Promise.all(workers.map((worker) => worker.run()));
  const stop = async () => {
    workers.forEach((worker) => worker.shutdown());
    await running;
    await Promise.all([native.close(), connection.close()]);
    await server.stop();
  };
  return { client: new Client({ connection, namespace }), stop };
}
