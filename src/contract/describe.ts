/** Words that several places use in messages. Part of the workflow bundle. */

/** What a job says while it waits for a busy store. */
export const STORE_WAITS = {
  quota: "The store's request quota is used up.",
  throttle: 'The store is throttling (429).',
} as const;

/**
 * Says what kind of value was found, never the value: messages end up in histories, and customers' data may not.
 * `sized`: says how long a text is as well.
 */
export function describeValue(value: unknown, sized = false): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (value === '') return 'an empty text';
  if (typeof value === 'string') return sized ? `text of ${characters(value)}` : 'text';
  if (typeof value === 'number') return kindOfNumber(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'boolean' ? 'true or false' : 'an object';
}

const characters = (text: string): string => `${text.length} ${text.length === 1 ? 'character' : 'characters'}`;

function kindOfNumber(value: number): string {
  if (!Number.isInteger(value)) return 'a number that is not whole';
  if (Math.abs(value) > 0x7fff_ffff) return 'a number of more than 32 bits';
  return value < 0 ? 'a negative number' : value === 0 ? 'zero' : 'a number';
}

/**
 * A field's or column's name in quotes, if it looks like one: in a file without headings it may be a customer's data.
 */
export function describeName(name: string): string {
  const isName = /^[\p{L}\p{N}_ ./?()-]{0,64}$/u.test(name) && !/\d{5}/.test(name);
  return isName ? `"${name}"` : `a name of ${characters(name)}`;
}

/** A text on one line, without what a terminal would act on or a reader be misled by, and cut to `most` characters. */
export function printable(text: string, most: number): string {
  const line = text.slice(0, most).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\uFFFD');
  return text.length > most ? `${line}…` : line;
}

/** At most 100 characters of a source, or of what names one, for a message. */
export const quoted = (text: string): string => printable(text, 100);

/** Names for a message: the first few of what may be thousands. */
export function listed(names: readonly string[]): string {
  const more = names.length - MAX_LISTED;
  return names.slice(0, MAX_LISTED).map(describeName).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** Most names that a message lists. */
const MAX_LISTED = 10;
