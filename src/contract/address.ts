/** E-mail addresses as keys of customers. Part of the workflow bundle. */

/**
 * What two spellings of one address have in common: NFC, lower case, no blanks around it. The store keeps the case that it
 * was given, and finds an address whatever its case.
 */
export const addressKey = (address: string): string => address.trim().normalize('NFC').toLowerCase();

/** Whether a text can be asked for as an address: it has something on both sides of an @, and can be part of a URL. */
export const isAddress = (text: string): boolean => /^[^@]+@[^@]+$/.test(text) && !LONE_SURROGATE.test(text);

// Half of a pair can't be written in UTF-8.
const LONE_SURROGATE = /\p{Cs}/u;

/** Text as a value in a URL's query. All but letters, digits and `-._~` is encoded, quotes too. */
export const inUrl = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/** All that gives an address away where the store quotes it: its spellings, as text and in a URL, and what is before the @. */
export function tracesOf(address: string): string[] {
  const texts = [address, address.trim(), addressKey(address)];
  const locals = texts.map((text) => text.slice(0, text.lastIndexOf('@'))).filter(({ length }) => length > 1);
  const all = [...texts, ...locals];
  return [...new Set([...all, ...all.flatMap((text) => [inUrl(text), encodeURIComponent(text)])])];
}
