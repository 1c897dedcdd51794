import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A connection to a server that can be cut or slowed down. */
export interface Proxy {
  /** `host:port`. */
  address: string;
  /** From now on nothing passes: bytes are swallowed, connections stay open, as in a network that is cut. */
  cut(): void;
  /** Breaks all connections, and new ones at once, as if there were no server. */
  refuse(): void;
  /** Breaks the connections that were cut; new ones pass. */
  mend(): void;
  /** From now on each piece that goes to the server arrives this much later. */
  slow(ms: number): void;
  close(): void;
}

/** Starts a proxy on loopback in front of `host:port`. What comes for the server is kept in `sent`, if that is given. */
export async function startProxy(target: string, sent?: Buffer[]): Promise<Proxy> {
  const [host = '', port = ''] = target.split(':');
  const sockets = new Set<Socket>();
  let isCut = false;
  let refuses = false;
  let delayMs = 0;
  const server = createServer((near) => {
    if (refuses) return near.destroy();
    const far = connect(Number(port), host);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes: Buffer) => {
        if (from === near) sent?.push(bytes);
        if (isCut) return;
        if (from === near && delayMs > 0) setTimeout(() => to.write(bytes), delayMs);
        else to.write(bytes);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  const breakAll = () => sockets.forEach((socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => (isCut = true),
    refuse() {
      refuses = true;
      breakAll();
    },
    mend() {
      isCut = false;
      refuses = false;
      breakAll();
    },
    slow: (ms) => (delayMs = ms),
    close() {
      server.close();
      breakAll();
    },
  };
}
