/** What a dry run finds. Its tags with @ are for the published JSON Schemas, as those of job.ts. */

/** @asType integer @minimum 0 */
type Count = number;

/** What sending would take, as a dry run found. */
export interface WouldSend {
  /** Customers that would be sent. */
  customers: Count;
  /** Calls that this would take: attributes take calls of their own, as does removing them. */
  calls: Count;
  /** The store's request quota; null if the store does not report one. */
  quota: Quota | null;
  /** What was found in the store; only with `match` "email", `backup`, `skipUnchanged` or attributes to remove. */
  compared?: Comparison | undefined;
}

/** Rows of a dry run that were looked up, by what was found; `changed` and `unchanged` are those whose customers were found. */
export interface Comparison {
  /** Some value would change: `changes` has which. */
  changed: Count;
  /** The customer has all values already. */
  unchanged: Count;
  /** No customer has the id or the e-mail address. */
  unknown: Count;
  /** Several customers have the e-mail address. */
  ambiguous: Count;
  /** Another row is about the same customer. */
  sameCustomer: Count;
  /** The store did not show the customer: nobody knows what would change. */
  unreadable: Count;
}

/** Requests that a store accepts in each window of time, from all of its apps together. */
export interface Quota {
  /** Requests per window. @exclusiveMinimum 0 */
  requests: number;
  /** Length of the window, in ms. @exclusiveMinimum 0 */
  windowMs: number;
}
