/** What a cell says, and how to write that so that spreadsheets leave it alone. Pure. */
import { trimmed } from './text.ts';

/**
 * A cell without blanks around it, and without what keeps a spreadsheet from reading it as a number or a formula: ="0173",
 * or an apostrophe, as our own files have it too.
 */
export function plainText(cell: string): string {
  const text = trimmed(cell);
  const first = text.charCodeAt(0);
  if (first === EQUALS) return trimmed(/^="([^"]*)"$/.exec(text)?.[1] ?? text);
  return first === APOSTROPHE && GUARDED.test(text) ? text.slice(1) : text;
}

/** The cell in such a way that no spreadsheet runs it as a formula. `plainText` is the same of both. */
export function guarded(cell: string): string {
  const plain = plainText(cell);
  const wasGuarded = plain !== trimmed(cell);
  const text = wasGuarded ? plain : cell;
  return (wasGuarded || FORMULA.test(plain)) && GUARDED.test(`'${plain}`) ? `'${plain}` : text;
}

const [EQUALS, APOSTROPHE] = Buffer.from("='");

/** What spreadsheets take for a formula, some of them in wide characters too. */
const SIGNS = '=+\\-@\\t\\r\uFF1D\uFF0B\uFF0D\uFF20';
const FORMULA = new RegExp(`^[${SIGNS}]`);
const GUARDED = new RegExp(`^'(?:[${SIGNS}']|-?[\\d.,]+$)`);
