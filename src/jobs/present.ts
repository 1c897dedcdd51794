/**
 * Present values: what the store had of a job's customers before the job changed them, a file a page, one text line a
 * customer: `[id, values]`, with the fields that its row sets, or `[id, null]` where the store does not have it. Values that
 * were written once stand: read anew, they would be the job's own.
 */
import { CHUNKS_PER_PAGE, READ_SIZE } from '../contract/activities.ts';
import { NotFound, type Storage } from '../storage/storage.ts';
import { BadPage, KEPT_BYTES, type PageReader } from './pages.ts';
import type { JobKeys } from './keys.ts';
import { Recent } from './cache.ts';
import type { Row, Values } from './fields.ts';

/** By customer id. */
export type PresentValues = Map<number, Values | null>;

/** Asks the store for customers: those of them that exist, in any order. */
export type ReadCustomers = (ids: number[]) => Promise<Row[]>;

/** Finds out present values, and keeps those that were used last: a process that serves a store needs each a hundred times. */
export class PresentReader {
  readonly #storage: Storage;
  readonly #pages: PageReader;
  readonly #recent: Recent<PresentValues>;
  // What attempts have found that then failed. In no file, which a process that lost the right to send must not touch.
  readonly #found: Recent<PresentValues>;

  /** Keeps what is of use to a process that serves so many stores at once, as PageReader does. */
  constructor(storage: Storage, pages: PageReader, stores = 1) {
    this.#storage = storage;
    this.#pages = pages;
    this.#recent = new Recent(stores * KEPT_BYTES, (values) => JSON.stringify([...values]).length);
    this.#found = new Recent(stores * 4);
  }

  /**
   * The present values of all customers in a page, of the chunks below `chunks`. Those that are in no file yet are asked
   * for with `read`, once for all who wait, and are in the file before this resolves. Throws BadPage, and what `read` throws.
   */
  ofPage(keys: JobKeys, page: number, chunks: number, read: ReadCustomers): Promise<PresentValues> {
    const key = keys.present(page);
    const ofRun = `${keys.run} ${key}`;
    return this.#recent.get(ofRun, async () => {
      const inFile = await presentIn(this.#storage, keys, page);
      const rows = await rowsOfPage(this.#pages, keys, page, chunks);
      if (rows.every(({ id }) => inFile.has(id))) return inFile;
      const found = await this.#found.get(ofRun, async () => new Map());
      enter(inFile, found);
      await ask(
        rows.filter(({ id }) => !found.has(id)),
        read,
        found,
      );
      // Another process may have served the store meanwhile, and sent these customers: what it wrote before stands.
      enter(await presentIn(this.#storage, keys, page), found);
      const lines = [...found].map((entry) => `${JSON.stringify(entry)}\n`);
      await this.#storage.write(key, [lines.join('')]);
      this.#found.forget(ofRun);
      return found;
    });
  }
}

function enter(values: PresentValues, into: PresentValues): void {
  for (const [id, value] of values) into.set(id, value);
}

/** The rows in a page, of the chunks below `chunks`. Throws BadPage. */
export async function rowsOfPage(pages: PageReader, keys: JobKeys, page: number, chunks: number): Promise<Row[]> {
  const first = page * CHUNKS_PER_PAGE;
  const count = Math.min(CHUNKS_PER_PAGE, chunks - first);
  const read = await Promise.all(Array.from({ length: count }, (_, index) => pages.readChunk(keys, first + index)));
  return read.flatMap(({ body }) => JSON.parse(body) as Row[]);
}

/** Asks for the values that the rows set, and enters them. Without rows it asks nothing: no ids would mean all customers. */
export async function ask(rows: readonly Row[], read: ReadCustomers, into: PresentValues): Promise<void> {
  const batches: Row[][] = [];
  for (let at = 0; at < rows.length; at += READ_SIZE) batches.push(rows.slice(at, at + READ_SIZE));
  const askBatch = async (batch: readonly Row[]) => {
    const found = new Map((await read(batch.map(({ id }) => id))).map((customer) => [customer.id, customer]));
    for (const { id, ...fields } of batch) into.set(id, picked(found.get(id), Object.keys(fields)));
  };
  // The first one alone: what the store refuses, or throttles, costs one call.
  const [first, ...rest] = batches;
  if (first) await askBatch(first);
  const asked = await Promise.allSettled(rest.map(askBatch));
  const failed = asked.find(({ status }) => status === 'rejected');
  if (failed) throw (failed as PromiseRejectedResult).reason;
}

function picked(customer: Values | undefined, fields: readonly string[]): Values | null {
  if (!customer) return null;
  return Object.fromEntries(fields.filter((field) => field in customer).map((field) => [field, customer[field]]));
}

/** The values in a page's file; none where there is no file. Throws BadPage where it is damaged. */
export async function presentIn(storage: Storage, keys: JobKeys, page: number): Promise<PresentValues> {
  const key = keys.present(page);
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of storage.read(key)) pieces.push(piece);
  } catch (error) {
    if (error instanceof NotFound) return new Map();
    throw error;
  }
  const lines = Buffer.concat(pieces).toString('utf8').split('\n').slice(0, -1);
  try {
    return new Map(lines.map((line) => JSON.parse(line) as [number, Values | null]));
  } catch (error) {
    throw new BadPage(`The earlier values in ${storage.uri(key)} are damaged. Start a new job from the source.`, {
      cause: error,
    });
  }
}
