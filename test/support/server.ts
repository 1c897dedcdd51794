import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDevServer, type DevServer, type DevServerOptions } from '../../dev/servers/dev-server.ts';
import { dump, startPostgres, type Postgres } from '../../dev/servers/postgres.ts';
import { databasesAt, prepareDatabases, startTemporalServer } from '../../dev/servers/temporal-server.ts';

/** The PostgreSQL cluster that systems have their servers in; undefined where those are dev servers. jest's processes inherit it. */
export const testDatabase = (): string | undefined => process.env['TEST_DATABASE'];

/** Starts a PostgreSQL cluster in which all systems, of this process and of those that it starts, have their servers from now on. */
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

/** The Temporal server of a system: a dev server, or production's on PostgreSQL after `startTestDatabase`. Throws where that one has not what is asked for. */
export function startServer(options: DevServerOptions): Promise<DevServer> {
  const database = testDatabase();
  if (database === undefined) return startDevServer(options);
  if (options.ui || options.searchAttributes) {
    throw new Error('Only a dev server has the Web UI, or search attributes from its start.');
  }
  return startTemporalServer(database, options);
}

/** All that the server of a durable system keeps, to be searched; `folder` is the system's. */
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
