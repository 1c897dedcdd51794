import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';

/**
 * Temporal can't be used. The message says which server was tried, what went wrong, and how to set it; it contains no
 * key.
 */
export class NoTemporal extends Error {
  override name = 'NoTemporal';
}

/** A client of the Temporal server that TEMPORAL_* variables or a profile name. Throws NoTemporal. */
export async function connectToTemporal(): Promise<Client> {
  let tried = 'The settings of the Temporal connection';
  try {
    const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
    const { address = 'localhost:7233', tls, apiKey } = connectionOptions;
    const secure = tls || (tls === undefined && apiKey !== undefined);
    tried = `Temporal at ${address}, namespace ${namespace}, ${secure ? 'with' : 'without'} TLS`;
    // Connection.connect retries until its time is up, and then does not say what was wrong.
    const once = Connection.lazy({ ...connectionOptions, interceptors: [] });
    const look = () => once.workflowService.describeNamespace({ namespace });
    await once.withDeadline(Date.now() + 5_000, look).finally(() => void once.close());
    return new Client({ connection: Connection.lazy(connectionOptions), namespace });
  } catch (error) {
    const { details, message } = error as Error & { details?: string };
    // After its first line, a message may quote the file of profiles.
    const [why] = (details ?? message).split('\n');
    throw new NoTemporal(
      `${tried} can't be used: ${why}\nTEMPORAL_* variables or a profile say where it is, and how to connect.`,
    );
  }
}
