import type { Postgres } from '../../dev/servers/postgres.ts';
import setupServer from '../support/run-setup.ts';
import { startTestDatabase } from '../support/server.ts';

/** The database of the run, for teardown, to which jest passes nothing. */
export const run: { postgres?: Postgres } = {};

export default async function setup(): Promise<void> {
  run.postgres = await startTestDatabase();
  await setupServer();
}
