/** What workflows and activities say to each other. Part of the workflow bundle; other services do not need it. */
import type { Comparison, Quota } from './dry-run.ts';
import type { CustomerCounts, Failure, JobOptions, Match } from './job.ts';
import type { CarriedLookUps, Places } from './look-ups.ts';

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

/**
 * Chunks in one page of the job store, which is looked up at once; the last page may hold fewer. If one row in a hundred is
 * left of a look-up, pages of 200 are packed into 2.44 chunks, two pages of 100 into 2.84. By e-mail a page takes 20 calls.
 */
export const CHUNKS_PER_PAGE = 200;

/** Whether a job looks its customers up before it sends them. */
export const looksUp = ({ match, backup = false, skipUnchanged = false }: JobOptions, { removes }: Plan): boolean =>
  match === 'email' || backup || skipUnchanged || removes === true;

/** The message for a row that a cancelled job has sent, or may have sent, without getting an answer. */
export const MAYBE_SENT = 'It may have been sent: the job was cancelled before its answer came.';

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
  /** Its source is read with these names of things of the store. */
  named?: NameKind[];
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
  /** Calls that sending them takes at least, if some take several for their attributes; else one a chunk. */
  callsToSend?: number;
  /** Rows in the last chunk to be sent, and in the very last one; all others hold CHUNK_SIZE. */
  lastSentSize: number;
  lastSize: number;
  /** encodeRuns of two numbers a chunk: invalid rows before it (since the chunk before), and within it. */
  gaps: string;
  /** The latest invalid rows. */
  failures: Failure[];
  /** URI of the file of earlier ones. */
  olderIn: string | null;
  /** Some row removes the value of an attribute: first the job has to know that it is there. */
  removes?: true;
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

/** How prepareJob fails if there is no file where the source should be: the job fails with BadSource, or waits for it. */
export const MISSING_SOURCE = 'MissingSource';

/** What a store has by names of its own: customer groups, and attributes that it has defined for its customers. */
export type NameKind = 'groups' | 'attributes';

/** What prepareJob returns if the source names things of the store, for which readNames has to ask first. */
export interface NeedsNames extends Pick<PreparedJob, 'format' | 'jobStore' | 'searchAttributes'> {
  needs: NameKind[];
}

/** How a job's rows lie in chunks. */
export type Plan = Omit<PreparedRows, 'failures' | 'olderIn'>;

/** What the activities of a store are given. From 1.0 on only optional fields are added: an older worker may be serving it. */
export interface StoreRef {
  job: JobRef;
  /** Goes out even while the store refuses calls, and makes one at least: it asks whether the store still does. */
  probe?: 'check' | 'resume';
}

/** The input of updateChunk. */
export interface ChunkRef extends StoreRef {
  /** 0-based. */
  chunk: number;
  /** Send only these customers of it. */
  only?: number[];
  /** The look-up that has made the chunk, after those that led to it; absent if it is as prepareJob has written it. */
  asked?: Places[];
  /**
   * The store gave no answer for it, in so many attempts before: its customers are sent one by one if it gives none again,
   * and whoever gets none while others do is failed.
   */
  unansweredBefore?: number;
  /** An activity before may have sent it: what was looked up stands, however old, as the store may have the job's values. */
  maybeSent?: true;
  /** The store takes no more than ten attribute values a call. */
  tensOfValues?: true;
}

/** The input of lookUpPage. */
export interface PageRef extends StoreRef {
  /** 0-based. */
  page: number;
  /** The places whose rows are to be looked up, after the look-ups that have made the chunks there. */
  asked: Places[];
  match: Match;
  /** Leave out customers that have all values already. */
  skipUnchanged: boolean;
  /** Nothing will be sent: compare. */
  dryRun: boolean;
}

/** The input of readNames. */
export interface NamesRef extends StoreRef {
  kinds: NameKind[];
}

/** What an activity of a store has spent, whether or not it settled anything. Over all of its attempts. */
export interface Spent {
  /** PUTs and DELETEs. */
  calls: number;
  /** GETs. */
  reads: number;
  /** How many of both were answered with 429. */
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

/** What became of a chunk's customers. Every one that is not in `failures` was updated. */
export interface ChunkOutcome extends Spent {
  updated: number;
  failures: Failure[];
  /** An attempt died: nobody knows whether it made a call. */
  uncounted?: true;
  /** Nothing was sent: what was looked up is too old. */
  stale?: true;
  /** The store has shown that it takes no more than ten attribute values a call. */
  tensOfValues?: true;
}

/** What came of a look-up: each row is in a chunk, unchanged, or has fallen out. */
export interface PageOutcome extends Spent {
  /** Chunks that are to be sent, at places from the first one asked for on, and the customers in the last of them. */
  chunks: number;
  lastSize: number;
  unchanged: number;
  fallen: Fallen[];
  /** Only the rows of the chunks before this place were looked up: all at once would have taken too many calls. */
  upTo?: number;
  /** Only in a dry run, of which `chunks` are what it would send. */
  compared?: Comparison;
  /** The same, as PreparedRows has it. */
  callsToSend?: number;
}

/** Rows that fell out in a look-up, all for the same reason. */
export interface Fallen extends Pick<Failure, 'outcome' | 'code' | 'message'> {
  /** encodeRuns of three numbers a row: how far it is from the one before, its line, if it has one, and its id; 0 for none. */
  rows: string;
  count: number;
}

/** Types of the failures of a store's activities; their details are one Spent, a chunk's a ChunkOutcome. */
export type ChunkFailureType =
  /** 429: retried when the headers say so. */
  | 'Throttled'
  /** No answer, or an unclear one: retried later. Final after some tries; then the workflow puts the chunk back. */
  | 'Unavailable'
  /** The store takes no calls of this job: token, scope, suspended. Final. */
  | 'Refused'
  /** The worker itself is at fault: retried later, and final after some tries, as above. */
  | 'Defect'
  /** The process is giving up the store's queue: another one continues. */
  | 'HandedOver';

/** What closeJob needs to know of a job that ends. */
export interface CloseJobInput {
  job: JobRef;
  input: unknown;
  plan: Plan;
  /** encodeRuns of one encodeChunk a chunk. */
  outcomes: string;
  lookUps: CarriedLookUps;
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
  changes: string | null;
  /** To be added to JobResult.notes. */
  notes?: string[];
  /** Only with `backup`. */
  backup?: string | null;
  notInBackup?: number;
  /** The rows as the report has them, if what became of some that the job has counted can't be read any more. */
  customers?: CustomerCounts;
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
   * input at all, `schedule` is the id of the schedule that has started the job.
   */
  prepareJob(input: {
    format: typeof FORMAT;
    job: JobRef;
    input: unknown;
    instead?: string;
    schedule?: string;
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
  /** Asks the store for the customers of a page, and says which chunks are left to be sent. What it finds is kept once. */
  lookUpPage(input: PageRef): Promise<PageOutcome>;
  /** Asks the store for its names of these kinds, and keeps them in the job store. */
  readNames(input: NamesRef): Promise<Spent>;
  /** Asks the store whether it takes the token. Changes nothing. Returns the quota that the answer states, and its calls. */
  checkStore(input: StoreRef): Promise<{ quota: Quota | null; reads: number }>;
}
