import type { Client } from '@temporalio/client';
import { INDEXED_VALUE_TYPES, SEARCH_ATTRIBUTES } from '../search-attributes.ts';

/**
 * Whether the client's namespace has the jobs' search attributes: a workflow that sets one which is not there would stand
 * still. Where the server doesn't tell, it has none.
 */
export async function hasSearchAttributes({ connection, options: { namespace } }: Client): Promise<boolean> {
  const { customAttributes } = await connection.operatorService
    .listSearchAttributes({ namespace })
    .catch(() => ({ customAttributes: {} as Record<string, number> }));
  return Object.entries(SEARCH_ATTRIBUTES).every(
    ([name, type]) => Number(customAttributes[name]) === INDEXED_VALUE_TYPES[type],
  );
}
