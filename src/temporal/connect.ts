import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import type { BadConfig } from '../config.ts';
import { cantConnect } from './cant-connect.ts';
import { isRefused } from './grpc.ts';
import type { Target } from './target.ts';

/** How long the server may take for each of its first two answers. */
const CONNECT_MS = 5_000;

/**
 * Connects, and checks that the namespace exists. Throws BadConfig, which says what to do, if the server can't be used.
 */
export async function connect(target: Target): Promise<Connection> {
  const deadline = () => Date.now() + CONNECT_MS;
  const { namespace, options } = target;
  let connection: Connection | undefined;
  try {
    // By default the SDK retries until the time is up, and by then has lost the error.
    const impatient = Connection.lazy({ ...options, interceptors: [] });
    const isThere = () => impatient.workflowService.getSystemInfo({});
    await impatient.withDeadline(deadline(), isThere).finally(() => void impatient.close());
    connection = Connection.lazy(options);
    const { workflowService } = connection;
    await connection.withDeadline(deadline(), () => workflowService.describeNamespace({ namespace }));
    return connection;
  } catch (error) {
    await connection?.close();
    throw await cantConnect(target, error);
  }
}

const ASK_MS = 5_000;

/**
 * The SDK's Workers give up after a minute of refusals: some then end with any kind of error, others just stand still.
 */
const GIVE_UP_MS = 40_000;

/**
 * Asks for the namespace for as long as the process runs. Calls `say` at the first refusal in a row, for example when
 * the API key was replaced, and rejects with BadConfig after 40 s of nothing but refusals. A server that is silent
 * refuses nothing.
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
    const refused = await cantConnect(target, error);
    if (since === undefined) say(refused);
    since ??= performance.now();
    if (performance.now() - since > GIVE_UP_MS) throw refused;
  }
}
