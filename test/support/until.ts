import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves once `reached` does so with true; asks again every 20 ms, and throws after `timeoutMs`. */
export async function until(reached: () => Promise<boolean> | boolean, timeoutMs = 120_000): Promise<void> {
  const giveUpAt = performance.now() + timeoutMs;
  while (!(await reached())) {
    if (performance.now() > giveUpAt) throw new Error(`Not reached within ${timeoutMs} ms: ${reached.toString()}`);
    await sleep(20);
  }
}
