import type { PreparedRows } from '../contract/activities.ts';
import { CHUNK_SIZE, type Failure, FAILURES_IN_STATE } from '../contract/job.ts';
import { encodeRuns } from '../contract/outcomes.ts';
import type { Storage } from '../storage/storage.ts';
import type { Match } from '../contract/job.ts';
import { checkCustomer, customerId } from './customer.ts';
import { saveIds } from './ids-file.ts';
import { callsFor, customerOf, type KeyedRow, removesAny, tidied } from './keyed-rows.ts';
import { BadInput } from '../contract/schema.ts';
import type { Row, Values } from './fields.ts';
import { BadSource, type Problem, type SourceRecord } from './sources/record.ts';
import { closedJob } from './close.ts';
import { saveFailures } from './failure-files.ts';
import type { JobKeys } from './keys.ts';
import { RowKeys } from './row-keys.ts';
import { nonEmpty } from './streams.ts';
import { PageWriter } from './pages.ts';
import { MAX_ROWS } from './sources/bounded.ts';

/**
 * Most chunks a job may have: 2,000,000 customers. At up to 5 characters each for gaps and outcomes, they and the latest
 * failures stay below the 2 MB that Temporal takes as one payload.
 */
export const MAX_CHUNKS = 200_000;

/** Most bytes of a failure's message as JSON, so that 1,000 of them fit beside the rest: test/jobs/worst-case.test.ts. */
const MAX_MESSAGE_BYTES = 330;

/** A message that fits into workflow state. */
export function fitting(message: string): string {
  let start = message;
  while (Buffer.byteLength(JSON.stringify(start)) > MAX_MESSAGE_BYTES) start = start.slice(0, -1);
  return start.length < message.length ? `${start}…` : message;
}

/** What prepare works on. */
export interface Preparation {
  storage: Storage;
  keys: JobKeys;
  records: AsyncIterable<SourceRecord[]>;
  /** How rows name customers. */
  match?: Match;
  /** Customers to send at most; those after them are in chunks too. */
  limit: number | null;
  /** Called before it ends, if rows give customers new addresses. */
  onRenames?: (chunksToSend: number) => Promise<void>;
  /** Called now and then with the rows read so far; what it throws ends the preparation. */
  onProgress?: (rows: number) => void;
}

/**
 * Checks every row of a source and writes the valid ones to the job store, in chunks. Throws BadSource or BadInput (too
 * many customers), and then leaves nothing behind.
 */
export async function prepare(preparation: Preparation): Promise<PreparedRows> {
  const { storage, keys, limit, match = 'id', onRenames } = preparation;
  const pages = new PageWriter(storage, keys);
  const draft = new Draft(pages, limit, match);
  const older = olderFailures(preparation, draft);
  try {
    const spilled = await nonEmpty(older);
    const olderIn = spilled ? await saveFailures(storage, keys.invalid, spilled, null) : null;
    const prepared = { ...(await draft.end()), olderIn };
    if (match === 'email') await saveIds(storage, keys, draft.keys.ids());
    if (draft.keys.renames) await onRenames?.(prepared.chunksToSend);
    // A workflow that was reset after its end has not ended any more.
    const closed = await closedJob(storage, keys);
    if (closed && closed.by !== keys.run) await storage.delete(keys.done);
    return prepared;
  } catch (error) {
    // What other failures leave, closeJob deletes.
    if (error instanceof BadSource || error instanceof BadInput) await pages.undo();
    throw error;
  } finally {
    await older.return(undefined);
  }
}

/** Reads all records into the draft, and yields the failures that are too old for workflow state. */
async function* olderFailures({ records, onProgress }: Preparation, draft: Draft): AsyncGenerator<Failure> {
  for await (const batch of records) {
    for (const record of batch) {
      const chunk = draft.add(record);
      if (chunk) await chunk;
      if (draft.failures.length > FAILURES_IN_STATE) yield draft.failures.shift() as Failure;
    }
    onProgress?.(draft.total);
  }
}

