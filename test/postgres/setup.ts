import type { Postgres } from '../../dev/servers/postgres.ts';
import { startTestDatabase } from '../support/server.ts';

/** The database of the run, for teardown: jest hands nothing on. */
export const run: { postgres?: Postgres } = {};

export default async function setup(): Promise<void> {
  run.postgres = await startTestDatabase();
}
