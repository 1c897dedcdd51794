const DEFAULT_SIZE = 50;

/** A page of a list. */
export interface Page {
  /** From 1. */
  number: number;
  /** The most items on it. */
  size: number;
  /** Index of its first item in the list, from 0. */
  first: number;
  /** Items on it: none if the list ends before it. */
  count: number;
}

/** The page of a list of `total` items that `page` and `limit` in the query ask for, of at most `most` items. */
export function pageOf(total: number, query: string, most: number): Page {
  const asked = new URLSearchParams(query);
  const number = positive(asked.get('page')) ?? 1;
  const size = Math.min(positive(asked.get('limit')) ?? DEFAULT_SIZE, most);
  const first = Math.min((number - 1) * size, total);
  return { number, size, first, count: Math.min(size, total - first) };
}

/** What a list of `total` items says of this page of it. */
export const pagination = ({ number, size, count }: Page, total: number) => ({
  pagination: { total, count, per_page: size, current_page: number, total_pages: Math.ceil(total / size) },
});

const positive = (value: string | null): number | undefined =>
  Number.isInteger(Number(value)) && Number(value) > 0 ? Number(value) : undefined;
