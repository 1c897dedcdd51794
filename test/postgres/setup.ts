import type { DevServer } from '../../dev/servers/dev-server.ts';
import type { Postgres } from '../../dev/servers/postgres.ts';
import { shareServer, startTestDatabase } from '../support/server.ts';

/** What the run has started, for teardown, to which jest passes nothing. */
export const run: { postgres?: Postgres; server?: DevServer } = {};

export default async function setup(): Promise<void> {
  run.postgres = await startTestDatabase();
  run.server = await shareServer();
}
