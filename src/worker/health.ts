/** Whether this process lives, and whether it is ready for work, over HTTP for whatever runs it: `/live` and `/ready`. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from '../process.ts';

/** How long after an answer of the Temporal server it is asked for the next sign of life. */
const ASK_MS = 3_000;

/** No sign of life for longer than this: the process is cut off. A server that restarts may be back sooner. */
const LATELY_MS = 9_000;

/** As much of a Worker as is looked at. */
interface Worker {
  getState(): string;
  options: { taskQueue: string };
}

/** The health that a process answers with. Until it watches something the process is starting: alive, and not ready. */
export interface Health {
  /**
   * From now on the process is ready while these Workers run, and while `reach`, which asks the server and rejects where
   * there is no answer, has resolved lately.
   */
  watch(workers: Worker[], reach: () => Promise<unknown>): void;
  /** The process stops: it isn't ready any more, and lives until its end. */
  stopping(): void;
  close(): Promise<void>;
}

/** Answers at `address`, an IP address and a port. Throws what `listen` throws. */
export async function startHealth(address: string): Promise<Health> {
  let phase: 'starting' | 'running' | 'stopping' = 'starting';
  let watched: Worker[] = [];
  let reachedAt = 0;
  const closing = new AbortController();

  /** What stands against each answer of 200. A process with a Worker that failed ends by itself. */
  const against: Record<string, () => string[]> = {
    '/live': () => [],
    '/ready'() {
      if (phase !== 'running') return [phase];
      const states = watched.map((worker) => ({ queue: worker.options.taskQueue, state: worker.getState() }));
      const notRunning = states.filter(({ state }) => state !== 'RUNNING');
      const silentMs = performance.now() - reachedAt;
      return [
        ...notRunning.map(({ queue, state }) => `the Worker of ${queue} is ${state}`),
        ...(silentMs > LATELY_MS ? [`no answer of Temporal for ${Math.round(silentMs / 1000)} s`] : []),
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
      // It was reached a moment ago, or there would be no Workers.
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
