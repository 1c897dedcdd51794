/** A job's input as zod, which checks it. What each property means is in job.ts. */
import { z } from 'zod';
import { type JobInput, type JobOptions, MAX_NAME, MAX_REJECTED_PERCENT, STORE_HASH } from './job.ts';
import { describeValue, listed } from './describe.ts';

// An inline source travels in a payload, and Temporal's limit for one is 2 MB.
const MAX_INLINE_CUSTOMERS = 1_000;
const MAX_INLINE_BYTES = 512 * 1024;

/** A job's input is not what the contract says. */
export class BadInput extends Error {
  override name = 'BadInput';
}

// ---- Input: a check's message is what it expects; parseJobInput adds where, and what came instead -------------------

const flag = z.boolean('true or false').default(false);
const filled = z.string('a text').min(1, 'a text that is not empty');
// Temporal's own limit for an id, https://docs.temporal.io/self-hosted-guide/defaults. Paths are limited to 4,096 bytes
// and object keys to 1,024.
const ID = 'a text of at most 1000 characters';
const URI = 'a text of at most 5000 characters';
// Temporal's limit for a payload is 2 MB, and an activity's holds the input beside the job's state.
const HEADINGS = 'a list of at most 1000 headings of at most 10000 characters in all';
const WORDS = 'a list of at most 100 words of at most 1000 characters in all';
const ENCODING = 'null or the name of an encoding, such as windows-1252 or utf-16le';
const LIMIT = 'null or a whole number from 1';
const PERCENT = 'a number from 0 to 100';
const PRIORITY = 'a whole number from 1 to 5';
const CUSTOMERS = `a list of at most ${MAX_INLINE_CUSTOMERS} customers; a file (source.uri) may have more`;

export const jobOptionsSchema = z.strictObject(
  {
    dryRun: flag,
    limit: z.number(LIMIT).int(LIMIT).min(1, LIMIT).nullable().default(null),
    onInvalid: z.enum(['skip', 'fail'], '"skip" or "fail"').default('skip'),
    maxRejectedPercent: z.number(PERCENT).min(0, PERCENT).max(100, PERCENT).default(MAX_REJECTED_PERCENT),
    match: z.enum(['id', 'email'], '"id" or "email"').default('id'),
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
    blankWords: z
      .array(z.string('a word'), 'a list of words')
      .max(100, WORDS)
      .refine((words) => words.join('').length <= 1_000, WORDS)
      .default([]),
    encoding: z.string(ENCODING).refine(isEncoding, ENCODING).nullable().default(null),
    trustQuotes: flag,
    reportAll: flag,
    backup: flag,
    skipUnchanged: flag,
    priority: z.number(PRIORITY).int(PRIORITY).min(1, PRIORITY).max(5, PRIORITY).default(3),
  },
  'an object',
) satisfies z.ZodType<object, JobOptions>;

/** Options with every default filled in. */
export type FullOptions = z.output<typeof jobOptionsSchema>;

const sourceSchema = z.union([
  z.strictObject({
    customers: z
      .array(z.unknown(), CUSTOMERS)
      .max(MAX_INLINE_CUSTOMERS, CUSTOMERS)
      .refine((customers) => bytesOf(customers) <= MAX_INLINE_BYTES, {
        error: ({ input }) => `at most ${MAX_INLINE_BYTES} bytes of JSON, ${hereBytes(input)}; a file may have more`,
      }),
  }),
  z.strictObject({
    uri: filled.max(5_000, URI),
    format: z.enum(['csv', 'ndjson', 'json'], '"csv", "ndjson" or "json"').optional(),
  }),
  z.strictObject({ retryOf: filled.max(1_000, ID) }),
]);

export const jobInputSchema = z.strictObject({
  storeHash: z.string('a store hash').regex(STORE_HASH, 'a store hash: 1 to 32 lower-case letters and digits'),
  source: sourceSchema,
  options: jobOptionsSchema.prefault({}),
}) satisfies z.ZodType<object, JobInput>;

/** A job's input, checked, with every default filled in. */
export type CheckedInput = z.output<typeof jobInputSchema>;

/** Checks a job's input. Throws BadInput, which says where, what was expected and what kind of thing came. */
export function parseJobInput(input: unknown): CheckedInput {
  const result = jobInputSchema.safeParse(input);
  if (result.success) return result.data;
  const { issues } = result.error;
  // A misspelled name is the reason why another one is missing.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  throw new BadInput(describe(issue as z.core.$ZodIssue, input));
}

/** Checks the name of a new job or schedule, which may have up to `max` characters. Throws BadInput. */
export function checkName(name: unknown, max = MAX_NAME): asserts name is string {
  if (typeof name === 'string' && /^(?!\.{1,2}$)[^\p{Cs}\p{Cc}]+$/u.test(name)) {
    if (encodeURIComponent(name).length <= max) return;
  }
  throw new BadInput(
    `name: expected a name of 1 to ${max} characters (any but a-z, A-Z, 0-9 and -_.!~*'() count three times or ` +
      `more), got ${describeValue(name)}.`,
  );
}

/** The error for something that is not an input at all; `came` says what it is. */
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
    return describeValue(JSON.parse(text)) === 'an object';
  } catch {
    return false;
  }
}

function hereBytes(value: unknown): string {
  const bytes = bytesOf(value);
  return bytes < Infinity ? `here ${bytes}` : 'here nested too deeply for JSON';
}

// JSON.stringify fails on what is nested too deeply, which therefore could not be sent either.
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
    const names = describeValue(value) === 'an object' ? Object.keys(value as object) : [];
    const got = given.length > 0 ? given.join(' and ') : names.length > 0 ? listed(names) : describeValue(value);
    return `${where}expected an object with one of ${SOURCES.join(', ')}, got ${got}.${meant(names, SOURCES)}`;
  }
  if (path === '') {
    const text = typeof value === 'string' && isJsonObject(value);
    return notAnInput(text ? 'JSON in a text: give the object itself, not its JSON' : describeValue(value));
  }
  const isSize = issue.code === 'too_big' || issue.code === 'too_small';
  return `${where}expected ${issue.message}, got ${describeValue(value, isSize)}.`;
}

/** Suggests known names that differ from one that came only in case, hyphens or underscores. */
function meant(came: readonly string[], known: readonly string[]): string {
  const plain = (name: string) => name.toLowerCase().replace(/[_-]/g, '');
  const names = known.filter((name) => came.some((other) => plain(other) === plain(name) && other !== name));
  return names.length > 0 ? ` Did you mean ${names.join(', ')}?` : '';
}
