/** How a command ends: its exit code, the errors that a person can act on, and Ctrl-C. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BadInput, FilesGone, NoAnswer, NoSuchJob, NoSuchSchedule, NotAJob, ServerFailed, TooLate } from '../client.ts';
import { BadConfig } from '../config.ts';
import type { JobResult } from '../contract/job.ts';
import { BadSource } from '../jobs/sources/record.ts';
import { CantDecrypt } from '../payloads/index.ts';
import { onSignals } from '../process.ts';
import { StorageFailed } from '../storage/storage.ts';

export const EXIT = { allUpdated: 0, notAllUpdated: 1, badUse: 2, noResult: 3, detached: 130 } as const;

export const EXIT_CODES_HELP = `
Exit codes:
  ${EXIT.allUpdated}    done; for start, retry, undo, watch and show: every customer was updated, or a dry run found no invalid row
  ${EXIT.notAllUpdated}    for these five: the job has ended, but some customers were not updated
  ${EXIT.badUse}    not done, and the message says why: wrong usage, no Temporal server, no such job, no worker that answers
  ${EXIT.noResult}    for these five: the job failed, or was cancelled or terminated
  ${EXIT.detached}  Ctrl-C, or the output was closed; the job carries on
`;

/** Only a dry run says what it would send. */
export const wasDryRun = ({ wouldSend }: JobResult): boolean => wouldSend !== undefined;

export function exitCodeOf(result: JobResult): number {
  const { total, updated, unprocessed } = result.customers;
  return updated + (wasDryRun(result) ? unprocessed : 0) === total ? EXIT.allUpdated : EXIT.notAllUpdated;
}

/** Only the person at the command line can fix it. The message says what was expected, what came, what to do. */
export class BadUse extends Error {
  override name = 'BadUse';
}

const EXPECTED = [
  ...[BadUse, BadConfig, BadInput, BadSource, CantDecrypt, StorageFailed],
  ...[FilesGone, NoAnswer, NoSuchJob, NoSuchSchedule, NotAJob, ServerFailed, TooLate],
];

/** What to print of an error: its message if that says what to do; all of it if it is a bug of ours. */
export const printableError = (error: unknown): unknown =>
  EXPECTED.some((Expected) => error instanceof Expected) ? (error as Error).message : error;

/** Ctrl-C: a signal for what then has to clean up, and the last words to print. */
export interface Interrupt {
  readonly signal: AbortSignal;
  farewell: string;
}

const CLEAN_UP_MS = 1_000;

/**
 * Runs a command until it ends or Ctrl-C interrupts it: then prints the farewell and returns the exit code for a
 * detached job. A second Ctrl-C exits at once.
 */
export async function untilInterrupted(run: (interrupt: Interrupt) => Promise<number | void>): Promise<number> {
  const controller = new AbortController();
  const interrupt: Interrupt = { signal: controller.signal, farewell: '' };
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
  if (code !== 'interrupted') return code ?? EXIT.allUpdated;
  await Promise.race([running.catch(() => undefined), sleep(CLEAN_UP_MS)]);
  console.error(`\n${interrupt.farewell}`);
  return EXIT.detached;
}
