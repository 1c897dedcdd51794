/** What a dry run finds. Its tags with @ are for the published JSON Schemas, as those of job.ts. */

/** @asType integer @minimum 0 */
type Count = number;

/** What sending would take, as a dry run found. */
export interface WouldSend {
  /** Customers that would be sent. */
  customers: Count;
  /** Calls that this would take. */
  calls: Count;
  /** The store's request quota; null if the store does not report one. */
  quota: Quota | null;
  /** What comparing with the store found; only with `backup` or `skipUnchanged`. */
  compared?: Comparison | undefined;
}

/** Customers of a dry run by what sending would do to them. */
export interface Comparison {
  /** Some value would change. */
  changed: Count;
  /** All values are there already. */
  unchanged: Count;
  /** They are not in the store. */
  missing: Count;
}

/** Requests that a store accepts in each window of time, from all of its apps together. */
export interface Quota {
  /** Requests per window. @exclusiveMinimum 0 */
  requests: number;
  /** Length of the window, in ms. @exclusiveMinimum 0 */
  windowMs: number;
}