/** A job as far as its source was read: what PreparedRows will say, and the chunk that is being filled. */
class Draft {
  total = 0;
  readonly failures: Failure[] = [];
  readonly #pages: PageWriter;
  readonly #limit: number | null;
  /** Of the customers that are in chunks. */
  readonly keys: RowKeys;
  readonly #match: Match;
  readonly #gaps: number[] = [];
  #invalid = 0;
  #valid = 0;
  #chunk = emptyChunk(0);
  #chunks = 0;
  #lastSize = 0;
  #sent: { chunks: number; lastSize: number } | undefined;
  #removes = false;
  #callsToSend = 0;

  constructor(pages: PageWriter, limit: number | null, match: Match) {
    this.#pages = pages;
    this.#limit = limit;
    this.#match = match;
    this.keys = new RowKeys(match);
  }

  /** Takes the next record; a promise where a chunk is full and being written. */
  add({ row, line, value: given, problem }: SourceRecord): Promise<void> | undefined {
    if (++this.total > MAX_ROWS) {
      const most = MAX_ROWS.toLocaleString('en');
      throw new BadSource(`Expected at most ${most} rows in one source, got more. Split it into several jobs.`);
    }
    const value = this.#match === 'email' ? tidied(given) : given;
    const invalid = problem ?? checkCustomer(value, this.#match) ?? this.keys.enter(value as Values, row);
    if (invalid !== undefined) return this.#addInvalid(row, line, customerId(value), invalid);
    this.#removes ||= removesAny(value as KeyedRow);
    const chunk = this.#chunk;
    const gap = row - chunk.lastRow - 1;
    if (chunk.rows.length === 0) chunk.before = gap;
    else chunk.within += gap;
    chunk.lastRow = row;
    chunk.rows.push(row);
    chunk.lines.push(line);
    chunk.customers.push(value);
    const full = ++this.#valid === this.#limit || chunk.rows.length === CHUNK_SIZE;
    return full ? this.#endChunk() : undefined;
  }

  /** All but `olderIn`. */
  async end(): Promise<Omit<PreparedRows, 'olderIn'>> {
    if (this.#chunk.rows.length > 0) await this.#endChunk();
    await this.#pages.end();
    const sent = this.#sent ?? { chunks: this.#chunks, lastSize: this.#lastSize };
    return {
      total: this.total,
      invalid: this.#invalid,
      valid: this.#valid,
      chunks: this.#chunks,
      chunksToSend: sent.chunks,
      lastSentSize: sent.lastSize,
      lastSize: this.#lastSize,
      gaps: encodeRuns(this.#gaps),
      failures: this.failures,
      ...(this.#callsToSend > sent.chunks && { callsToSend: this.#callsToSend }),
      ...(this.#removes && { removes: true }),
    };
  }

  #asSent(row: Row): Row {
    return this.#match === 'email' ? customerOf(row, row.id) : row;
  }

  #addInvalid(row: number, line: number | null, id: number | null, { code, message }: Problem): undefined {
    this.#invalid++;
    this.failures.push({ row, line, id, outcome: 'invalid', code, message: fitting(message) });
  }

  async #endChunk(): Promise<void> {
    const { rows, lines, customers, before, within, lastRow } = this.#chunk;
    if (++this.#chunks > MAX_CHUNKS) {
      const most = (MAX_CHUNKS * CHUNK_SIZE).toLocaleString('en');
      throw new BadInput(
        `Expected at most ${most} customers in one job, got more. Split the source into several jobs.`,
      );
    }
    this.#gaps.push(before, within);
    this.#lastSize = rows.length;
    if (!this.#sent) this.#callsToSend += callsFor(customers.map((row) => this.#asSent(row as Row)));
    if (this.#valid === this.#limit) this.#sent = { chunks: this.#chunks, lastSize: rows.length };
    this.#chunk = emptyChunk(lastRow);
    await this.#pages.add(rows, lines, customers);
  }
}

const emptyChunk = (lastRow: number) => ({
  rows: [] as number[],
  lines: [] as (number | null)[],
  customers: [] as unknown[],
  before: 0,
  within: 0,
  lastRow,
});
