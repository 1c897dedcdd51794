import { DefaultLogger, type Logger } from '@temporalio/worker';
import { pino, type DestinationStream } from 'pino';
import { maskEmails } from '../bigcommerce/message.ts';

/** The process's own log. */
export type Log = pino.Logger;

/** What the library says of each Worker that has activities only, or no Nexus: it is as it should be. */
const NOISE = /^No (workflows|Nexus services) registered, not polling/;

/**
 * Fields that no line has, on its first levels. Nothing of ours puts them there; a library that quotes a request might.
 * A task token is the right to complete an activity.
 */
const SECRETS = ['taskToken', 'token', 'apiKey', '["x-auth-token"]', 'authorization', 'email', 'new_password'].flatMap(
  (name) => {
    const step = name.startsWith('[') ? name : `.${name}`;
    return [name, `*${step}`, `*.*${step}`];
  },
);

/** Makes the process's own log: one JSON object a line, on standard output, without tokens and e-mail addresses. */
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

/** The same log for the Temporal library. Of a job's lines it has `job`, the job's id. */
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
 * A copy without e-mail addresses, and with each object in it once: what a library logs may go round in circles. Errors
 * are as they were, and their serializer comes back with what it makes of them.
 */
function masked(value: unknown, seen = new Set<object>()): unknown {
  // The lines of a stack trace have an @ where the code is a package's.
  if (typeof value === 'string') return value.replace(/^(?! +at ).*$/gm, maskEmails);
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  if (seen.has(value)) return '[again]';
  seen.add(value);
  if (Array.isArray(value)) return value.map((member) => masked(member, seen));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, masked(member, seen)]));
}
