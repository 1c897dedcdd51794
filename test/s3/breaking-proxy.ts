import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';

/** A proxy whose connections break. */
export interface BreakingProxy {
  /** `http://host:port`. */
  endpoint: string;
  /** How many connections there have been. */
  connections(): number;
  close(): void;
}

/** Starts one on loopback: connection n breaks after `bytes[n]` bytes of answers, further ones after its last entry. */
export async function startBreakingProxy(endpoint: string, bytes: readonly number[]): Promise<BreakingProxy> {
  const { hostname, port } = new URL(endpoint);
  let connections = 0;
  const server = createServer((near) => {
    let left = bytes[Math.min(connections++, bytes.length - 1)] as number;
    const far = connect(Number(port), hostname);
    const breakOff = () => [near, far].forEach((socket) => socket.destroy());
    for (const socket of [near, far]) socket.on('error', breakOff).on('close', breakOff);
    near.on('data', (piece) => far.write(piece));
    far.on('data', (piece) => {
      const passing = piece.subarray(0, left);
      left -= passing.length;
      near.write(passing, () => left === 0 && breakOff());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    close: () => server.close(),
  };
}
