import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

/** Different ports of 127.0.0.1 that nobody listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0)));
  // Closed only once all are open, so that no port is given twice.
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(close));
  return ports;
}

/** Whether nobody listens on this port of 127.0.0.1. */
export async function isFree(port: number): Promise<boolean> {
  try {
    await close(await listen(port));
    return true;
  } catch {
    return false;
  }
}

/**
 * The first of `count` consecutive ports of 127.0.0.1 that nobody listens on, and that the system gives to no
 * connection.
 */
export async function freeBlock(count: number): Promise<number> {
  for (;;) {
    // The system gives out ports from 32768 on.
    const first = 10_000 + count * Math.floor((Math.random() * 20_000) / count);
    const free = await Promise.all(Array.from({ length: count }, (_, index) => isFree(first + index)));
    if (free.every(Boolean)) return first;
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
