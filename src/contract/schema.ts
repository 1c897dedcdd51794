/**
 * The shapes of contract.ts as zod schemas, for where they come from outside: what a job is given, and what a worker
 * answers. Answers may have grown by fields that this version does not know; inputs may not.
 */
import { z } from 'zod';
import {
  type Format,
  type JobInput,
  type JobOptions,
  type JobResult,
  MAX_REJECTED_PERCENT,
  type Source,
  STORE_HASH,
} from './job.ts';
import { found, listed } from './describe.ts';

// An inline source travels in a payload, of which Temporal takes 2 MB.
const MAX_INLINE_CUSTOMERS = 1_000;
const MAX_INLINE_BYTES = 512 * 1024;

/** Options with every default filled in. */
export type FullOptions = { [Name in keyof JobOptions]-?: Exclude<JobOptions[Name], undefined> };

/** A job's input, checked, with every default filled in. */
export interface CheckedInput extends JobInput {
  options: FullOptions;
}

/** A job's input is not what the contract says. */
export class BadInput extends Error {
  override name = 'BadInput';
}

// ---- Input: a check's message is what it expects; parseJobInput adds where, and what came ---------------------------

const flag = z.boolean('true or false').default(false);
const filled = z.string('a text').min(1, 'a text that is not empty');
// Temporal's own limit for an id, https://docs.temporal.io/self-hosted-guide/defaults; paths and object keys end at 4,096
// and 1,024 bytes.
const ID = 'a text of at most 1000 characters';
const URI = 'a text of at most 5000 characters';
// A payload ends at 2 MB, and the input is in that of an activity, with what the job has come to.
const HEADINGS = 'a list of at most 1000 headings of at most 10000 characters in all';
const ENCODING = 'null or the name of an encoding, such as windows-1252 or utf-16le';
const LIMIT = 'null or a whole number from 1';
const PERCENT = 'a number from 0 to 100';
const CUSTOMERS = `a list of at most ${MAX_INLINE_CUSTOMERS} customers; a file (source.uri) may have more`;

export const jobOptionsSchema = z.strictObject(
  {
    dryRun: flag,
    limit: z.number(LIMIT).int(LIMIT).min(1, LIMIT).nullable().default(null),
    onInvalid: z.enum(['skip', 'fail'], '"skip" or "fail"').default('skip'),
    maxRejectedPercent: z.number(PERCENT).min(0, PERCENT).max(100, PERCENT).default(MAX_REJECTED_PERCENT),
    blankCells: z.enum(['keep', 'clear'], '"keep" or "clear"').default('keep'),
    ignoreColumns: z
      .array(z.string('a heading'), 'a list of headings')
      .max(1_000, HEADINGS)
      .refine((headings) => headings.join('').length <= 10_000, HEADINGS)
      .default([]),
    ignoreUnknown: flag,
    columns: z
      .record(z.string(), z.string('the name of a field'), 'an object of headings with the fields that they stand for')
      .refine((columns) => JSON.stringify(columns).length <= 10_000, 'at most 10000 characters of columns')
      .default({}),
    encoding: z.string(ENCODING).refine(isEncoding, ENCODING).nullable().default(null),
    trustQuotes: flag,
    reportAll: flag,
    backup: flag,
    skipUnchanged: flag,
  },
  'an object',
) satisfies z.ZodType<FullOptions, JobOptions>;

const formatSchema = z.enum(['csv', 'ndjson', 'json'], '"csv", "ndjson" or "json"') satisfies z.ZodType<Format>;

const sourceSchema = z.union([
  z.strictObject({
    customers: z
      .array(z.unknown(), CUSTOMERS)
      .max(MAX_INLINE_CUSTOMERS, CUSTOMERS)
      .refine((customers) => bytesOf(customers) <= MAX_INLINE_BYTES, {
        error: ({ input }) => `at most ${MAX_INLINE_BYTES} bytes of JSON, ${hereBytes(input)}; a file may have more`,
      }),
  }),
  z.strictObject({ uri: filled.max(5_000, URI), format: formatSchema.optional() }),
  z.strictObject({ retryOf: filled.max(1_000, ID) }),
]) satisfies z.ZodType<Source>;

export const jobInputSchema = z.strictObject({
  storeHash: z.string('a store hash').regex(STORE_HASH, 'a store hash: 1 to 32 lower-case letters and digits'),
  source: sourceSchema,
  options: jobOptionsSchema.prefault({}),
}) satisfies z.ZodType<CheckedInput, JobInput>;

