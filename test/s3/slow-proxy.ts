import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';

/** A way to a server that can be made slow. */
export interface SlowProxy {
  /** `http://host:port`. */
  endpoint: string;
  /** From now on each request, and each further piece of it, reaches the server this much later. */
  slow(ms: number): void;
  close(): void;
}

/** Starts a proxy on loopback in front of a server. */
export async function startSlowProxy(endpoint: string): Promise<SlowProxy> {
  const { hostname, port } = new URL(endpoint);
  let delayMs = 0;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    const breakOff = () => [near, far].forEach((socket) => socket.destroy());
    for (const socket of [near, far]) socket.on('error', breakOff).on('close', breakOff);
    near.on('data', (piece) => setTimeout(() => far.write(piece), delayMs));
    far.on('data', (piece) => near.write(piece));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    slow: (ms) => (delayMs = ms),
    close: () => server.close(),
  };
}
