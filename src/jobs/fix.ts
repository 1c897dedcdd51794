/**
 * The fix file: the rejected and invalid rows of a source as the source has them, each with what is wrong with it. Once
 * corrected it is a source: fix.csv for CSV, fix.ndjson for the rest. A row that nobody has corrected must not do what the
 * job refused to do, so further rows of a customer are not in it.
 */
import type { ClosedJob } from '../contract/activities.ts';
import type { Failure } from '../contract/job.ts';
import type { FullOptions } from '../contract/schema.ts';
import { type Storage, StorageFailed } from '../storage/storage.ts';
import { customerId } from './customer.ts';
import { csvHeading, csvRow, isShort, jsonRow, mayHoldPassword, withId, withIdHeading } from './fix-rows.ts';
import type { JobKeys } from './keys.ts';
import { allFailures, type EndedJob } from './settled-rows.ts';
import { BadSource, MAX_RECORD, type SourceRecord } from './sources/record.ts';
import { nonEmpty } from './streams.ts';

/** A job that ends, and how its source is read once more. */
export interface FixableJob extends EndedJob {
  options: EndedJob['options'] & Pick<FullOptions, 'blankCells' | 'match'>;
  /** `digest` is given the SHA-256 of the source's bytes in the end, if it is a file. Throws BadSource if it is gone. */
  readAgain: (digest: (sha256: string) => void) => Promise<AsyncIterable<SourceRecord[]>>;
  /** A source that can't be read at present is given up. */
  isLastTry: boolean;
}

/** Writes the fix file of a job, if it has rows to correct and its source is still the same. */
export async function writeFix(
  storage: Storage,
  keys: JobKeys,
  job: FixableJob,
): Promise<Required<Pick<ClosedJob, 'fix' | 'notes'>>> {
  const file = new FixFile(storage, job);
  let notes: string[];
  try {
    const text = await nonEmpty(file.text());
    if (text) {
      const key = keys.fix[file.format];
      await storage.write(key, text);
      return { fix: storage.uri(key), notes: file.notes };
    }
    notes = file.notes;
  } catch (error) {
    // Once done.json exists, our copy of the source is missing because another attempt has closed the job after all.
    if (!(error instanceof SourceChanged) || (await storage.exists(keys.done))) throw error;
    notes = [error.message];
  }
  for (const key of Object.values(keys.fix)) await storage.delete(key);
  return { fix: null, notes };
}

/** The key of a job's fix file; undefined if there is none. */
export async function fixKey(storage: Storage, { fix }: JobKeys): Promise<string | undefined> {
  for (const key of Object.values(fix)) if (await storage.exists(key)) return key;
  return undefined;
}

class SourceChanged extends Error {
  constructor(options?: ErrorOptions) {
    super(
      'There is no file of the rows to correct: the source has changed since the job read it, or is no longer there.',
      options,
    );
  }
}

/** Why a row is not in the file. */
type Reason =
  | 'with a new password, which is not kept'
  | 'whose customer has an earlier row, or an address of one'
  | 'whose customer has an earlier row'
  | 'too long to be written'
  | typeof SHORT;

const SHORT = 'with fewer cells than there are headings, where the missing ones would be cleared';

class FixFile {
  /** Known from the first piece of text on. */
  format: 'csv' | 'ndjson' = 'ndjson';
  readonly #storage: Storage;
  readonly #job: FixableJob;
  readonly #leftOut = new Map<Reason, number>();

  constructor(storage: Storage, job: FixableJob) {
    this.#storage = storage;
    this.#job = job;
  }

  get notes(): string[] {
    const reasons = [...this.#leftOut].map(([reason, rows]) => `${rows.toLocaleString('en')} ${reason}`);
    return reasons.length === 0 ? [] : [`Rows not in the file of rows to correct: ${reasons.join('; ')}.`];
  }

  /** Throws SourceChanged, at the end at the latest. */
  async *text(): AsyncGenerator<string> {
    const failures = this.#failures();
    try {
      let failure = await failures.next();
      // Most jobs have nothing to correct, and need not read their source again.
      if (failure.done) return;
      for await (const records of this.#records()) {
        const lines: string[] = [];
        for (const record of records) {
          if (failure.done || failure.value.row !== record.row) continue;
          const line = this.#lineOf(record, failure.value);
          if (line !== undefined) lines.push(line);
          failure = await failures.next();
        }
        if (lines.length > 0) yield lines.join('');
      }
      if (!failure.done) throw new SourceChanged();
    } finally {
      await failures.return(undefined);
    }
  }

  async *#failures(): AsyncGenerator<Failure> {
    for await (const failure of allFailures(this.#storage, this.#job)) {
      if (failure.code === 'duplicate' || failure.code === 'same_customer') this.#leaveOut(this.#sameCustomer);
      else if (failure.outcome !== 'failed') yield failure;
    }
  }

  get #sameCustomer(): Reason {
    return this.#isByEmail
      ? 'whose customer has an earlier row, or an address of one'
      : 'whose customer has an earlier row';
  }

  get #isByEmail(): boolean {
    return this.#job.options.match === 'email';
  }

  async *#records(): AsyncGenerator<SourceRecord[]> {
    let digest: string | undefined;
    try {
      yield* await this.#job.readAgain((sha256) => (digest = sha256));
    } catch (error) {
      const isLost = error instanceof BadSource || (error instanceof StorageFailed && this.#job.isLastTry);
      if (isLost) throw new SourceChanged({ cause: error });
      throw error;
    }
    if (digest !== this.#job.plan.digest) throw new SourceChanged();
  }

  #lineOf(record: SourceRecord, failure: Failure): string | undefined {
    const { raw, problem } = record;
    if (raw === undefined) return this.#leaveOut('too long to be written');
    if (mayHoldPassword(record)) return this.#leaveOut('with a new password, which is not kept');
    // By then his address may be another one, and he is found by his id.
    const id = this.#isByEmail ? failure.id : null;
    if (typeof raw === 'string') {
      const hasId = customerId(record.value) !== null;
      return this.#ifReadable(jsonRow(raw, failure, hasId ? null : id));
    }
    const clears = this.#job.options.blankCells === 'clear' && problem === undefined;
    if (clears && isShort(raw)) return this.#leaveOut(SHORT);
    const line = this.#ifReadable(csvRow(this.#isByEmail ? withId(raw, id) : raw, failure));
    if (line === undefined || this.format === 'csv') return line;
    this.format = 'csv';
    return csvHeading(this.#isByEmail ? withIdHeading(raw.table) : raw.table) + line;
  }

  #ifReadable(line: string): string | undefined {
    return line.length > MAX_RECORD ? this.#leaveOut('too long to be written') : line;
  }

  #leaveOut(reason: Reason): undefined {
    this.#leftOut.set(reason, (this.#leftOut.get(reason) ?? 0) + 1);
  }
}
