import { run } from './run-setup.ts';

export default async function teardown(): Promise<void> {
  run.desk?.close();
  run.desk?.closeAllConnections();
  // If it did not start, the suites have reported that.
  await run.server?.then(
    (server) => server.stop(),
    () => undefined,
  );
}
