import { Connection } from '@temporalio/client';
import { cantConnect } from './cant-connect.ts';
import type { Target } from './target.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BadConfig } from '../config.ts';
import { isRefused } from './grpc.ts';

/** How long the server may take for each of its first two answers. */
const CONNECT_MS = 5_000;

/** Connects, and looks for the namespace. Throws BadConfig, which says what to do, where the server can't be used. */
export async function connect(target: Target): Promise<Connection> {
  const deadline = () => Date.now() + CONNECT_MS;
  const { namespace, options } = target;
  let connection: Connection | undefined;
  try {
    // The library tries again until the time is up, and has forgotten then what was wrong.
    const impatient = Connection.lazy({ ...options, interceptors: [] });
    const isThere = () => impatient.workflowService.getSystemInfo({});
    await impatient.withDeadline(deadline(), isThere).finally(() => void impatient.close());
    connection = Connection.lazy(options);
    const { workflowService } = connection;
    await connection.withDeadline(deadline(), () => workflowService.describeNamespace({ namespace }));
    return connection;
  } catch (error) {
    await connection?.close();
    throw cantConnect(target, error);
  }
}

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
