import { Client, Connection, ServiceError } from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { StarterConfig } from '../config.ts';
import { BadPayloadKeys, dataConverterOf } from '../encryption/index.ts';
import { BadUse } from './bad-use.ts';
import { webUiBase, workflowPage } from './web-ui.ts';

const CONNECT_MS = 5_000;

/** Longest a call may take: a query waits that long for a worker. */
const CALL_MS = 5_000;

/** A connection to the Temporal server that the environment or a profile names. */
export interface Session {
  client: Client;
  namespace: string;
  /** `host:port` of the server. */
  address: string;
  /** Calls the server; throws ServiceError when there is no answer within `ms`, by default a few seconds. */
  call<T>(work: () => Promise<T>, ms?: number): Promise<T>;
  /** The job's page in the Web UI, where its address is known. */
  webPage(id: string): string | undefined;
}

/** Connects, and closes the connection after `use`. Throws BadUse, in words for people, where the server can't be used. */
export async function withSession<T>(
  { webUiUrl, payloadKeysFile }: StarterConfig,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const { connectionOptions, namespace = 'default' } = connectConfig();
  const dataConverter = await dataConverterOf(payloadKeysFile).catch((error: unknown) => {
    throw error instanceof BadPayloadKeys ? new BadUse(`PAYLOAD_KEYS_FILE: ${error.message}`) : error;
  });
  const address = connectionOptions.address || 'localhost:7233';
  const connection = await Connection.connect({ ...connectionOptions, address, connectTimeout: CONNECT_MS }).catch(
    (error: unknown) => {
      throw cantConnect(address, error);
    },
  );
  const base = webUiBase(address, webUiUrl);
  try {
    return await use({
      client: new Client({ connection, namespace, dataConverter }),
      namespace,
      address,
      call: (work, ms = CALL_MS) => connection.withDeadline(Date.now() + ms, work),
      webPage: (id) => base && workflowPage(base, namespace, id),
    });
  } catch (error) {
    if (!(error instanceof NamespaceNotFoundError)) throw error;
    throw new BadUse(
      `The Temporal server at ${address} has no namespace ${namespace}. Set TEMPORAL_NAMESPACE or the profile to one it has, ` +
        `or create it: temporal operator namespace create --namespace ${namespace}`,
    );
  } finally {
    await connection.close();
  }
}

function connectConfig(): ReturnType<typeof loadClientConnectConfig> {
  try {
    return loadClientConnectConfig();
  } catch (error) {
    throw new BadUse(
      `The settings of the Temporal connection (TEMPORAL_*, or a profile) can't be used: ${(error as Error).message}`,
    );
  }
}

function cantConnect(address: string, error: unknown): BadUse {
  const how = 'The address is set by TEMPORAL_ADDRESS or a Temporal profile.';
  const refused = error instanceof ServiceError ? detailsOf(error) : undefined;
  if (refused !== undefined) {
    return new BadUse(
      `The Temporal server at ${address} refuses the connection: ${refused}. ${how} See also TEMPORAL_API_KEY and TEMPORAL_TLS.`,
    );
  }
  if (error instanceof TypeError) return new BadUse(`${error.message}. ${how}`);
  return new BadUse(
    `No Temporal server answers at ${address}. ${how}\n` +
      'For a server on this machine run `temporal server start-dev`; `npm run demo` shows a whole job with a server of its own.',
  );
}

/** What gRPC says of a call that failed. */
export const detailsOf = ({ cause, message }: ServiceError): string =>
  (cause as { details?: string } | undefined)?.details || message;

/** INVALID_ARGUMENT, PERMISSION_DENIED, UNAUTHENTICATED: what it is no use to try again. */
const REFUSALS = [3, 7, 16];

/** Whether the server did answer, and will answer the same again. */
export const isRefused = ({ cause }: ServiceError): boolean =>
  REFUSALS.includes((cause as { code?: number } | undefined)?.code ?? 0);
