import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { PACKAGE_ROOT, type StarterConfig } from '../config.ts';
import { connect } from '../temporal/connect.ts';
import { readTarget } from '../temporal/target.ts';
import { BadPayloadKeys, dataConverterOf } from '../payloads/index.ts';
import { BadUse } from './errors.ts';
import { openStorage } from '../storage/open.ts';
import type { Storage } from '../storage/storage.ts';

// For the library, which loads it by its path: a memo that nobody can read must not keep the others from being listed.
const PAYLOAD_CONVERTER = fileURLToPath(new URL(`../payloads/converter${extname(import.meta.url)}`, import.meta.url));

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

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
const CLOUD = /\.(?:tmprl\.cloud|api\.temporal\.io)$/;
const DEFAULT_PORT = 7233;

/** Where the Web UI of the Temporal server at `host:port` is, without a slash at its end; undefined where nobody can tell. */
export function webUiBase(address: string, setting: string | undefined): string | undefined {
  if (setting !== undefined) return setting.replace(/\/+$/, '');
  const [, host = '', port = String(DEFAULT_PORT)] = /^(.*?)(?::(\d+))?$/.exec(address) ?? [];
  // `temporal server start-dev` serves it there.
  if (LOOPBACK.test(host)) return `http://${host}:${Number(port) + 1000}`;
  return CLOUD.test(host) ? 'https://cloud.temporal.io' : undefined;
}

/** A workflow's page in the Web UI. */
export function workflowPage(base: string, namespace: string, id: string): string {
  return `${base}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(id)}`;
}

/** The job store, as the starter is told where it is. Throws BadUse. */
export async function openJobStore(uri: string): Promise<Storage> {
  try {
    return await openStorage(uri, PACKAGE_ROOT);
  } catch (error) {
    if (error instanceof RangeError) throw new BadUse(`JOB_STORE: ${error.message}`);
    throw error;
  }
}
