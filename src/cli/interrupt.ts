import { setTimeout as sleep } from 'node:timers/promises';
import { onSignals } from '../signals.ts';
import { EXIT } from './exit-codes.ts';

/** Ctrl-C: a signal for what should clean up then, and what is said in the end. */
export interface Interrupt {
  readonly signal: AbortSignal;
  farewell: string;
}

const CLEAN_UP_MS = 1_000;

/** Runs a command until it ends, or Ctrl-C does: then says the farewell and returns the code for being detached. A second Ctrl-C ends it at once. */
export async function untilInterrupted(run: (interrupt: Interrupt) => Promise<number>): Promise<number> {
  const controller = new AbortController();
  const interrupt: Interrupt = { signal: controller.signal, farewell: 'Nothing was started.' };
  const interrupted = new Promise<'interrupted'>((resolve) => {
    onSignals(['SIGINT'], () => {
      if (controller.signal.aborted) process.exit(EXIT.detached);
      controller.abort();
      resolve('interrupted');
    });
  });
  const running = run(interrupt);
  const code = await Promise.race([running, interrupted]).catch((error: unknown) => {
    if (!controller.signal.aborted) throw error;
    return 'interrupted' as const;
  });
  if (code !== 'interrupted') return code;
  await Promise.race([running.catch(() => undefined), sleep(CLEAN_UP_MS)]);
  console.error(`\n${interrupt.farewell}`);
  return EXIT.detached;
}
