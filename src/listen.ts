import { once } from 'node:events';
import type { Server } from 'node:http';

/** Has a server listen at `address`, an IP address and a port such as `127.0.0.1:9464` or `[::1]:9464`. Throws what `listen` throws. */
export async function listen(server: Server, address: string): Promise<void> {
  const [, host, port] = /^(.*):(\d+)$/.exec(address) ?? [];
  server.listen(Number(port), host?.replace(/[[\]]/g, ''));
  await once(server, 'listening');
}
