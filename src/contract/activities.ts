/** What workflows and activities say to each other. Part of the workflow bundle; other services do not need it. */
import type { Quota } from './dry-run.ts';
import type { Failure, JobOptions } from './job.ts';

/**
 * The mark of a job of 1.0. prepareJob is given it and returns it, and each run passes it on to the next: so a job that
 * version 0.x began, which had no such mark, is noticed wherever a worker of 1.0 meets it.
 */
export const FORMAT = 1 as const;

/** What stops a job that version 0.x began: the task or activity is retried until somebody does what this says. */
export const BEGAN_WITH_0 =
  'This job began with version 0.x, which 1.0 does not continue. Let a 0.x worker finish it, or terminate it and start ' +
  'it again.';

/** Name of a job's nth file of failures, 0-based. */
export const failuresFile = (file: number): string => String(file).padStart(4, '0');

/** Chunks in one page of the job store; the last page may hold fewer. */
export const CHUNKS_PER_PAGE = 100;

/** Customers in one answer, BigCommerce's limit for a page of `GET /v3/customers`. */
export const READ_SIZE = 250;

/** Whether a job asks what the store has of its customers before it sends them. */
export const readsPresent = ({ backup = false, skipUnchanged = false }: JobOptions): boolean => backup || skipUnchanged;

/**
 * Search attributes of jobs, by which the Web UI and visibility find and sort them. The command `setup` registers them.
 */
export const SEARCH_ATTRIBUTES = {
  CustomerUpdatesStore: 'KEYWORD',
  /** A JobState. */
  CustomerUpdatesState: 'KEYWORD',
  /** Customers that the store has rejected so far. */
  CustomerUpdatesRejected: 'INT',
  /** Percent of the chunks that are done. */
  CustomerUpdatesProgress: 'INT',
} as const;

/** How soon the chunks of a job that opens a store follow: within this time its queue stays served. */
export const OPENING_MS = 3_000;

/** A job store: its id, which no other one has, and its URI as a worker knows it. */
export interface JobStore {
  id: string;
  at: string;
}

/** Which job an activity works for. */
export interface JobRef {
  storeHash: string;
  /** Run id of the job's first run: the same after continue-as-new and reset, and never reused. */
  key: string;
  /** Its source is read with the names of the store's groups. */
  named?: true;
  /** PreparedJob.set, once its source was read. */
  set?: number;
  /** Where its files are: in the job store of the worker that began to prepare it. */
  jobStore?: JobStore;
}

/** What was found in a job's source. Counts are rows. */
export interface PreparedRows {
  total: number;
  invalid: number;
  /** Rows that are in chunks. `total` = `invalid` + `valid`. */
  valid: number;
  /** Chunks that hold the valid rows, and how many of them are to be sent: fewer with `limit`. */
  chunks: number;
  chunksToSend: number;
  /** Rows in the last chunk to be sent, and in the very last one; all others hold CHUNK_SIZE. */
  lastSentSize: number;
  lastSize: number;
  /** encodeRuns of two numbers a chunk: invalid rows before it (since the chunk before), and within it. */
  gaps: string;
  /** The latest invalid rows. */
  failures: Failure[];
  /** URI of the file of earlier ones. */
  olderIn: string | null;
  /** SHA-256 of the file's bytes, in hex; absent if there is no file. */
  digest?: string;
}

/** What prepareJob returns. */
export interface PreparedJob extends PreparedRows {
  format: typeof FORMAT;
  /** Which set of pages this attempt has written: the job goes by no other. */
  set: number;
  /** JobRef.jobStore. */
  jobStore: JobStore;
  /** Whether the namespace has SEARCH_ATTRIBUTES. */
  searchAttributes: boolean;
  /** JobResult.notes. */
  notes: string[];
}

/** What prepareJob returns if the source names groups of the store, for which readNames has to ask first. */
export interface NeedsNames extends Pick<PreparedJob, 'format' | 'jobStore' | 'searchAttributes'> {
  needs: 'names';
}

/** The input of readNames. */
export interface NamesRef {
  job: JobRef;
  /** As in ChunkRef. */
  probe?: ChunkRef['probe'];
}

/** How a job's rows lie in chunks. */
export type Plan = Omit<PreparedRows, 'failures' | 'olderIn'>;

/** The input of updateChunk. From 1.0 on only optional fields are added: an older worker may be serving the store. */
export interface ChunkRef {
  job: JobRef;
  /** 0-based. */
  chunk: number;
  /** Send only these customers of it. */
  only?: number[];
  /**
   * The store gave no answer for it, in so many attempts before: its customers are sent one by one if it gives none again,
   * and whoever gets none while others do is failed.
   */
  unansweredBefore?: number;
  /** Goes out even while the store refuses calls: it asks whether the store still does. */
  probe?: 'check' | 'resume';
  /** Read what the store has of the chunk's page first, unless that is in the job store already. */
  read?: {
    /** Chunks of the job that are to be sent; customers of other chunks are not read. */
    chunks: number;
    /** Leave out customers that have all values already. */
    skipUnchanged: boolean;
  };
}