/** Checks a job's input. Throws BadInput, which says where, what was expected and what kind of thing came. */
export function parseJobInput(input: unknown): CheckedInput {
  const result = jobInputSchema.safeParse(input);
  if (result.success) return result.data;
  const { issues } = result.error;
  // A name that is spelled wrong is why another one is missing.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  throw new BadInput(describe(issue as z.core.$ZodIssue, input));
}

/** Why what came is no input at all; `came` in words. */
export function notAnInput(came: string): string {
  const example = '{"storeHash": "abc123", "source": {"uri": "s3://bucket/customers.csv"}}';
  return `Expected a job's input: one argument, an object in JSON (json/plain) such as ${example}, got ${came}.`;
}

function isEncoding(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== '';
  } catch {
    return false;
  }
}

function isJsonObject(text: string): boolean {
  try {
    return found(JSON.parse(text)) === 'an object';
  } catch {
    return false;
  }
}

function hereBytes(value: unknown): string {
  const bytes = bytesOf(value);
  return bytes < Infinity ? `here ${bytes}` : 'here nested too deeply to be any';
}

// What is nested too deeply to be written can't be sent either.
function bytesOf(value: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(value));
  } catch {
    return Infinity;
  }
}

const SOURCES = ['customers', 'uri', 'retryOf'];

const KNOWN: Record<string, string[]> = {
  '': Object.keys(jobInputSchema.shape),
  source: [...SOURCES, 'format'],
  options: Object.keys(jobOptionsSchema.shape),
};

function describe(issue: z.core.$ZodIssue, input: unknown): string {
  const path = issue.path.join('.');
  const where = path === '' ? '' : `${path}: `;
  const value = issue.path.reduce<unknown>(
    (part, key) => (part as Record<PropertyKey, unknown> | undefined)?.[key],
    input,
  );
  if (issue.code === 'unrecognized_keys') {
    const known = KNOWN[path] ?? [];
    return `${where}expected only ${known.join(', ')}, got ${listed(issue.keys)}.${meant(issue.keys, known)}`;
  }
  if (issue.code === 'invalid_union') {
    const given = SOURCES.filter((name) => typeof value === 'object' && value !== null && name in value);
    const inner = given.length === 1 ? issue.errors[SOURCES.indexOf(given[0] as string)]?.[0] : undefined;
    if (inner) return describe({ ...inner, path: [...issue.path, ...inner.path] }, input);
    const names = found(value) === 'an object' ? Object.keys(value as object) : [];
    const got = given.length > 0 ? given.join(' and ') : names.length > 0 ? listed(names) : found(value);
    return `${where}expected an object with one of ${SOURCES.join(', ')}, got ${got}.${meant(names, SOURCES)}`;
  }
  if (path === '') {
    const text = typeof value === 'string' && isJsonObject(value);
    return notAnInput(text ? 'JSON in a text: give the object itself, not its JSON' : found(value));
  }
  return `${where}expected ${issue.message}, got ${found(value)}.`;
}

/** Asks whether a name is meant that differs from one that came in case, hyphens or underscores only. */
function meant(came: readonly string[], known: readonly string[]): string {
  const plain = (name: string) => name.toLowerCase().replace(/[_-]/g, '');
  const names = known.filter((name) => came.some((other) => plain(other) === plain(name) && other !== name));
  return names.length > 0 ? ` Did you mean ${names.join(', ')}?` : '';
}

// ---- Answers -------------------------------------------------------------------------------------------------------

export const count = z.int().min(0);
export const time = z.iso.datetime();

export const jobResultSchema = z.object({
  customers: z.object({
    total: count,
    updated: count,
    rejected: count,
    failed: count,
    invalid: count,
    unprocessed: count,
  }),
  chunks: z.object({ total: count, done: count }),
  unchanged: count.optional(),
  notes: z.array(z.string()).optional(),
  calls: count,
  throttled: count,
  report: z.string().nullable(),
  retry: z.string().nullable(),
  backup: z.string().nullable().optional(),
  notInBackup: count.optional(),
  wouldSend: z
    .object({
      customers: count,
      calls: count,
      quota: z.object({ requests: z.number().positive(), windowMs: z.number().positive() }).nullable(),
      compared: z.object({ changed: count, unchanged: count, missing: count }).optional(),
    })
    .optional(),
}) satisfies z.ZodType<JobResult>;
