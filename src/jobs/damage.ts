/** Texts that lost something before they got here, and must not overwrite good values. Pure. */
import { NOT_UTF8 } from './sources/text.ts';

/** What Excel, LibreOffice and Google Sheets show instead of a value, in English and the languages of most other stores. */
const SPREADSHEET_ERRORS = new Set(
  (
    'REF! N/A NAME? VALUE! DIV/0! NUM! NULL! SPILL! CALC! FIELD! BLOCKED! BUSY! CONNECT! UNKNOWN! EXTERNAL! PYTHON! ' +
    'GETTING_DATA ERROR! MACRO? BEZUG! NV WERT! ZAHL! ÜBERLAUF! KALK! FELD! VALEUR! NOM? NOMBRE! NUL! PROPAGATION! N/D ' +
    'VALOR! NOMBRE? NULO! NÚM! NOME? DESBORDAMIENTO! RIF! VALORE! NULLO! VERW! N/B WAARDE! NAAM? GETAL! LEEG! DEEL/0!'
  ).split(' '),
);

/** A long number as a spreadsheet rounds it, with a decimal comma in much of Europe. */
const ROUNDED = /^[+-]?\d(?:[.,]\d+)?E[+-]\d{2,3}$/i;

const CONTROL = /[^\P{Cc}\t\n\r]/u;

/** They turn text around, so that it reads otherwise than it is. */
const DIRECTION = /[\u202A-\u202E\u2066-\u2069]/;

/** One look for most texts, which have nothing of the kind. */
const SUSPECT = new RegExp(String.raw`^#|^Err:|^[+-]?\d.*E|${CONTROL.source}|${DIRECTION.source}|\uFFFD|\p{Cs}`, 'iu');

/** What is left of a text that lost something on the way. */
export function damageTo(text: string): string | undefined {
  if (!SUSPECT.test(text)) return undefined;
  if (!text.isWellFormed()) {
    return NOT_UTF8.test(text)
      ? 'bytes that are not UTF-8: if a spreadsheet or an older program wrote the file, try --encoding windows-1252 (encoding)'
      : 'half a character: the text was cut';
  }
  if (text.includes('\uFFFD'))
    return 'the character \uFFFD, which replaced one that was lost when the file was written';
  if (isSpreadsheetError(text)) return "a spreadsheet's error instead of a value";
  if (ROUNDED.test(text)) return 'a number that a spreadsheet rounded: format the column as text and enter it again';
  if (DIRECTION.test(text)) return 'an invisible character that changes the direction of text';
  return CONTROL.test(text) ? 'a control character' : undefined;
}

/** The last are a column that is too narrow, saved as it was shown, and LibreOffice's errors by number. */
function isSpreadsheetError(text: string): boolean {
  const name = text.slice(1).toUpperCase().replace(/[¡¿]/, '');
  return (text.startsWith('#') && SPREADSHEET_ERRORS.has(name)) || /^(?:#{3,}|Err:5\d\d)$/i.test(text);
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
