/** Tells whatever runs this process, over HTTP, whether it is alive (`/live`) and ready for work (`/ready`). */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from '../process.ts';

/** Pause between an answer from the Temporal server and the next question. */
const ASK_MS = 3_000;

/** Without an answer for longer than this, the process counts as cut off. A server that restarts may be back sooner. */
const LATELY_MS = 9_000;

interface Worker {
  getState(): string;
  options: { taskQueue: string };
}

/** A process's health. Until `watch` is called the process is starting: alive, but not ready. */
export interface Health {
  /**
   * From now on the process is ready while these Workers run and `reach`, which asks the server and rejects if there is
   * no answer, has resolved lately.
   */
  watch(workers: Worker[], reach: () => Promise<unknown>): void;
  /** The process is stopping: no longer ready, but alive until it ends. */
  stopping(): void;
  close(): Promise<void>;
}

/** Serves `/live` and `/ready` at an IP address and port. Throws what `listen` throws. */
export async function startHealth(address: string): Promise<Health> {
  let phase: 'starting' | 'running' | 'stopping' = 'starting';
  let watched: Worker[] = [];
  let reachedAt = 0;
  const closing = new AbortController();

  /** Reasons not to answer 200. `/live` has none: a process whose Worker failed ends by itself. */
  const against: Record<string, () => string[]> = {
    '/live': () => [],
    '/ready'() {
      if (phase !== 'running') return [phase];
      const states = watched.map((worker) => ({ queue: worker.options.taskQueue, state: worker.getState() }));
      const notRunning = states.filter(({ state }) => state !== 'RUNNING');
      const silentMs = performance.now() - reachedAt;
      return [
        ...notRunning.map(({ queue, state }) => `the Worker of ${queue} is ${state}`),
        ...(silentMs > LATELY_MS ? [`no answer from Temporal for ${Math.round(silentMs / 1000)} s`] : []),
      ];
    },
  };

  async function keepAsking(reach: () => Promise<unknown>): Promise<void> {
    while (!closing.signal.aborted) {
      const answered = await reach().then(
        () => true,
        () => false,
      );
      if (answered) reachedAt = performance.now();
      await sleep(ASK_MS, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  }

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
    watch(workers, reach) {
      watched = workers;
      // The server answered a moment ago, or there would be no Workers.
      reachedAt = performance.now();
      phase = 'running';
      void keepAsking(reach);
    },
    stopping() {
      phase = 'stopping';
    },
    async close() {
      closing.abort();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
