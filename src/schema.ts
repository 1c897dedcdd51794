/**
 * The shapes of contract.ts as zod schemas, for where they come from outside: what a job is given, and what a worker
 * answers. Answers may have grown by fields that this version does not know.
 */
import { z } from 'zod';
import {
  type Failure,
  type Failures,
  type Format,
  type JobInput,
  type JobOptions,
  type JobResult,
  type Outcomes,
  type Progress,
  type Source,
  STORE_HASH,
} from './contract.ts';
import { BadInput } from './jobs/errors.ts';
import { found, foundName } from './jobs/found.ts';

/** Most customers in an inline source. */
export const MAX_INLINE_CUSTOMERS = 1_000;

/** Most bytes of an inline source as JSON: it travels through the job's history, where a payload may have 2 MB. */
export const MAX_INLINE_BYTES = 512 * 1024;

/** Options with every default filled in. */
export type FullOptions = { [Name in keyof JobOptions]-?: Exclude<JobOptions[Name], undefined> };

/** A job's input, checked, with every default filled in. */
export interface CheckedInput extends JobInput {
  options: FullOptions;
}

// ---- Input: each check carries what it expects as its message, parseJobInput adds where, and what came --------------

const oneOf = <const T extends readonly string[]>(...values: T) => z.enum(values, values.join(' or '));
const flag = z.boolean('true or false').default(false);
const text = z.string('a text that is not empty').min(1, 'a text that is not empty');
const LIMIT = 'null or a whole number from 1';
const PERCENT = 'a number from 0 to 100';

export const formatSchema = z.enum(['csv', 'ndjson', 'json'], 'csv, ndjson or json') satisfies z.ZodType<Format>;
