import type { JobResult } from '../contract.ts';

/** What the starter's exit code says. */
export const EXIT = { allUpdated: 0, notAllUpdated: 1, badUse: 2, noResult: 3, detached: 130 } as const;

/** The exit codes for `--help`. */
export const EXIT_CODES_HELP = `
Exit codes:
  ${EXIT.allUpdated}    it was done; by start, retry, undo, watch and show: every customer was updated, or for a dry run no row is invalid
  ${EXIT.notAllUpdated}    of these five: the job has ended, and some customers were not updated
  ${EXIT.badUse}    it was not done, and the message says why: bad use, no Temporal server, no such job, no worker that answers
  ${EXIT.noResult}    of these five: the job has failed, or was cancelled or terminated
  ${EXIT.detached}  Ctrl-C, or nobody reads the output any more: the job goes on
`;

/** Only a dry run tells what it would send. */
export const wasDryRun = ({ wouldSend }: JobResult): boolean => wouldSend !== undefined;

/** The exit code for a job that has ended with a result. */
export function exitCodeOf(result: JobResult): number {
  const { total, updated, unprocessed } = result.customers;
  return updated + (wasDryRun(result) ? unprocessed : 0) === total ? EXIT.allUpdated : EXIT.notAllUpdated;
}
