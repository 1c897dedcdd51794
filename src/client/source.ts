import type { JobOptions, Source } from '../contract/job.ts';
import { BadInput, checkName, parseJobInput } from '../contract/schema.ts';
import { randomUUID } from 'node:crypto';
import { sourceCopyKey } from '../jobs/keys.ts';
import type { Storage } from '../storage/storage.ts';
import { StreamFailed } from './errors.ts';

/** The input of a job for startCustomerUpdate: the workflow's own input, or one whose customers are streamed. */
export interface NewCustomerUpdate {
  storeHash: string;
  /**
   * What the workflow takes, or any number of customers from an iterable other than an array, such as an async
   * generator; those are streamed into `options.jobStore`.
   */
  source: Source | { customers: AsyncIterable<unknown> | Iterable<unknown> };
  options?: JobOptions | undefined;
}

/** The source of a job: one that the workflow takes, or customers that have to be streamed first. */
export type CheckedSource = { stream: Customers } | { source: Source };

/** Checks a new job's input and name before anything is done. Throws BadInput. */
export function checkNewJob(input: NewCustomerUpdate, name: string): CheckedSource {
  const customers = (input?.source as { customers?: unknown } | undefined)?.customers;
  if (isStream(customers)) {
    parseJobInput({ ...input, source: { ...input.source, customers: [] } });
    checkName(name);
    return { stream: customers };
  }
  // Before they are measured as JSON, so that the message names the customer.
  if (Array.isArray(customers)) customers.forEach((customer, index) => jsonOf(customer, index + 1));
  try {
    parseJobInput(input);
  } catch (error) {
    const { message } = error as Error;
    if (!(error instanceof BadInput && message.startsWith('source.customers: '))) throw error;
    throw new BadInput(`${message} An iterable other than an array, such as an async generator, can have any number.`);
  }
  checkName(name);
  return { source: input.source as Source };
}

function isStream(customers: unknown): customers is Customers {
  if (typeof customers !== 'object' || customers === null || Array.isArray(customers)) return false;
  return Symbol.asyncIterator in customers || Symbol.iterator in customers;
}

export type Customers = AsyncIterable<unknown> | Iterable<unknown>;

/** Characters per write. */
const BATCH = 64 * 1024;

/** A source in the job store for one job, which deletes it when it ends. */
export interface StreamedCopy {
  uri: string;
  /** Deletes it, if no job is going to read it. Throws StorageFailed. */
  delete(): Promise<void>;
}

/**
 * Writes customers as NDJSON into the job store, under a unique name, with only a few of them in memory at a time.
 * Throws StreamFailed, BadInput and StorageFailed; it then leaves nothing behind.
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

/** Wraps what the iterable throws, and nothing else, in StreamFailed. */
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

/** A customer as JSON; what JSON leaves out becomes null, and so stays a row. Throws BadInput, with the number. */
function jsonOf(customer: unknown, item: number): string {
  try {
    return JSON.stringify(customer) ?? 'null';
  } catch (error) {
    throw new BadInput(
      `source.customers: expected customer ${item} to be an object that JSON can hold; this one has a BigInt, contains ` +
        'itself, or has a toJSON that fails. Nothing was started.',
      { cause: error },
    );
  }
}
