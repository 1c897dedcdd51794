import type { JobOptions } from '../contract.ts';
import { jobOptionsSchema } from '../schema.ts';
import { BadUse } from './bad-use.ts';
import type { FoundJob } from './jobs.ts';
import { shellWord, STARTER } from './words.ts';

/** What a job is to be started from: `is` tells the source of another job that has the same content. */
export interface WantedJob {
  id: string;
  source: { words: string; is(uri: string): boolean };
  options: JobOptions;
}

/**
 * What to do about a job that has the wanted one's id already: attach to it, start the wanted one, or start it although
 * the other one has ended with a result, which was a trial's. Throws BadUse where the two are not the same. Pure.
 */
export function meetExisting(
  existing: Pick<FoundJob, 'status' | 'source' | 'options'> | undefined,
  wanted: WantedJob,
): 'attach' | 'start' | 'startAgain' {
  const running = existing?.status === 'RUNNING';
  if (existing === undefined || (!running && existing.status !== 'COMPLETED')) return 'start';
  const { source, options } = existing;
  // A job that another program has started: there is nothing to compare.
  if (source === undefined || options === undefined) return 'attach';
  const otherOptions = optionsText(options) !== optionsText(wanted.options);
  if (wanted.source.is(source) && !otherOptions) return 'attach';
  if (wanted.source.is(source) && !running && isTrial(options)) return 'startAgain';
  throw new BadUse(
    `The job ${wanted.id} ${running ? 'is running' : 'has ended'} already, from another source or with other options:\n` +
      `  there:  ${source}; options: ${optionsText(options)}\n` +
      `  wanted: ${wanted.source.words}; options: ${optionsText(wanted.options)}\n` +
      `Give the new one a name of its own with --name. To see the other one: ${STARTER} show ${shellWord(wanted.id)}`,
  );
}

/** A job after which the real one is still to come. */
const isTrial = ({ dryRun, limit }: JobOptions): boolean => dryRun === true || (limit ?? null) !== null;

const DEFAULTS = jobOptionsSchema.parse({});

/** The options that are not as they are by default, in words. */
function optionsText(options: JobOptions): string {
  const given = Object.entries(jobOptionsSchema.parse(options))
    .map(([name, value]) => [name, JSON.stringify(value)] as const)
    .filter(([name, value]) => value !== JSON.stringify(DEFAULTS[name as keyof JobOptions]));
  return given.map(([name, value]) => `${name} ${value}`).join(', ') || 'none';
}
