/**
 * The vocabulary of jobs: the names other services rely on, and the shapes of what goes in and comes out.
 * Part of the workflow bundle, so it has no imports beyond the workflow library's message definitions.
 */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';

/** Requests that a store takes in each window of time, from all of its apps together. */
export interface Quota {
  /** Requests that the store takes in one window. */
  requests: number;
  /** Length of the window, in ms. */
  windowMs: number;
}

/** Customers in one call, BigCommerce's limit for `PUT /v3/customers`. */
export const CHUNK_SIZE = 10;
/** Customers in one answer, BigCommerce's limit for a page of `GET /v3/customers`. */
export const READ_SIZE = 250;
/** Requests that may be in flight at a store, BigCommerce's limit for `PUT /v3/customers`. */
export const STORE_CONCURRENCY = 3;

/** What a store hash looks like. Two spellings of one store would be two leases, so nothing else is taken. */
export const STORE_HASH = /^[a-z0-9]{1,32}$/;

/** Task queue of the workflows and of JobActivities. */
export const JOBS_TASK_QUEUE = 'customer-updates';

/** Task queue of serveStoreQueue, apart from the jobs' queue so that leases never starve the jobs' own work. */
export const STORES_TASK_QUEUE = 'customer-updates-stores';

/** Task queue of a store's calls, StoreActivities. */
export const storeTaskQueue = (storeHash: string): string => `customer-updates-store-${storeHash}`;

/** Workflow id of a job. Callers may pick any other id; this is the one client and starter make. */
export const jobId = (storeHash: string, name: string): string => `customer-updates/${storeHash}/${name}`;

/**
 * Whether a server can have a workflow of this id. One on PostgreSQL can't store NUL, and gRPC can't send half a surrogate
 * pair: asked for such an id, the server seems to be away, for ever.
 */
export const isPossibleId = (id: string): boolean => /^[^\0\p{Cs}]*$/u.test(id);

/** Workflow id of a store's serveStore. */
export const storeWorkflowId = (storeHash: string): string => `customer-updates-store/${storeHash}`;

/** How a source is written. Each may be compressed, with `.gz` after its extension. */
export type Format = 'csv' | 'ndjson' | 'json';

/** Where a job's customers come from. */
export type Source =
  | {
      /**
       * Customers that come along, each an object as `PUT /v3/customers` takes it; one that is not is a row that is invalid. At
       * most 1,000, and 512 KiB of JSON in all, which a schema can't say.
       */
      customers: unknown[];
    }
  | {
      /** A file, `file:///…` or `s3://bucket/key`, below one of the worker's SOURCE_ROOTS. */
      uri: string;
      /** Default: what the extension says, `.csv`, `.ndjson`, `.jsonl` or `.json`, each also with `.gz`. */
      format?: Format | undefined;
    }
  | {
      /** The failed and unprocessed customers of a job of the same store that has ended, by its workflow id. */
      retryOf: string;
    };

/** How a job is to run. Every option may be left out. */
export interface JobOptions {
  /** Check the file and the token, send nothing. Default false. */
  dryRun?: boolean | undefined;
  /** Send at most this many customers. Default null: all. */
  limit?: number | null | undefined;
  /** What invalid rows do: be reported and left out, or fail the job before any call. Default "skip". */
  onInvalid?: 'skip' | 'fail' | undefined;
  /** Hold when more than this share of the customers tried, 100 at least, was rejected, in percent. Default 20. */
  maxRejectedPercent?: number | undefined;
  /** What a blank CSV cell means: leave the value as it is, or clear it. Default "keep". */
  blankCells?: 'keep' | 'clear' | undefined;
  /** CSV headings to leave out, of at most 10,000 characters in all, which a schema can't say. Default none. */
  ignoreColumns?: string[] | undefined;
  /** Leave out every CSV column whose heading is not known. Default false. */
  ignoreUnknown?: boolean | undefined;
  /** The field that a CSV heading stands for, by heading, where its name doesn't say so. Default none. */
  columns?: Record<string, string> | undefined;
  /** How the file is encoded, as a label of the Encoding Standard. Default: what its byte order mark says, else UTF-8. */
  encoding?: string | null | undefined;
  /** Take a quoted CSV cell that closes properly as one cell, even if it looks as if it had swallowed rows. Default false. */
  trustQuotes?: boolean | undefined;
  /** Write updated customers into the report as well. Default false. */
  reportAll?: boolean | undefined;
  /** Read the values of all customers before they are changed, and leave a source that puts them back. Default false. */
  backup?: boolean | undefined;
  /** Send nothing to customers who have all values already: they count as updated. Default false. */
  skipUnchanged?: boolean | undefined;
}

/** What `maxRejectedPercent` is by default. */
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

/** Why a row was not updated, as a word for programs. */
export type OutcomeCode =
  | 'unknown_id'
  | 'email_taken'
  | 'rejected'
  | 'invalid_field'
  | 'unknown_field'
  | 'read_only_field'
  | 'duplicate'
  | 'unavailable'
  | 'cancelled';

/** A row that was not updated, and why. */
export interface Failure {
  /** 1-based over the source's data records. */
  row: number;
  /** The line of the file in which the row begins, 1-based; null if the customers came inline. */
  line: number | null;
  /** The customer's id, null where the row has no usable one. */
  id: number | null;
  /** `rejected`: the store would not take it. `failed`: sending it again may work. `invalid`: unusable, and not sent. */
  outcome: 'rejected' | 'failed' | 'invalid';
  /** Why, as a word for programs. */
  code: OutcomeCode;
  /** For people. Never holds an e-mail address. */
  message: string;
}

