/** Makes the store's texts fit for reports, histories and logs. */

// BigCommerce's sentences are shorter; it keeps report lines and failures in workflow state small.
const MAX_LENGTH = 200;

// As JSON, where a character can take six bytes: test/jobs/worst-case.test.ts relies on it.
const MAX_BYTES = 250;
const sizeOf = (text: string): number => Buffer.byteLength(JSON.stringify(text));

// How much is read of a text that may be megabytes long.
const MAX_READ = 2_000;

// A run of characters that could be part of an e-mail address.
const WORD = /[^\s<>()[\]{},;:"]+/g;

const AT = /@|%40/;

/** Every word with an @ replaced by `***`. */
export function maskEmails(text: string): string {
  return text.replace(WORD, (word) => (AT.test(word) ? '***' : word));
}

/** The e-mail addresses in a text, lower-case. */
export function findEmails(text: string): string[] {
  const words = text.slice(0, MAX_READ).match(WORD) ?? [];
  return words.filter((word) => word.includes('@')).map((word) => word.toLowerCase().replace(/^['`]+|['`.!]+$/g, ''));
}

/** Whether a body is an HTML page, which is never quoted. */
export function isHtml(text: string): boolean {
  return /^\s*</.test(text);
}

function hide(text: string, secret: string): string {
  const escaped = secret.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return text.replace(new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, 'giu'), '***');
}

/**
 * A text on one line, at most 200 characters long, without e-mail addresses or any of the `secrets`, whatever their case: the
 * store may quote what was sent to it.
 */
export function tidy(text: string, secrets: readonly string[] = [], maxBytes = MAX_BYTES): string {
  // A word cut in two may be half an address, which no mask finds.
  const read = text.length > MAX_READ ? text.slice(0, MAX_READ).replace(/\S+$/, '') : text;
  // Only those that occur: a pattern for each of thousands would be slow.
  const lower = read.toLowerCase();
  const isIn = (secret: string) => secret.length <= read.length && lower.includes(secret.toLowerCase());
  const quoted = secrets.filter(isIn);
  const line = maskEmails(quoted.reduce(hide, read))
    // Control characters, and characters that reverse or hide text.
    .replace(/[\s\p{C}]+/gu, ' ')
    .trim();
  if (line.length <= MAX_LENGTH && sizeOf(line) <= maxBytes) return line;
  let start = line.slice(0, MAX_LENGTH - 1);
  while (sizeOf(start) > maxBytes) start = start.slice(0, -1);
  return `${start.replace(/[\uD800-\uDBFF]$/, '')}…`;
}
