import { tidy } from '../bigcommerce/message.ts';
import { hasFields, type SentRow } from '../bigcommerce/parts.ts';
import type { Failure } from '../contract/job.ts';

// A failure in workflow state is no larger with these than any other: test/jobs/worst-case.test.ts.
const MAX_IDS_BYTES = 100;
const MAX_MESSAGE_BYTES = 200;

/**
 * What is said of a customer of whom the store did not take some attributes, and why: their names, or their ids if they
 * have none that is known.
 */
export function inWords(
  attributes: number[],
  said: string,
  row: SentRow,
  nameOf: (attribute: number) => string | undefined,
): Pick<Failure, 'message' | 'attributes'> {
  const names = attributes.map((attribute) => {
    const name = nameOf(attribute);
    return name === undefined ? String(attribute) : `"${name}"`;
  });
  const begin = hasFields(row) ? 'The fields were taken, but not' : 'The store did not take';
  const message = `${begin} the ${names.length > 1 ? 'attributes' : 'attribute'} ${names.join(', ')}: ${said}`;
  const isShort = JSON.stringify(attributes).length <= MAX_IDS_BYTES;
  return { message: tidy(message, [], MAX_MESSAGE_BYTES), attributes: isShort ? attributes : undefined };
}
