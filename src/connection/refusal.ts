import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import type { BadConfig } from '../config.ts';
import { isRefused } from '../grpc.ts';
import { cantConnect } from './failures.ts';
import type { Target } from './target.ts';

const ASK_MS = 5_000;

/** The library's Workers give up after a minute of refusals: some then end with an error of any kind, some stand still. */
const GIVE_UP_MS = 40_000;

/**
 * Asks for the namespace as long as the process runs; `say` is told of the first refusal in a row, as where the API key was
 * replaced. Rejects with BadConfig once there were only refusals for 40 s. No answer is none.
 */
export async function refusal(
  connection: Connection,
  target: Target,
  say: (refusal: BadConfig) => void,
): Promise<never> {
  const { namespace } = target;
  const look = () => connection.workflowService.describeNamespace({ namespace });
  let since: number | undefined;
  for (;;) {
    await sleep(ASK_MS, undefined, { ref: false });
    const error: unknown = await connection.withDeadline(Date.now() + ASK_MS, look).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!isRefused(error)) {
      since = undefined;
      continue;
    }
    const refused = cantConnect(target, error);
    if (since === undefined) say(refused);
    since ??= performance.now();
    if (performance.now() - since > GIVE_UP_MS) throw refused;
  }
}
