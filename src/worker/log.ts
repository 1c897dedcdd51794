import { DefaultLogger, type Logger } from '@temporalio/worker';
import { pino, type DestinationStream } from 'pino';
import { maskEmails } from '../bigcommerce/message.ts';

export type Log = pino.Logger;

/** What the SDK says about every Worker without workflows or Nexus, which is as intended. */
const NOISE = /^No (workflows|Nexus services) registered, not polling/;

/**
 * Fields removed from the first levels of every line. Our code never logs them, but a library that quotes a request
 * might. Whoever has a task token can complete the activity.
 */
const SECRETS = ['taskToken', 'token', 'apiKey', '["x-auth-token"]', 'authorization', 'email', 'new_password'].flatMap(
  (name) => {
    const step = name.startsWith('[') ? name : `.${name}`;
    return [name, `*${step}`, `*.*${step}`];
  },
);

/** Makes the process's log: one JSON object per line, on standard output, without tokens and e-mail addresses. */
export function createLogger(level: string, output: DestinationStream = pino.destination(1)): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (name) => ({ level: name }) },
      redact: { paths: SECRETS, remove: true },
      serializers: { err: (error: Error) => masked(pino.stdSerializers.err(error)) },
      hooks: {
        logMethod(args, method) {
          method.apply(this, args.map((value) => masked(value)) as typeof args);
        },
      },
    },
    output,
  );
}

/** The same log for Temporal's SDK. Lines about a job have its id as `job`. */
export function temporalLogger(log: Log): Logger {
  return new DefaultLogger('DEBUG', ({ level, message, meta }) => {
    if (NOISE.test(message)) return;
    const { error, workflowId, ...rest } = meta ?? {};
    const id = rest['workflowType'] === 'updateCustomers' ? { job: workflowId as unknown } : { workflowId };
    const entry = { ...id, ...rest, ...(error ? { err: error as unknown } : {}) };
    log[level.toLowerCase() as 'trace' | 'debug' | 'info' | 'warn' | 'error'](entry, message);
  });
}

/**
 * A copy without e-mail addresses and with each object only once, because what a library logs may be circular. Errors
 * stay as they are: their serializer passes what it makes of them through here.
 */
function masked(value: unknown, seen = new Set<object>()): unknown {
  // Lines of a stack trace have an @ in the names of packages.
  if (typeof value === 'string') return value.replace(/^(?! +at ).*$/gm, maskEmails);
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  if (seen.has(value)) return '[again]';
  seen.add(value);
  if (Array.isArray(value)) return value.map((member) => masked(member, seen));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, masked(member, seen)]));
}
