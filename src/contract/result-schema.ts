/** A job's result as zod, for a worker's answer: it may have fields that this version does not know. */
import { z } from 'zod';
import type { JobResult } from './job.ts';

export const count = z.int().min(0);
export const time = z.iso.datetime();

export const jobResultSchema = z
  .object({
    customers: z
      .object({
        total: count.describe('Rows in the source, including invalid and duplicate ones; 0 until it has been read.'),
        updated: count.describe('The store has accepted them.'),
        rejected: count.describe('The store would not take them; sending them again unchanged is useless.'),
        failed: count.describe('Not applied after all retries, or the answer is unknown; sending them again may work.'),
        invalid: count.describe('Found unusable before any call.'),
        unprocessed: count.describe('Still to come, or left over by a cancel, `dryRun` or `limit`.'),
      })
      .describe('Rows by what became of them.'),
    chunks: z
      .object({
        total: count.describe('All, including those left out by `limit`.'),
        done: count.describe('Those with an outcome for every customer.'),
      })
      .describe('Chunks of up to ten customers. Each takes one call, or more if some customers are rejected.'),
    unchanged: count
      .optional()
      .describe('Updated customers who already had all values and were sent nothing; only with `skipUnchanged`.'),
    notes: z
      .array(z.string())
      .optional()
      .describe('What to know about how the source was read, such as columns that were left out; absent if nothing.'),
    calls: count.describe('PUTs sent, of every kind; GETs for `backup` and `skipUnchanged` are not counted.'),
    throttled: count.describe('PUTs answered with 429.'),
    report: z.string().nullable().describe('URI of report.csv; null until it has been written.'),
    retry: z.string().nullable().describe('URI of retry.ndjson; null if there is nothing to send again.'),
    fix: z
      .string()
      .nullable()
      .describe(
        'URI of fix.csv or fix.ndjson, the rows to correct: those rejected or invalid; null if there are none.',
      ),
    backup: z
      .string()
      .nullable()
      .optional()
      .describe(
        'URI of the source that restores the earlier values; null if there is nothing to restore. Only with `backup`.',
      ),
    notInBackup: count
      .optional()
      .describe(
        "Customers with a value that can't be restored: a password, or one the store did not show. Only with `backup`.",
      ),
    wouldSend: z
      .object({
        customers: count.describe('Customers that would be sent.'),
        notes: z
          .array(z.string())
          .optional()
          .describe(
            'What to know about how the source was read, such as columns that were left out; absent if nothing.',
          ),
        calls: count.describe('Calls that this would take.'),
        quota: z
          .object({
            requests: z.number().positive().describe('Requests per window.'),
            windowMs: z.number().positive().describe('Length of the window, in ms.'),
          })
          .nullable()
          .describe("The store's request quota; null if the store does not report one."),
        compared: z
          .object({
            changed: count.describe('Some value would change.'),
            unchanged: count.describe('All values are there already.'),
            missing: count.describe('They are not in the store.'),
          })
          .optional()
          .describe('What comparing with the store found; only with `backup` or `skipUnchanged`.'),
      })
      .optional()
      .describe('What sending would take; only of a dry run.'),
  })
  .meta({
    title: 'JobResult',
    description: 'What a job returns, and what its failure carries in its details.',
  }) satisfies z.ZodType<JobResult>;
