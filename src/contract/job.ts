/** The names and shapes that other services rely on. Part of the workflow bundle, so it imports only that library. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Failures, Outcomes } from './answers.ts';
import type { WouldSend } from './dry-run.ts';

export type { ChunkSummary, Failures, Outcomes } from './answers.ts';

// Tags with @ are for the published JSON Schemas, which `npm run schemas` makes from this file.
/** @asType integer */
type Int = number;
/** @asType integer @minimum 0 */
type Count = number;
/** @format date-time */
type Time = string;

/** Customers in one call, BigCommerce's limit for `PUT /v3/customers`. */
export const CHUNK_SIZE = 10;
/** Requests that may be in flight at a store, BigCommerce's limit for `PUT /v3/customers`. */
export const STORE_CONCURRENCY = 3;

/** What a store hash looks like. Nothing else is accepted, because two spellings of one store would be two leases. */
export const STORE_HASH = /^[a-z0-9]{1,32}$/;

/** Task queue of the workflows and of JobActivities. */
export const JOBS_TASK_QUEUE = 'customer-updates';

/** Task queue of serveStoreQueue, separate from the jobs' queue so that leases never starve the jobs' own work. */
export const STORES_TASK_QUEUE = 'customer-updates-stores';

/** Task queue of StoreActivities, the calls to one store. */
export const storeTaskQueue = (storeHash: string): string => `customer-updates-store-${storeHash}`;

/** Workflow id of a job as client and starter make it. Other callers may choose any id. */
export const jobId = (storeHash: string, name: string): string => `customer-updates/${storeHash}/${name}`;

/**
 * Most characters of a job's percent-encoded name. File names have 255 bytes, and while written they end in a UUID and
 * `.partial`.
 */
export const MAX_NAME = 200;

/** Whether a server can have a workflow with this id: PostgreSQL can't store NUL, nor gRPC send half a surrogate pair. */
export const isPossibleId = (id: string): boolean => /^[^\0\p{Cs}]*$/u.test(id);

/** Workflow id of a store's serveStore. */
export const storeWorkflowId = (storeHash: string): string => `customer-updates-store/${storeHash}`;

/** How a source is written. Each may be compressed, with `.gz` after its extension. */
export type Format = 'csv' | 'ndjson' | 'json';

/** Where a job's customers come from. */
export type Source =
  | {
      /**
       * The customers themselves, each an object as `PUT /v3/customers` takes it, with `attributes` by their names if need be;
       * anything else is an invalid row. At most 1,000, and 512 KiB of JSON in total.
       */
      customers: unknown[];
    }
  | {
      /** A file, `file:///…` or `s3://bucket/key`, below one of the worker's SOURCE_ROOTS. */
      uri: string;
      /** Default: by the extension, `.csv`, `.tsv`, `.txt`, `.ndjson`, `.jsonl` or `.json`, each also with `.gz`. */
      format?: Format | undefined;
    }
  | {
      /** The failed and unprocessed customers of a job of the same store that has ended, by its workflow id. */
      retryOf: string;
    };

/** How the rows of a source name their customers. */
export type Match = 'id' | 'email';

/** How a job is to run. Every option is optional. */
export interface JobOptions {
  /** Check the file and the token, send nothing. Default false. */
  dryRun?: boolean | undefined;
  /** Send at most this many customers. Default null: all. */
  limit?: number | null | undefined;
  /** Invalid rows: "skip" reports them and leaves them out, "fail" fails the job before any call. Default "skip". */
  onInvalid?: 'skip' | 'fail' | undefined;
  /** Hold once the store has rejected more than this percentage of the customers tried, 100 at least. Default 20. */
  maxRejectedPercent?: number | undefined;
  /**
   * How rows name customers: "id", or "email", where the field `email` is the address to find the customer by and
   * `new_email` another one to give him. Default "id".
   */
  match?: Match | undefined;
  /** What a blank CSV cell means: leave the value as it is, or clear it, in attributes too. Default "keep". */
  blankCells?: 'keep' | 'clear' | undefined;
  /** CSV headings to leave out, at most 1,000 and 10,000 characters in total. Default none. */
  ignoreColumns?: string[] | undefined;
  /** Leave out every CSV column with an unknown heading. Default false. */
  ignoreUnknown?: boolean | undefined;
  /** The field that a CSV heading stands for, by heading, if its name does not say so. Default none. */
  columns?: Record<string, string> | undefined;
  /** Words such as NULL that make a CSV cell blank, in any case: at most 100, and 1,000 characters. Default none. */
  blankWords?: string[] | undefined;
  /** The file's encoding, as a label of the Encoding Standard. Default null: by its byte order mark, else UTF-8. */
  encoding?: string | null | undefined;
  /** Take a quoted CSV cell that closes properly as one cell, even if it seems to contain rows. Default false. */
  trustQuotes?: boolean | undefined;
  /** List updated customers in the report as well. Default false. */
  reportAll?: boolean | undefined;
  /** Read all values before they are changed, and write a source that restores them. Default false. */
  backup?: boolean | undefined;
  /** Send nothing for customers who already have all values; they count as updated. Default false. */
  skipUnchanged?: boolean | undefined;
  /**
   * Whose calls go first if several jobs wait for the same store: those of 1 before those of 2, and so on to 5. Default 3.
   * @asType integer
   */
  priority?: number | undefined;
}

/** Default of `maxRejectedPercent`. */
export const MAX_REJECTED_PERCENT = 20;

/** The one argument of updateCustomers. */
export interface JobInput {
  /** The store, as in its API path `/stores/{store_hash}`. */
  storeHash: string;
  /** Where the job's customers come from. */
  source: Source;
  /** How the job is to run. */
  options?: JobOptions | undefined;
}

