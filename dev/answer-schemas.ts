import { z } from 'zod';
import { count, jobResultSchema, time } from '../src/contract/schema.ts';
import type { ChunkSummary, Failure, Failures, Outcomes, Progress } from '../src/contract/job.ts';

const failureSchema = z.object({
  row: count,
  line: count.nullable(),
  id: z.int().nullable(),
  outcome: z.enum(['rejected', 'failed', 'invalid']),
  code: z.enum([
    'unknown_id',
    'email_taken',
    'rejected',
    'invalid_field',
    'unknown_field',
    'read_only_field',
    'duplicate',
    'unavailable',
    'cancelled',
  ]),
  message: z.string(),
}) satisfies z.ZodType<Failure>;

export const failuresSchema = z.object({
  failures: z.array(failureSchema),
  total: count,
  next: count.nullable(),
  olderIn: z.string().nullable(),
}) satisfies z.ZodType<Failures>;

const chunkSummarySchema = z.object({
  chunk: count,
  rows: z.tuple([count, count]),
  state: z.enum(['pending', 'done', 'unprocessed']),
  updated: count,
  rejected: count,
  failed: count,
  attempts: count,
}) satisfies z.ZodType<ChunkSummary>;

export const outcomesSchema = z.object({
  total: count,
  outcomes: z.array(chunkSummarySchema),
}) satisfies z.ZodType<Outcomes>;

export const progressSchema = jobResultSchema.extend({
  state: z.enum([
    'preparing',
    'running',
    'paused',
    'held',
    'cancelling',
    'closing',
    'completed',
    'cancelled',
    'failed',
  ]),
  waitingFor: z
    .object({
      kind: z.enum(['quota', 'throttle', 'lease', 'outage', 'refused', 'rejections', 'pause']),
      message: z.string(),
      until: time.nullable(),
    })
    .nullable(),
  pace: z.object({ callsPerSecond: z.number().min(0), concurrency: z.number().min(0) }).nullable(),
  eta: time.nullable(),
}) satisfies z.ZodType<Progress>;
