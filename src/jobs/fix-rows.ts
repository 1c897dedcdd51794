/** How a row is written into a fix file. Pure. */
import type { Failure } from '../contract/job.ts';
import { guarded, plainText } from './sources/cell-text.ts';
import { ERROR_COLUMNS } from './sources/targets.ts';
import { DELIMITERS } from './sources/heading.ts';
import { isAnswer } from './sources/json.ts';
import type { RawCells, SourceRecord, Table } from './sources/record.ts';
import { isBlank } from './sources/text.ts';

/** The first line of fix.csv. With the byte order mark, spreadsheets and any `encoding` of the job read it as UTF-8. */
export const csvHeading = (table: Table): string => `\uFEFF${csvLine([...table.headings, ...ERROR_COLUMNS], table)}`;

/** A row of fix.csv. Cells that are too many come after the error, so that they are still too many. */
export function csvRow({ cells, table }: RawCells, { code, message }: Failure): string {
  const { length: width } = table.headings;
  const own = table.headings.map((_, index) => cells[index] ?? '');
  const extra = cells.slice(width, cells.findLastIndex((cell) => !isBlank(plainText(cell))) + 1);
  return csvLine([...own, code, inOneLine(message), ...extra], table);
}

/** A table with a column for ids, at its end if it has none. */
export const withIdHeading = (table: Table): Table =>
  table.idAt >= 0 ? table : { ...table, headings: [...table.headings, 'id'], idAt: table.headings.length };

/** A row of such a table, with a customer's id unless it has one. */
export function withId({ cells, table }: RawCells, id: number | null): RawCells {
  const wide = withIdHeading(table);
  const own = table.headings.map((_, index) => cells[index] ?? '');
  if (wide !== table) own.push('');
  if (id !== null && isBlank(plainText(own[wide.idAt] as string))) own[wide.idAt] = String(id);
  return { cells: [...own, ...cells.slice(table.headings.length)], table: wide };
}

/** Whether cells are missing at the end of a row, which would be blank in fix.csv. */
export const isShort = ({ cells, table }: RawCells): boolean => cells.length < table.headings.length;

function csvLine(cells: readonly string[], { delimiter }: Table): string {
  // A `sep=` line may name any other character, but fix.csv has none.
  const between = DELIMITERS.includes(delimiter) ? delimiter : ',';
  const written = cells.map((cell) => {
    const text = guarded(cell);
    return NEEDS_QUOTES.test(text) || text.includes(between) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${written.join(between)}\r\n`;
}

/** A file that begins with a bracket looks like JSON. */
const NEEDS_QUOTES = /["\r\n]|^[\s[{]|\s$/;

/** A row of fix.ndjson: the object as it is, with an `id` if one is given, or, if it is none, its text below `text`. */
export function jsonRow(raw: string, { code, message }: Failure, id: number | null = null): string {
  const added = { ...(id !== null && { id }), error_code: code, error: inOneLine(message) };
  const error = JSON.stringify(added).slice(1);
  const text = withoutAdded(raw.trim());
  const object = objectIn(text);
  if (!object || isAnswer(object)) return `${JSON.stringify({ text }).slice(0, -1)},${error}\n`;
  const { error_code: oldCode, error: oldError, ...rest } = object;
  const own = oldCode === undefined && oldError === undefined ? text : JSON.stringify(rest);
  // Line ends are between tokens only.
  const start = own
    .replace(/[\r\n]+[ \t]*/g, ' ')
    .slice(0, -1)
    .trimEnd();
  return `${start}${start === '{' ? '' : ','}${error}\n`;
}

/** An object without what an earlier fix file has added at its end. */
function withoutAdded(text: string): string {
  const at = text.lastIndexOf('"error_code"');
  const before = text.slice(0, Math.max(at, 0)).trimEnd();
  if (!/[,{]$/.test(before) || !ADDED.test(text.slice(at))) return text;
  return `${before.endsWith(',') ? before.slice(0, -1) : before}}`;
}

const ADDED = /^"error_code"\s*:\s*"(?:[^"\\]|\\.)*"\s*,\s*"error"\s*:\s*"(?:[^"\\]|\\.)*"\s*\}$/;

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    return text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The store's words may have line ends, and a cell over several lines looks as if it had swallowed rows. */
const inOneLine = (message: string): string => message.replace(/\s+/g, ' ');

/**
 * Whether a row may have a new password, which no file keeps. In a row that could not be read, anything may be one if its
 * source has the field.
 */
export function mayHoldPassword({ value, problem, raw }: SourceRecord): boolean {
  const text = typeof raw === 'string' ? raw : (raw?.cells.join('\n') ?? '');
  if (/new[\s_]?password/i.test(text)) return true;
  const { authentication = '' } = (value ?? {}) as { authentication?: unknown };
  if (typeof authentication === 'object') return !isOnlyReset(authentication);
  if (authentication !== '') return true;
  if (problem === undefined) return false;
  return /password|authentication/i.test(typeof raw === 'string' ? raw : (raw?.table.headings.join('\n') ?? ''));
}

const isOnlyReset = (authentication: object | null): boolean =>
  Object.keys(authentication ?? {}).every((key) => key === 'force_password_reset');
