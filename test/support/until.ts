import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves once `reached` resolves to true. Asks again after 20 ms, later every 100 ms; throws after `timeoutMs`. */
export async function until(reached: () => Promise<boolean> | boolean, timeoutMs = 120_000): Promise<void> {
  const giveUpAt = performance.now() + timeoutMs;
  for (let pauseMs = 20; !(await reached()); pauseMs = Math.min(2 * pauseMs, 100)) {
    if (performance.now() > giveUpAt) throw new Error(`Not reached within ${timeoutMs} ms: ${reached.toString()}`);
    await sleep(pauseMs);
  }
}
