/** Search attributes of jobs, by which the Web UI and visibility find and sort them. The command `setup` registers them. */
export const SEARCH_ATTRIBUTES = {
  CustomerUpdatesStore: 'KEYWORD',
  /** A JobState. */
  CustomerUpdatesState: 'KEYWORD',
  /** Customers that the store has rejected so far. */
  CustomerUpdatesRejected: 'INT',
  /** Percent of the chunks that are done. */
  CustomerUpdatesProgress: 'INT',
} as const;
