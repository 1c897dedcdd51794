import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DevServer } from '../../dev/servers/dev-server.ts';
import { startServer } from './server.ts';

/** What the run has started, for teardown, to which jest passes nothing. It dies with this process at the latest. */
export const run: { desk?: Server; server?: Promise<DevServer> } = {};

/** Tells suites, each in a process of its own, the address of the run's server; the first request starts it. */
export default async function setup(): Promise<void> {
  run.desk = createServer((_, response) => {
    run.server ??= startServer();
    run.server.then(
      ({ address }) => response.end(address),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  }).listen(0, '127.0.0.1');
  await once(run.desk, 'listening');
  process.env['TEST_SERVER'] = `http://127.0.0.1:${(run.desk.address() as AddressInfo).port}`;
}
