import type { DevServer } from '../../dev/servers/dev-server.ts';
import { shareServer } from './server.ts';

/** What the run has started, for teardown, to which jest passes nothing. The server dies with this process at the latest. */
export const run: { server?: DevServer } = {};

export default async function setup(): Promise<void> {
  run.server = await shareServer();
}
