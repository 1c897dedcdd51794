import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { startDevServer, type DevServer, type DevServerOptions } from '../../dev/servers/dev-server.ts';
import { dump, startPostgres, type Postgres } from '../../dev/servers/postgres.ts';
import { databasesAt, prepareDatabases, startTemporalServer } from '../../dev/servers/temporal-server.ts';

/** The PostgreSQL cluster that Temporal servers use, if they aren't dev servers. jest's processes inherit it. */
export const testDatabase = (): string | undefined => process.env['TEST_DATABASE'];

/** Starts a PostgreSQL cluster that the servers of this process, and of those it starts, use from now on. */
export async function startTestDatabase(): Promise<Postgres> {
  const postgres = await startPostgres();
  try {
    await prepareDatabases(postgres.url);
  } catch (error) {
    await postgres.close();
    throw error;
  }
  process.env['TEST_DATABASE'] = postgres.url;
  return postgres;
}

/** The server that all suites of a jest run share, started by the first one that asks; undefined outside of jest. */
export async function sharedServer(): Promise<DevServer | undefined> {
  const desk = process.env['TEST_SERVER'];
  if (desk === undefined) return undefined;
  const response = await fetch(desk);
  const answer = await response.text();
  if (!response.ok) throw new Error(answer);
  return { address: answer, stop: async () => undefined, kill: async () => undefined };
}

/** Registers a namespace, in which workflows can be started at once. */
export async function registerNamespace({ workflowService }: Connection, namespace: string): Promise<void> {
  await workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs('1 day') });
}

/** A new server: a dev server or, after `startTestDatabase`, production's. Throws if that one lacks what is asked for. */
export function startServer(options: DevServerOptions = {}): Promise<DevServer> {
  const database = testDatabase();
  if (database === undefined) return startDevServer(options);
  if (options.ui || options.searchAttributes) {
    throw new Error('Only a dev server has the Web UI, or search attributes from its start.');
  }
  return startTemporalServer(database, options);
}

/** Everything that a durable system's server has stored, to be searched; `folder` is the system's. */
export async function storedBy({ address }: DevServer, folder: string): Promise<Buffer> {
  const database = testDatabase();
  const parts =
    database === undefined
      ? (await readdir(folder))
          .filter((name) => name.startsWith('temporal.db'))
          .map((name) => readFile(join(folder, name)))
      : databasesAt(Number(address.split(':')[1])).map((name) => dump(database, name));
  return Buffer.concat(await Promise.all(parts));
}
