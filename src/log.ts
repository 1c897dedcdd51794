import { DefaultLogger, type Logger } from '@temporalio/worker';
import { pino } from 'pino';

/** The process's own log: one JSON object a line, on standard output. */
export function createLogger(level: string): pino.Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime });
}

/** The same log for the Temporal library. */
export function temporalLogger(log: pino.Logger): Logger {
  return new DefaultLogger('DEBUG', ({ level, message, meta }) => {
    const { error, ...rest } = meta ?? {};
    const entry = { ...rest, ...(error ? { err: error as unknown } : {}) };
    log[level.toLowerCase() as 'trace' | 'debug' | 'info' | 'warn' | 'error'](entry, message);
  });
}