/** Why a row was not updated, for programs. */
export type OutcomeCode =
  | 'unknown_id'
  | 'unknown_email'
  | 'ambiguous_email'
  | 'email_taken'
  | 'attributes_rejected'
  | 'rejected'
  | 'invalid_field'
  | 'unknown_field'
  | 'unknown_group'
  | 'unknown_attribute'
  | 'duplicate'
  | 'same_customer'
  | 'unavailable'
  | 'cancelled';

/** A row that was not updated, and why. */
export interface Failure {
  /** 1-based over the source's data records. */
  row: Count;
  /** The line of the file in which the row begins, 1-based; null if the customers came inline. */
  line: Count | null;
  /** The customer's id; null if the row has no usable one. */
  id: Int | null;
  /** `rejected`: the store would not take it. `failed`: sending it again may work. `invalid`: unusable, not sent. */
  outcome: 'rejected' | 'failed' | 'invalid';
  /** Why, for programs. */
  code: OutcomeCode;
  /** For people. Never holds an e-mail address. */
  message: string;
  /**
   * With `attributes_rejected`, the ids of the attributes that were not taken; the rest of the row was. Left out if they
   * are too many to be listed: then any of them may have been taken.
   */
  attributes?: Int[] | undefined;
}

/** Source rows by what became of them; the five add up to `total`. */
export interface CustomerCounts {
  /** Rows in the source, including invalid and duplicate ones; 0 until it has been read. */
  total: Count;
  /** The store has accepted them. */
  updated: Count;
  /** The store would not take them; sending them again unchanged is useless. */
  rejected: Count;
  /** Not applied after all retries, or the answer is unknown; sending them again may work. */
  failed: Count;
  /** Found unusable before any call. */
  invalid: Count;
  /** Still to come, or left over by a cancel, `dryRun` or `limit`. */
  unprocessed: Count;
}

/** What a job returns, and what its failure carries in its details. */
export interface JobResult {
  /** Rows by what became of them. */
  customers: CustomerCounts;
  /** Chunks of up to ten customers. Each takes one call, or more if some customers are rejected. */
  chunks: ChunkCounts;
  /** Updated customers who already had all values and were sent nothing; only with `skipUnchanged`. */
  unchanged?: Count | undefined;
  /** What to know about how the source was read and sent, such as columns that were left out; absent if nothing. */
  notes?: string[] | undefined;
  /** PUTs and DELETEs sent, of every kind. */
  calls: Count;
  /** GETs sent: look-ups and other questions. */
  reads: Count;
  /** Answers 429, to calls of either kind. */
  throttled: Count;
  /** URI of report.csv; null until it has been written. */
  report: string | null;
  /** URI of retry.ndjson; null if there is nothing to send again. */
  retry: string | null;
  /** URI of fix.csv or fix.ndjson, the rows to correct: those rejected or invalid; null if there are none. */
  fix: string | null;
  /** URI of changes.csv, which value of whom a dry run would change from what to what; null if there is none. */
  changes: string | null;
  /** URI of the source that restores the earlier values; null if there is nothing to restore. Only with `backup`. */
  backup?: string | null | undefined;
  /** Customers with a value that can't be restored: a password, or one the store did not show. Only with `backup`. */
  notInBackup?: Count | undefined;
  /** What sending would take; only of a dry run. */
  wouldSend?: WouldSend | undefined;
}

export interface ChunkCounts {
  /** All, including those left out by `limit`. Fewer once look-ups have found rows that need not be sent. */
  total: Count;
  /** Those with an outcome for every customer. */
  done: Count;
}

export type JobState =
  'preparing' | 'running' | 'paused' | 'held' | 'cancelling' | 'closing' | 'completed' | 'cancelled' | 'failed';

/** What a job is waiting for, for people and programs. */
export interface WaitingFor {
  /** For programs. `refused`, `rejections` and `pause` need a person. */
  kind: 'source' | 'quota' | 'throttle' | 'lease' | 'outage' | 'refused' | 'rejections' | 'pause';
  /** For people: what is wrong, and what to do. */
  message: string;
  /** When the job continues by itself, ISO 8601 in UTC; null if that is unknown or needs a person. */
  until: Time | null;
}

/** The answer of the `progress` query. */
export interface Progress extends JobResult {
  /** The job's state. */
  state: JobState;
  /** Why it is not sending, as far as the workflow knows; null while it does. */
  waitingFor: WaitingFor | null;
  /** How fast the job is at the moment; null before the first few chunks are done. */
  pace: Pace | null;
  /** When the job will end at this pace, ISO 8601 in UTC; null if that is unknown. */
  eta: Time | null;
}

export interface Pace {
  /** Calls completed per second. @minimum 0 */
  callsPerSecond: number;
  /** Calls that may be in flight at the store at once; 0 while that is unknown. */
  concurrency: Count;
}

export const progressQuery = defineQuery<Progress>('progress');
export const outcomesQuery = defineQuery<Outcomes, [{ from?: number; count?: number }?]>('outcomes');
export const failuresQuery = defineQuery<Failures, [{ after?: number; limit?: number }?]>('failures');
export const pauseUpdate = defineUpdate<Progress, [{ reason?: string } | undefined]>('pause');
export const resumeUpdate = defineUpdate<Progress>('resume');

/** "A job needs this store": sent with signal-with-start, so that it also starts serveStore. */
export const openSignal = defineSignal('open');

/** Most items that one query returns. */
export const MAX_PAGE = { outcomes: 1_000, failures: 500 } as const;
/** Latest failures that stay in workflow state; older ones are in the job store. */
export const FAILURES_IN_STATE = 1_000;

/** Types of the ApplicationFailure with which a job that can't run fails. */
export type JobFailureType = 'BadInput' | 'BadSource' | 'InvalidRows' | 'NothingToRetry' | 'Defect';
