/** Tells whatever runs this process, over HTTP, whether it is alive (`/live`) and ready for work (`/ready`). */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { listen } from '../process.ts';

/** Pause between two questions to the Temporal server. */
const ASK_MS = 3_000;

/** Without an answer for longer than this, the process counts as cut off. A server that restarts may be back sooner. */
const LATELY_MS = 9_000;

/** Why a process is not ready; it is if there are no reasons. */
export type Reasons = () => string[];

export interface Health {
  /** From now on the process is ready unless this gives reasons. Until then it is starting: alive, but not ready. */
  readyUnless(reasons: Reasons): void;
  close(): Promise<void>;
}

/** Serves `/live` and `/ready` at an IP address and port. Throws what `listen` throws. */
export async function startHealth(address: string): Promise<Health> {
  let notReady: Reasons = () => ['starting'];
  /** Reasons not to answer 200. `/live` has none: a process whose Worker failed ends by itself. */
  const against: Record<string, Reasons> = { '/live': () => [], '/ready': () => notReady() };
  const server = createServer(({ method, url = '' }, response) => {
    const reasons = against[url]?.();
    const status = method !== 'GET' && method !== 'HEAD' ? 405 : !reasons ? 404 : reasons.length > 0 ? 503 : 200;
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(
      JSON.stringify({ ok: status === 200, reasons: reasons ?? [`ask for ${Object.keys(against).join(' or ')}`] }),
    );
  });
  await listen(server, address);
  return {
    readyUnless: (reasons) => void (notReady = reasons),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Worker {
  getState(): string;
  options: { taskQueue: string };
}

/** A Worker that does not run is a reason, and a server that has not answered `reach`, which is called from now on. */
export function troublesOf(workers: readonly Worker[], reach: () => Promise<unknown>): Reasons {
  // The server answered a moment ago, or there would be no Workers.
  let reachedAt = performance.now();
  const reached = () => void (reachedAt = performance.now());
  setInterval(() => void reach().then(reached, () => undefined), ASK_MS).unref();
  return () => {
    const states = workers.map((worker) => ({ queue: worker.options.taskQueue, state: worker.getState() }));
    const notRunning = states.filter(({ state }) => state !== 'RUNNING');
    const silentMs = performance.now() - reachedAt;
    return [
      ...notRunning.map(({ queue, state }) => `the Worker of ${queue} is ${state}`),
      ...(silentMs > LATELY_MS ? [`no answer from Temporal for ${Math.round(silentMs / 1000)} s`] : []),
    ];
  };
}
