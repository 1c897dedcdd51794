import { once } from 'node:events';
import type { Server } from 'node:http';

/** `npm run` forwards within a millisecond a Ctrl-C that the terminal has already sent. A person takes longer. */
const SAME_MS = 500;

/** Calls `act` for each signal. The same signal again within half a second counts as the same Ctrl-C. */
export function onSignals(signals: readonly NodeJS.Signals[], act: (signal: NodeJS.Signals) => void): void {
  for (const signal of signals) {
    let cameAt = -Infinity;
    process.on(signal, () => {
      const same = performance.now() - cameAt < SAME_MS;
      cameAt = performance.now();
      if (!same) act(signal);
    });
  }
}

/** Whether a host, as a URL writes it, is this machine. */
export const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(host);

/**
 * Makes a server listen at an IP address and port such as `127.0.0.1:9464` or `[::1]:9464`. Throws what `listen`
 * throws.
 */
export async function listen(server: Server, address: string): Promise<void> {
  const [, host, port] = /^(.*):(\d+)$/.exec(address) ?? [];
  server.listen(Number(port), host?.replace(/[[\]]/g, ''));
  await once(server, 'listening');
}
