import type { JobOptions, Source } from '../contract.ts';
import { found } from '../found.ts';
import { BadInput, parseJobInput } from '../schema.ts';
import { type Customers, jsonOf } from './streamed-copy.ts';

/** The input of a job, as startCustomerUpdate takes it: that of the workflow, or with a source that is streamed. */
export interface NewCustomerUpdate {
  storeHash: string;
  /**
   * Besides what the workflow takes: any number of customers from an iterable that is no array, such as an async generator.
   * They are streamed into `options.jobStore`.
   */
  source: Source | { customers: AsyncIterable<unknown> | Iterable<unknown> };
  options?: JobOptions | undefined;
}

/** The source of a job: one that the workflow takes, or customers to be streamed first. */
export type CheckedSource = { stream: Customers } | { source: Source };

/** Longest encoded name that is also a folder's in the job store, on the file systems there are (255), with room to spare. */
const MAX_NAME = 200;

/** Checks what a job is to be started with, before anything is done. Throws BadInput. */
export function checkNewJob(input: NewCustomerUpdate, name: string): CheckedSource {
  const customers = (input?.source as { customers?: unknown } | undefined)?.customers;
  if (isStream(customers)) {
    parseJobInput({ ...input, source: { ...input.source, customers: [] } });
    checkName(name);
    return { stream: customers };
  }
  // Before they are measured as JSON.
  if (Array.isArray(customers)) customers.forEach((customer, index) => jsonOf(customer, index + 1));
  try {
    parseJobInput(input);
  } catch (error) {
    const { message } = error as Error;
    if (!(error instanceof BadInput && message.startsWith('source.customers: '))) throw error;
    throw new BadInput(`${message} An iterable that is no array, such as an async generator, may have any number.`);
  }
  checkName(name);
  return { source: input.source as Source };
}

function isStream(customers: unknown): customers is Customers {
  if (typeof customers !== 'object' || customers === null || Array.isArray(customers)) return false;
  return Symbol.asyncIterator in customers || Symbol.iterator in customers;
}

function checkName(name: unknown): void {
  if (typeof name === 'string' && /^(?!\.{1,2}$)[^\p{Cs}\p{Cc}]+$/u.test(name)) {
    if (encodeURIComponent(name).length <= MAX_NAME) return;
  }
  throw new BadInput(
    `name: expected a job's name of 1 to ${MAX_NAME} characters (others than a-z, A-Z, 0-9 and -_.!~*'() count threefold or ` +
      `more), got ${found(name)}.`,
  );
}
