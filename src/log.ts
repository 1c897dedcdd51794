import { DefaultLogger, type Logger } from '@temporalio/worker';
import { pino } from 'pino';

/** The process's own log. */
export type Log = pino.Logger;

/** What the library says of each Worker that has activities only, or no Nexus: it is as it should be. */
const NOISE = /^No (workflows|Nexus services) registered, not polling/;

/** Makes the process's own log: one JSON object a line, on standard output. */
export function createLogger(level: string): Log {
  const formatters = { level: (name: string) => ({ level: name }) };
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters });
}

/** The same log for the Temporal library. */
export function temporalLogger(log: Log): Logger {
  return new DefaultLogger('DEBUG', ({ level, message, meta }) => {
    if (NOISE.test(message)) return;
    const { error, ...rest } = meta ?? {};
    const entry = { ...rest, ...(error ? { err: error as unknown } : {}) };
    log[level.toLowerCase() as 'trace' | 'debug' | 'info' | 'warn' | 'error'](entry, message);
  });
}
