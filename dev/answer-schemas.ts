/** What queries answer, as zod schemas: only the published JSON Schemas need them. The result is in src/contract/result-schema.ts. */
import { z } from 'zod';
import { count, jobResultSchema, time } from '../src/contract/result-schema.ts';
import type { ChunkSummary, Failure, Failures, Outcomes, Progress } from '../src/contract/job.ts';

const failureSchema = z.object({
  row: count.describe("1-based over the source's data records."),
  line: count
    .nullable()
    .describe('The line of the file in which the row begins, 1-based; null if the customers came inline.'),
  id: z.int().nullable().describe("The customer's id; null if the row has no usable one."),
  outcome: z
    .enum(['rejected', 'failed', 'invalid'])
    .describe(
      '`rejected`: the store would not take it. `failed`: sending it again may work. `invalid`: unusable, so it was not sent.',
    ),
  code: z
    .enum([
      'unknown_id',
      'email_taken',
      'rejected',
      'invalid_field',
      'unknown_field',
      'unknown_group',
      'duplicate',
      'unavailable',
      'cancelled',
    ])
    .describe('Why, for programs.'),
  message: z.string().describe('For people. Never holds an e-mail address.'),
}) satisfies z.ZodType<Failure>;

export const failuresSchema = z
  .object({
    failures: z.array(failureSchema).describe('At most 500 of the latest 1,000.'),
    total: count.describe('All rows rejected, failed or invalid so far, including those in files.'),
    next: count.nullable().describe('Pass it as `after` to get the next page; null on the last.'),
    olderIn: z
      .string()
      .nullable()
      .describe('URI of the newest file of older failures, which names the one before it; null while there are none.'),
  })
  .meta({
    title: 'Failures',
    description: 'The answer of the `failures` query: a page of the latest failures, by row.',
  }) satisfies z.ZodType<Failures>;

const chunkSummarySchema = z.object({
  chunk: count.describe('0-based.'),
  rows: z.tuple([count, count]).describe('First and last source row in it.'),
  state: z
    .enum(['pending', 'done', 'unprocessed'])
    .describe('`pending`: no outcome yet. `unprocessed`: the job ended without it.'),
  updated: count.describe('Customers in it that the store has accepted.'),
  rejected: count.describe('Customers in it that the store would not take.'),
  failed: count.describe('Customers in it that were not applied after all retries.'),
  attempts: count.describe('Attempts of its activity, counted up to 15.'),
}) satisfies z.ZodType<ChunkSummary>;

export const outcomesSchema = z
  .object({
    total: count.describe('Chunks in the job.'),
    outcomes: z.array(chunkSummarySchema).describe('At most 1,000 of them.'),
  })
  .meta({
    title: 'Outcomes',
    description: 'The answer of the `outcomes` query: a slice of all chunks, in order.',
  }) satisfies z.ZodType<Outcomes>;

export const progressSchema = jobResultSchema
  .extend({
    state: z
      .enum(['preparing', 'running', 'paused', 'held', 'cancelling', 'closing', 'completed', 'cancelled', 'failed'])
      .describe("The job's state."),
    waitingFor: z
      .object({
        kind: z
          .enum(['quota', 'throttle', 'lease', 'outage', 'refused', 'rejections', 'pause'])
          .describe('For programs. `refused`, `rejections` and `pause` need a person.'),
        message: z.string().describe('For people: what is wrong, and what to do.'),
        until: time
          .nullable()
          .describe('When the job continues by itself, ISO 8601 in UTC; null if that is unknown or needs a person.'),
      })
      .nullable()
      .describe('Why it is not sending, as far as the workflow knows; null while it does.'),
    pace: z
      .object({
        callsPerSecond: z.number().min(0).describe('Calls completed per second.'),
        concurrency: z
          .number()
          .min(0)
          .describe('Calls that may be in flight at the store at once; 0 while that is unknown.'),
      })
      .nullable()
      .describe('How fast the job is at the moment; null before the first few chunks are done.'),
    eta: time.nullable().describe('When the job will end at this pace, ISO 8601 in UTC; null if that is unknown.'),
  })
  .meta({ title: 'Progress', description: 'The answer of the `progress` query.' }) satisfies z.ZodType<Progress>;
