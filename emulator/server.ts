import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveControl } from './control.ts';
import { Faults } from './faults.ts';
import { serveCall } from './store-calls.ts';
import type { StoreOptions } from './stores.ts';
import { Store } from './stores.ts';

/** The settings of an emulator. */
export interface EmulatorOptions extends StoreOptions {
  /** 0: any free one. */
  port: number;
  /** Access tokens by store hash. */
  stores: Record<string, string>;
  /** How long an answer takes, in milliseconds. */
  latency: number;
  /** The most bytes of path and query; longer ones get 414. */
  maxUrl: number;
}

/** The defaults. The window is the documented one; latency, page size and longest URL are guesses. */
export const DEFAULTS: EmulatorOptions = {
  port: 8080,
  stores: { demo: 'demo-token' },
  customers: 100_000,
  latency: 300,
  quota: null,
  window: 30_000,
  pageSize: 250,
  maxUrl: 8_000,
};

/** A running emulator. */
export interface Emulator {
  /** What comes before `/stores/` and `/_control/`, without a trailing slash. */
  url: string;
  /** Closes all connections and stops. */
  close: () => Promise<void>;
}

// Longer than clients keep idle connections, so that none is closed while a request is on its way.
const KEEP_ALIVE_MS = 120_000;

// Room for the longest URL that `maxUrl` allows: beyond this, Node.js answers 431 by itself.
const MAX_HEADER_BYTES = 2 * 1024 * 1024;

/** Starts an emulator on the loopback interface. Throws what `listen` throws, such as EADDRINUSE. */
export async function startEmulator(options: Partial<EmulatorOptions> = {}): Promise<Emulator> {
  const { port, stores, latency, maxUrl, ...storeOptions } = { ...DEFAULTS, ...options };
  const bigCommerce = {
    stores: new Map(Object.entries(stores).map(([hash, token]) => [hash, new Store(hash, token, storeOptions)])),
    faults: new Faults(),
    latency,
    maxUrl,
  };
  const serverOptions = { keepAliveTimeout: KEEP_ALIVE_MS, maxHeaderSize: MAX_HEADER_BYTES, noDelay: true };
  const server = createServer(serverOptions, (request, response) => {
    const serve = request.url?.startsWith('/_control/') ? serveControl : serveCall;
    serve(bigCommerce, request, response).catch((error: unknown) => giveUp(request, response, error));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A client that leaves while writing is normal; anything else is a defect of the emulator. */
function giveUp(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (!request.aborted) console.error('The emulator failed to answer', request.method, request.url, error);
  response.destroy();
}
