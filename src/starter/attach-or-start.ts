import type { JobOptions } from '../contract/job.ts';
import { BadUse } from './exit.ts';
import { DEFAULTS } from './options.ts';
import type { JobInfo } from './status.ts';
import { shellWord, STARTER } from './words.ts';

/** The job that a person wants; `source.is` says whether a job that was started from a URI has the same content. */
export interface WantedJob {
  id: string;
  source: { words: string; is(uri: string): boolean };
  options: JobOptions;
}

/**
 * What to do if a job with the wanted one's id may exist: attach to it, start the wanted one, or start it although the
 * other one has ended with a result, because that was a trial. Throws BadUse if the two are not the same job. Pure.
 */
export function attachOrStart(
  existing: Pick<JobInfo, 'status' | 'source' | 'options'> | undefined,
  wanted: WantedJob,
): 'attach' | 'start' | 'startAgain' {
  const running = existing?.status === 'RUNNING';
  if (existing === undefined || (!running && existing.status !== 'COMPLETED')) return 'start';
  const { source, options } = existing;
  // Another program has started it: there is nothing to compare.
  if (source === undefined || options === undefined) return 'attach';
  const sameOptions = optionsText(options) === optionsText(wanted.options);
  if (wanted.source.is(source) && sameOptions) return 'attach';
  if (wanted.source.is(source) && !running && isTrial(options)) return 'startAgain';
  throw new BadUse(
    `The job ${wanted.id} ${running ? 'is already running' : 'has already ended'}, from another source or with other options:\n` +
      `  existing: ${source}; options: ${optionsText(options)}\n` +
      `  wanted:   ${wanted.source.words}; options: ${optionsText(wanted.options)}\n` +
      `Give the new one another name with --name. To see the existing one: ${STARTER} show ${shellWord(wanted.id)}`,
  );
}

/** A job that the real one is expected to follow. */
const isTrial = ({ dryRun, limit }: JobOptions): boolean => dryRun === true || (limit ?? null) !== null;

/** The options that differ from the defaults, in words. */
function optionsText(options: JobOptions): string {
  const given = Object.entries({ ...DEFAULTS, ...options })
    .map(([name, value]) => [name, JSON.stringify(value)] as const)
    .filter(([name, value]) => value !== JSON.stringify(DEFAULTS[name as keyof JobOptions]));
  return given.map(([name, value]) => `${name} ${value}`).join(', ') || 'none';
}
