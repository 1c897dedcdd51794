import { randomUUID } from 'node:crypto';
import { sourceCopyKey } from '../jobs/keys.ts';
import { BadInput } from '../schema.ts';
import type { Storage } from '../storage/storage.ts';
import { StreamFailed } from './errors.ts';

/** Customers, one by one. */
export type Customers = AsyncIterable<unknown> | Iterable<unknown>;

/** Characters put together for one write. */
const BATCH = 64 * 1024;

/** A source in the job store, for one job, which deletes it at its end. */
export interface StreamedCopy {
  uri: string;
  /** Deletes it, where no job reads it. Throws StorageFailed. */
  delete(): Promise<void>;
}

/**
 * Writes customers as NDJSON into the job store, under a name of its own; a few of them are in memory at a time. Throws
 * StreamFailed, BadInput and StorageFailed, and leaves nothing then.
 */
export async function streamCopy(
  storage: Storage,
  { storeHash, name }: { storeHash: string; name: string },
  customers: Customers,
): Promise<StreamedCopy> {
  const key = sourceCopyKey(storeHash, name, `${randomUUID()}.ndjson`);
  await storage.write(key, ndjson(numbered(customers)));
  return { uri: storage.uri(key), delete: () => storage.delete(key) };
}

/** Only what the iterable itself throws is its failure. */
async function* numbered(customers: Customers): AsyncGenerator<[item: number, customer: unknown]> {
  let item = 1;
  try {
    for await (const customer of customers) yield [item++, customer];
  } catch (error) {
    throw new StreamFailed(item, error);
  }
}

async function* ndjson(customers: AsyncIterable<[item: number, customer: unknown]>): AsyncGenerator<string> {
  let batch = '';
  for await (const [item, customer] of customers) {
    batch += `${jsonOf(customer, item)}\n`;
    if (batch.length < BATCH) continue;
    yield batch;
    batch = '';
  }
  if (batch !== '') yield batch;
}

/** A customer as JSON; what JSON leaves out is null, and so remains a row. Throws BadInput, which names the item. */
export function jsonOf(customer: unknown, item: number): string {
  try {
    return JSON.stringify(customer) ?? 'null';
  } catch (error) {
    throw new BadInput(
      `source.customers: expected customer ${item} to be an object that JSON can hold, got one that it can't: with a BigInt, ` +
        'one that contains itself, or one whose toJSON fails. Nothing was started.',
      { cause: error },
    );
  }
}
