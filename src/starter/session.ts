import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { PACKAGE_ROOT, type StarterConfig } from '../config.ts';
import { BadPayloadKeys, dataConverterOf } from '../payloads/index.ts';
import { isLoopback } from '../process.ts';
import { openStorage } from '../storage/open.ts';
import type { Storage } from '../storage/storage.ts';
import { connect } from '../temporal/connect.ts';
import { readTarget } from '../temporal/target.ts';
import { BadUse } from './exit.ts';

// Given to the SDK as a path. With it a memo that nobody can read does not keep the other jobs from being listed.
const PAYLOAD_CONVERTER = fileURLToPath(new URL(`../payloads/converter${extname(import.meta.url)}`, import.meta.url));

/** What a command works with: the Temporal server that the environment or a profile names, and the job store. */
export interface Session {
  client: Client;
  namespace: string;
  /** `host:port` of the server. */
  address: string;
  /** Opens the workers' job store. Throws BadUse. */
  openJobStore(): Promise<Storage>;
  /** The page of a job, or of a schedule, in the Web UI, if its address is known. */
  webPage(id: string, kind?: PageKind): string | undefined;
}

type PageKind = 'workflows' | 'schedules';

/** Connects, and closes the connection after `use`. Throws BadConfig and BadUse if the server can't be used. */
export async function withSession<T>(config: StarterConfig, use: (session: Session) => Promise<T>): Promise<T> {
  const dataConverter = await dataConverterOf(config.PAYLOAD_KEYS_FILE).catch((error: unknown) => {
    throw error instanceof BadPayloadKeys ? new BadUse(`PAYLOAD_KEYS_FILE: ${error.message}`) : error;
  });
  const target = readTarget(config.TEMPORAL_PROFILE);
  const { address, namespace } = target;
  const connection = await connect(target);
  const base = webUiBase(address, config.WEB_UI_URL);
  try {
    return await use({
      client: new Client({
        connection,
        namespace,
        dataConverter: { ...dataConverter, payloadConverterPath: PAYLOAD_CONVERTER },
      }),
      namespace,
      address,
      openJobStore: () => openJobStore(config.JOB_STORE),
      webPage: (id, kind) => base && pageOf(base, namespace, id, kind),
    });
  } finally {
    await connection.close();
  }
}

async function openJobStore(uri: string): Promise<Storage> {
  try {
    return await openStorage(uri, PACKAGE_ROOT);
  } catch (error) {
    throw error instanceof RangeError ? new BadUse(`JOB_STORE: ${error.message}`) : error;
  }
}

const CLOUD = /\.(?:tmprl\.cloud|api\.temporal\.io)$/;
const DEFAULT_PORT = 7233;

/** Address of the Web UI for the server at `host:port`, without a slash at its end; undefined if unknown. */
export function webUiBase(address: string, setting: string | undefined): string | undefined {
  if (setting !== undefined) return setting.replace(/\/+$/, '');
  const [, host = '', port = String(DEFAULT_PORT)] = /^(.*?)(?::(\d+))?$/.exec(address) ?? [];
  // `temporal server start-dev` serves it there.
  if (isLoopback(host)) return `http://${host}:${Number(port) + 1000}`;
  return CLOUD.test(host) ? 'https://cloud.temporal.io' : undefined;
}

export function pageOf(base: string, namespace: string, id: string, kind: PageKind = 'workflows'): string {
  return `${base}/namespaces/${encodeURIComponent(namespace)}/${kind}/${encodeURIComponent(id)}`;
}
