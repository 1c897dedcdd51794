/** Texts that were lost before they came here, which must not be written over good values. Pure. */
import { NOT_UTF8 } from './sources/text.ts';

/** What spreadsheets show in place of a value, in English, German, French and Spanish. */
const SPREADSHEET_ERROR =
  /^#(?:REF!|N\/A|NAME\?|VALUE!|DIV\/0!|NUM!|NULL!|SPILL!|CALC!|FIELD!|BLOCKED!|BUSY!|CONNECT!|UNKNOWN!|GETTING_DATA|ERROR!|BEZUG!|NV|WERT!|ZAHL!|VALEUR!|NOM\?|NOMBRE!|NOMBRE\?|VALOR!|##+)$/i;

/** A long number as a spreadsheet rounds it, with a decimal comma in much of Europe. */
const ROUNDED = /^[+-]?\d(?:[.,]\d+)?E[+-]\d{2,3}$/i;

/** Controls apart from tabs and line ends, and what turns the direction of text around. */
const CONTROL = /[^\P{Cc}\t\n\r]|[\u202A-\u202E\u2066-\u2069]/u;

/** One look for most texts, which have nothing of the kind. */
const SUSPECT = /^#|^[+-]?\d.*E|[^\P{Cc}\t\n\r]|[\u202A-\u202E\u2066-\u2069\uFFFD]|\p{Cs}/iu;

/** What a text has come to, if something was lost on the way. */
function damageTo(text: string): string | undefined {
  if (!SUSPECT.test(text)) return undefined;
  if (!text.isWellFormed()) {
    return NOT_UTF8.test(text)
      ? 'bytes that are not UTF-8: if a spreadsheet or an older program has written the file, try --encoding windows-1252 (encoding)'
      : 'half a character: the text was cut';
  }
  if (text.includes('\uFFFD'))
    return 'the character \uFFFD, which stands for one that was lost when the file was written';
  if (SPREADSHEET_ERROR.test(text)) return 'an error of a spreadsheet instead of a value';
  if (ROUNDED.test(text))
    return 'a number that a spreadsheet has rounded: format the column as text and enter it again';
  return CONTROL.test(text) ? 'a control character' : undefined;
}

/** The first damaged text in a row, and where it is. */
export function damageIn(value: unknown, path = ''): { path: string; damage: string } | undefined {
  if (typeof value === 'string') {
    const damage = damageTo(value);
    return damage === undefined ? undefined : { path, damage };
  }
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, part] of Object.entries(value)) {
    const found = damageIn(part, path === '' ? key : `${path}.${key}`);
    if (found) return found;
  }
  return undefined;
}
