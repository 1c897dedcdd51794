import { startDevServer, type DevServer, type DevServerOptions } from '../../dev/dev-server.ts';
import { startTemporalServer } from '../../dev/temporal-server.ts';

/** The variable that names a PostgreSQL cluster with Temporal's databases: systems have their servers there then. */
export const TEST_DATABASE = 'TEST_DATABASE';

/** The Temporal server of a system: a dev server, or the one of production on PostgreSQL where TEST_DATABASE is set. Throws where that one has not what is asked for. */
export function startServer(options: DevServerOptions): Promise<DevServer> {
  const database = process.env[TEST_DATABASE];
  if (database === undefined) return startDevServer(options);
  if (options.ui || options.searchAttributes)
    throw new Error('Only a dev server has the Web UI, or search attributes at its start.');
  return startTemporalServer(database, options);
}
