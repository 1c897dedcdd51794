import { run } from './run-setup.ts';

export default async function teardown(): Promise<void> {
  run.desk?.close();
  run.desk?.closeAllConnections();
  // One that did not start has said so to the suites.
  await run.server?.then(
    (server) => server.stop(),
    () => undefined,
  );
}
