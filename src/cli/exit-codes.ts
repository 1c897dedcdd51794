import type { JobResult } from '../contract.ts';

/** What the starter's exit code says. */
export const EXIT = { allUpdated: 0, notAllUpdated: 1, badUse: 2, noResult: 3, detached: 130 } as const;

/** The exit codes for `--help`. */
export const EXIT_CODES_HELP = `
Exit codes:
  ${EXIT.allUpdated}    every customer was updated; for a dry run: no row is invalid
  ${EXIT.notAllUpdated}    the job has ended, and some customers were not updated
  ${EXIT.badUse}    bad use, no Temporal server, no such job; nothing was started
  ${EXIT.noResult}    the job has failed, or was cancelled or terminated
  ${EXIT.detached}  Ctrl-C, or nobody reads the output any more: the job goes on
`;

/** A job that sent nothing although it could have: only a dry run ends like that. */
export function wasDryRun({ calls, customers }: JobResult): boolean {
  return calls === 0 && customers.updated === 0 && customers.unprocessed > 0;
}

/** The exit code for a job that has ended with a result. */
export function exitCodeOf(result: JobResult): number {
  const { total, updated, unprocessed } = result.customers;
  return updated + (wasDryRun(result) ? unprocessed : 0) === total ? EXIT.allUpdated : EXIT.notAllUpdated;
}
