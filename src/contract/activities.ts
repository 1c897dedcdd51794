/**
 * What workflows and activities say to each other. Part of the workflow bundle; no other service needs it.
 */
import type { Failure, JobOptions, Quota } from './job.ts';

/** Name of a job's nth file of failures, 0-based. */
export const failuresFile = (file: number): string => String(file).padStart(4, '0');

/** Chunks in one page of the job store; the last may hold fewer. */
export const CHUNKS_PER_PAGE = 100;

/** Whether a job asks what the store has of its customers before it sends them. */
export const readsPresent = ({ backup = false, skipUnchanged = false }: JobOptions): boolean => backup || skipUnchanged;

/** Which job an activity works for. */
export interface JobRef {
  storeHash: string;
  /** Run id of the job's first run: the same over continue-as-new and reset, and never reused. */
  key: string;
}

/** What prepareJob found. Counts are rows. */
export interface PreparedJob {
  total: number;
  invalid: number;
  /** Rows that are in chunks. `total` = `invalid` + `valid`. */
  valid: number;
  /** Chunks with the valid rows, and how many of them are to be sent (`limit` may leave some out). */
  chunks: number;
  chunksToSend: number;
  /** Rows in the last chunk to be sent, and in the very last one; all others hold CHUNK_SIZE. */
  lastSentSize: number;
  lastSize: number;
  /** encodeRuns of two numbers a chunk: invalid rows before it (since the chunk before), and within it. */
  gaps: string;
  /** The latest invalid rows. */
  failures: Failure[];
  olderIn: string | null;
  /** Whether the namespace has SEARCH_ATTRIBUTES; workers of 0.1.0 don't say. */
  searchAttributes?: boolean;
}

/** What prepareJob found, less the failures and what is not about the source. */
export type Plan = Omit<PreparedJob, 'failures' | 'olderIn' | 'searchAttributes'>;

/** The input of updateChunk. Only ever grows by optional fields: an older worker may serve the store. */
export interface ChunkRef {
  job: JobRef;
  /** 0-based. */
  chunk: number;
  /** Send only these customers of it. */
  only?: number[];
  /** Goes through although the store refuses calls: whoever scheduled it is asking whether that is still so. */
  probe?: 'check' | 'resume';
}

/** The input of readAndUpdateChunk: an activity of its own, since an older worker would not read. */
export interface ReadChunkRef extends ChunkRef {
  /** Chunks of the job that are to be sent; the customers of others are not read. */
  chunks: number;
  /** Leave out customers who have all values already. */
  skipUnchanged: boolean;
}

/** Pages, from `from` on and before `until`, whose rows compareCustomers compares with the store. */
export interface PagesRef {
  job: JobRef;
  from: number;
  until: number;
  /** Chunks of the job that would be sent. */
  chunks: number;
}

/** Customers by what sending would do to them, and the chunks with any that are not unchanged. */
export interface Compared {
  changed: number;
  unchanged: number;
  /** The store does not have them. */
  missing: number;
  chunks: number;
}

/** What became of a chunk's customers. Every one that is not in `failures` was updated. */
export interface ChunkOutcome {
  updated: number;
  /** Those of the updated who had all values already, and were sent nothing. */
  unchanged?: number;
  failures: Failure[];
  calls: number;
  throttled: number;
  /** Attempts of the activity that it took. */
  attempts: number;
  /** Those of them that got no answer. */
  unanswered?: number;
  /** Calls in flight that the store's pace allows at present. */
  concurrency: number;
  /** What it waited for, more than 5 s, in its last attempt. */
  waitedFor?: 'quota' | 'throttle';
}

/** Types of the failures of a store's activities; the details of a chunk's are one ChunkOutcome. */
export type ChunkFailureType =
  /** 429: tried again after what the headers say. */
  | 'Throttled'
  /** No answer, or none that says what happened: tried again later. Final after some tries, then put back. */
  | 'Unavailable'
  /** The store takes no call of this job: token, scope, suspended. Final. */
  | 'Refused'
  /** The chunk's page is missing or damaged. Final. */
  | 'BadPage'
  /** The process gives the store's queue up: another one goes on. */
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
  /** Chunks that are unprocessed, but may have been sent: their answer never came. Older workers give it with `backup` only. */
  maybeSent?: number[];
}

/** What closeJob has written. */
export interface ClosedJob {
  report: string;
  retry: string | null;
  /** Only with `backup`. */
  backup?: string | null;
  notInBackup?: number;
}

/** How long a store's queue is idle before its lease is given back; serveStore ends if no job opened the store since. */
export const IDLE_MS = 60_000;

/** The argument of serveStore and serveStoreQueue. */
export interface ServeStoreInput {
  storeHash: string;
}

/** Why a process gave a store's queue back: idle, held for as long as one attempt may, or because the process stops. */
export type LeaseEnd = 'idle' | 'rotated' | 'handedOver';

/** Activities on JOBS_TASK_QUEUE. */
export interface JobActivities {
  /**
   * Reads and checks the source, and writes its chunks to the job store. `mayRead`: the workflow knows present values.
   * `instead`: what came, in words, where no input did.
   */
  prepareJob(input: { job: JobRef; input: unknown; mayRead?: true; instead?: string }): Promise<PreparedJob>;
  /** Says that the store's queue is needed. Returns whether a process serves it at present. */
  openStore(input: { storeHash: string }): Promise<{ served: boolean }>;
  /** Writes failures to the job store, in a file that names `olderIn` as the one before it; returns its URI. */
  saveFailures(input: { job: JobRef; name: string; failures: Failure[]; olderIn: string | null }): Promise<string>;
  /** Writes the report and what is to be sent again, and deletes the rest of the job's files. */
  closeJob(input: CloseJobInput): Promise<ClosedJob>;
  /** The same for a job that reads present values, which an older worker would know nothing of. */
  closeReadingJob(input: CloseJobInput): Promise<ClosedJob>;
}

/** Activities on STORES_TASK_QUEUE. */
export interface LeaseActivities {
  /** Holds the lease of a store: polls its queue until it is idle, or this process stops. */
  serveStoreQueue(input: ServeStoreInput): Promise<LeaseEnd>;
}

/** Activities on storeTaskQueue(storeHash). */
export interface StoreActivities {
  /** Ten customers, one PUT, and what it takes to find the ones that the store rejects. */
  updateChunk(input: ChunkRef): Promise<ChunkOutcome>;
  /** The same, after it has read the present values of the chunk's page, unless they have been read. */
  readAndUpdateChunk(input: ReadChunkRef): Promise<ChunkOutcome>;
  /** Counts what sending would change, without changing anything. */
  compareCustomers(input: PagesRef): Promise<Compared>;
  /** Asks the store whether it takes the token, without changing anything. Returns the quota that it tells. */
  checkStore(input: { job: JobRef }): Promise<{ quota: Quota | null }>;
}
