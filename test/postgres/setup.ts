import { startPostgres, type Postgres } from '../../dev/postgres.ts';
import { prepareDatabases } from '../../dev/temporal-server.ts';
import { TEST_DATABASE } from '../support/server.ts';

/** The PostgreSQL cluster that all systems of the run have their servers in; jest hands nothing from set-up to teardown. */
export const run: { postgres?: Postgres } = {};

export default async function setup(): Promise<void> {
  const postgres = await startPostgres();
  run.postgres = postgres;
  await prepareDatabases(postgres.url);
  process.env[TEST_DATABASE] = postgres.url;
}
