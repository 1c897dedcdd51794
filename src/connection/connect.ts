import { Connection } from '@temporalio/client';
import { cantConnect } from './failures.ts';
import type { Target } from './target.ts';

/** How long the server may take for each of its first two answers. */
const CONNECT_MS = 5_000;

/** Connects, and looks for the namespace. Throws BadConfig, which says what to do, where the server can't be used. */
export async function connect(target: Target): Promise<Connection> {
  const deadline = () => Date.now() + CONNECT_MS;
  const { namespace, options } = target;
  let connection: Connection | undefined;
  try {
    // The library tries again until the time is up, and has forgotten then what was wrong.
    const impatient = Connection.lazy({ ...options, interceptors: [] });
    const isThere = () => impatient.workflowService.getSystemInfo({});
    await impatient.withDeadline(deadline(), isThere).finally(() => void impatient.close());
    connection = Connection.lazy(options);
    const { workflowService } = connection;
    await connection.withDeadline(deadline(), () => workflowService.describeNamespace({ namespace }));
    return connection;
  } catch (error) {
    await connection?.close();
    throw cantConnect(target, error);
  }
}
