import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import type { StarterConfig } from '../config.ts';
import { connect } from '../connection/connect.ts';
import { readTarget } from '../connection/target.ts';
import { BadPayloadKeys, dataConverterOf } from '../encryption/index.ts';
import { BadUse } from './bad-use.ts';
import { webUiBase, workflowPage } from './web-ui.ts';

// For the library, which loads it by its path: a memo that nobody can read must not keep the others from being listed.
const PAYLOAD_CONVERTER = fileURLToPath(
  new URL(`../workflows/payload-converter${extname(import.meta.url)}`, import.meta.url),
);

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

/** Connects, and closes the connection after `use`. Throws BadConfig and BadUse, in words for people, where the server can't be used. */
export async function withSession<T>(
  { webUiUrl, payloadKeysFile, temporalProfile }: StarterConfig,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const dataConverter = await dataConverterOf(payloadKeysFile).catch((error: unknown) => {
    throw error instanceof BadPayloadKeys ? new BadUse(`PAYLOAD_KEYS_FILE: ${error.message}`) : error;
  });
  const target = readTarget(temporalProfile);
  const { address, namespace } = target;
  const connection = await connect(target);
  const base = webUiBase(address, webUiUrl);
  try {
    return await use({
      client: new Client({
        connection,
        namespace,
        dataConverter: { ...dataConverter, payloadConverterPath: PAYLOAD_CONVERTER },
      }),
      namespace,
      address,
      call: (work, ms = CALL_MS) => connection.withDeadline(Date.now() + ms, work),
      webPage: (id) => base && workflowPage(base, namespace, id),
    });
  } finally {
    await connection.close();
  }
}