/** Pages, from `from` up to but not including `until`, whose rows compareCustomers compares with the store. */
export interface PagesRef {
  job: JobRef;
  from: number;
  until: number;
  /** Chunks of the job that would be sent. */
  chunks: number;
}

/** Customers by what sending would do to them, and the chunks in which anything would change. */
export interface Compared {
  changed: number;
  unchanged: number;
  /** Not in the store. */
  missing: number;
  chunks: number;
}

/** What became of a chunk's customers. Every one that is not in `failures` was updated. */
export interface ChunkOutcome {
  updated: number;
  /** How many of the updated had all values already and were not sent. */
  unchanged?: number;
  failures: Failure[];
  calls: number;
  throttled: number;
  /** Attempts of the activity that it took. */
  attempts: number;
  /** How many of them got no answer. */
  unanswered: number;
  /** Calls in flight that the store's pace allows at present. */
  concurrency: number;
  /** What it waited for, longer than 5 s, in its last attempt. */
  waitedFor?: 'quota' | 'throttle';
}

/** Types of the failures of a store's activities; the details of a chunk's are one ChunkOutcome. */
export type ChunkFailureType =
  /** 429: retried when the headers say so. */
  | 'Throttled'
  /** No answer, or an unclear one: retried later. Final after some tries; then the workflow puts the chunk back. */
  | 'Unavailable'
  /** The store takes no calls of this job: token, scope, suspended. Final. */
  | 'Refused'
  /** The chunk's page is missing or damaged. Final. */
  | 'BadPage'
  /** The process is giving up the store's queue: another one continues. */
  | 'HandedOver';

/** What closeJob needs to know of a job that ends. */
export interface CloseJobInput {
  job: JobRef;
  input: unknown;
  plan: Plan;
  /** encodeRuns of one encodeChunk a chunk. */
  outcomes: string;
  failures: Failure[];
  olderIn: string | null;
  /** Chunks that are unprocessed but may have been sent: their answer never came. */
  maybeSent: number[];
  /** The source could not be read, so that there is nothing to report. */
  unread?: boolean;
}

/** What closeJob has written. */
export interface ClosedJob {
  /** Null if the source could not be read. */
  report: string | null;
  retry: string | null;
  fix: string | null;
  /** To be added to JobResult.notes. */
  notes?: string[];
  /** Only with `backup`. */
  backup?: string | null;
  notInBackup?: number;
}

/** The argument of serveStore and serveStoreQueue. */
export interface ServeStoreInput {
  storeHash: string;
}

/** Why a process gave up a store's queue: idle, held for as long as one attempt may, or because the process stops. */
export type LeaseEnd = 'idle' | 'rotated' | 'handedOver';

/** Activities on JOBS_TASK_QUEUE. */
export interface JobActivities {
  /**
   * Reads and checks the source, and writes its chunks to the job store. `instead` describes what came if it was not an
   * input at all.
   */
  prepareJob(input: {
    format: typeof FORMAT;
    job: JobRef;
    input: unknown;
    instead?: string;
  }): Promise<PreparedJob | NeedsNames>;
  /**
   * Says that the store's queue is needed, with `unlessServed` only if nobody serves it: a signal costs serveStore an
   * event. Returns whether a process is serving it.
   */
  openStore(input: { storeHash: string; unlessServed?: boolean }): Promise<{ served: boolean }>;
  /** Writes failures to the job store, in a file that names `olderIn` as the one before it; returns its URI. */
  saveFailures(input: { job: JobRef; name: string; failures: Failure[]; olderIn: string | null }): Promise<string>;
  /** Writes the report and what is to be sent again, and deletes the rest of the job's files. */
  closeJob(input: CloseJobInput): Promise<ClosedJob>;
}

/** Activities on STORES_TASK_QUEUE. */
export interface LeaseActivities {
  /** Holds the lease of a store: polls its queue until it is idle, or this process stops. */
  serveStoreQueue(input: ServeStoreInput): Promise<LeaseEnd>;
}

/** Activities on storeTaskQueue(storeHash). */
export interface StoreActivities {
  /** Sends ten customers in one PUT, and makes the calls it takes to find those that the store rejects. */
  updateChunk(input: ChunkRef): Promise<ChunkOutcome>;
  /** Counts what sending would change. Changes nothing. */
  compareCustomers(input: PagesRef): Promise<Compared>;
  /** Asks the store for the names of its groups, keeps them in the job store, and returns how many there are. */
  readNames(input: NamesRef): Promise<{ groups: number }>;
  /** Asks the store whether it takes the token. Changes nothing. Returns the quota that the answer states. */
  checkStore(input: { job: JobRef }): Promise<{ quota: Quota | null }>;
}
