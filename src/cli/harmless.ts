/**
 * A text for a terminal, without what one would act on or a reader be misled by: job ids, memos, reasons and messages may be
 * anybody's. Line ends and colours stay; both only come from ourselves where `printable` has seen the rest.
 */
export const harmless = (text: string): string => text.replace(UNSAFE, (_, colour?: string) => colour ?? '\uFFFD');

// The sequence of a colour is kept as it is.
const UNSAFE = new RegExp(String.raw`(\x1b\[\d{0,2}m)|[^\P{C}\n\t]|[\p{Zl}\p{Zp}]`, 'gu');