/** Source rows by what became of them; the five add up to `total`. */
export interface CustomerCounts {
  /** Rows in the source, those that are invalid or twice there included. 0 before it is read. */
  total: number;
  /** The store has accepted them. */
  updated: number;
  /** The store would not take them; to send them unchanged is useless. */
  rejected: number;
  /** Not applied after all tries, or the answer is unknown; to send them again may work. */
  failed: number;
  /** Found unusable before any call. */
  invalid: number;
  /** Not settled: still to come, or left by a cancel, `dryRun` or `limit`. */
  unprocessed: number;
}

/** What sending takes, as a dry run finds. */
export interface WouldSend {
  /** Customers that would be sent. */
  customers: number;
  /** Calls that they take. */
  calls: number;
  /** Requests that the store takes in each window; null where it tells none. */
  quota: Quota | null;
  /** What comparing with the store has found; only with `backup` or `skipUnchanged`. */
  compared?: Comparison | undefined;
}

/** Customers of a dry run by what sending would do to them. */
export interface Comparison {
  /** Some value would change. */
  changed: number;
  /** All values are there already. */
  unchanged: number;
  /** They are not in the store. */
  missing: number;
}

/** What a job returns, and what its failure carries in its details. */
export interface JobResult {
  /** Rows by what became of them. */
  customers: CustomerCounts;
  /** Chunks of ten customers each that the job is made of: a call each, and more where some are rejected. */
  chunks: ChunkCounts;
  /** Those of the updated who had all values already, and were sent nothing; only with `skipUnchanged`. */
  unchanged?: number | undefined;
  /** What a person should know of how the source was read, such as columns that were left out; absent if nothing. */
  notes?: string[] | undefined;
  /** PUTs sent, of every kind. What `backup` and `skipUnchanged` read is not among them. */
  calls: number;
  /** PUTs answered with 429. */
  throttled: number;
  /** URI of report.csv; null until it is written. */
  report: string | null;
  /** URI of retry.ndjson; null where there is nothing to send again. */
  retry: string | null;
  /** URI of the source that puts the earlier values back; null where there is nothing to put back. Only with `backup`. */
  backup?: string | null | undefined;
  /** Customers of whom something can't be put back: a new password, or what the store did not tell. Only with `backup`. */
  notInBackup?: number | undefined;
  /** What sending takes; only of a dry run. */
  wouldSend?: WouldSend | undefined;
}

/** How many chunks a job has. */
export interface ChunkCounts {
  /** All, those left out by `limit` included. */
  total: number;
  /** Those whose customers are settled. */
  done: number;
}

export type JobState =
  'preparing' | 'running' | 'paused' | 'held' | 'cancelling' | 'closing' | 'completed' | 'cancelled' | 'failed';

/** What a job is waiting for, for people and programs. */
export interface WaitingFor {
  /** As a word for programs. `refused`, `rejections` and `pause` need a person. */
  kind: 'quota' | 'throttle' | 'lease' | 'outage' | 'refused' | 'rejections' | 'pause';
  /** For people: what is wrong, and what to do. */
  message: string;
  /** When it goes on by itself, ISO 8601 in UTC; null where that is unknown or needs a person. */
  until: string | null;
}

/** What a job says while it waits for a store that is busy. */
export const STORE_WAITS = {
  quota: "The store's request quota is used up.",
  throttle: 'The store is throttling (429).',
} as const;

/** The answer of the `progress` query. */
export interface Progress extends JobResult {
  /** Where the job is in its life. */
  state: JobState;
  /** Why it is not sending, as far as the workflow knows; null while it does. */
  waitingFor: WaitingFor | null;
  /** How fast chunks are settled at present; null before the first few. */
  pace: Pace | null;
  /** When the job will have ended at the present pace, ISO 8601 in UTC. */
  eta: string | null;
}

/** How fast a job goes. */
export interface Pace {
  /** Calls that have ended, a second. */
  callsPerSecond: number;
  /** Calls that may be in flight at the store, 0 where that is not known yet. */
  concurrency: number;
}

/** The answer of the `outcomes` query: a slice of all chunks, in order. */
export interface Outcomes {
  /** Chunks in the job. */
  total: number;
  /** At most 1,000 of them. */
  outcomes: ChunkSummary[];
}

/** What became of one chunk. */
export interface ChunkSummary {
  /** 0-based. */
  chunk: number;
  /** First and last source row in it. */
  rows: [first: number, last: number];
  /** `pending`: not settled yet. `unprocessed`: the job has ended without it. */
  state: 'pending' | 'done' | 'unprocessed';
  /** Its customers that the store has accepted. */
  updated: number;
  /** Those that the store would not take. */
  rejected: number;
  /** Those not applied after all tries. */
  failed: number;
  /** Attempts of its activity; counted up to 15. */
  attempts: number;
}

/** The answer of the `failures` query: a page of what is in state, by row. */
export interface Failures {
  /** At most 500, of the latest 1,000. */
  failures: Failure[];
  /** All rows rejected, failed or invalid so far, those in files included. */
  total: number;
  /** Give it as `after` for the next page; null on the last. */
  next: number | null;
  /** URI of the newest file of older failures; each file names the one before it. Null while all are in state. */
  olderIn: string | null;
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
export type JobFailureType = 'BadInput' | 'BadSource' | 'InvalidRows' | 'NothingToRetry';
