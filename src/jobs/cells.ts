/**
 * What a cell says: a number, yes or no, an amount of money or a list, as people and spreadsheets write them. Each of these
 * gives undefined for a cell that says something else, or that may mean two things. Pure.
 */

export function numberIn(cell: string): number | undefined {
  return /^-?\d+(\.\d+)?$/.test(cell.trim()) ? Number(cell) : undefined;
}

const YES = ['yes', 'y', 'true', 'on', '1', '1.0'];
const NO = ['no', 'n', 'false', 'off', '0', '0.0'];

export const YES_OR_NO = `yes or no (or ${YES.slice(1)
  .map((word, index) => `${word}/${NO[index + 1]}`)
  .join(', ')})`;

export function yesOrNoIn(cell: string): boolean | undefined {
  const word = cell.trim().toLowerCase();
  if (YES.includes(word)) return true;
  return NO.includes(word) ? false : undefined;
}

/** Several numbers, such as `1,2`, or a list of JSON. */
export function numbersIn(cell: string): unknown[] | undefined {
  const numbers = cell.split(',').map(numberIn);
  return numbers.includes(undefined) ? listIn(cell) : numbers;
}

export function jsonIn(cell: string): unknown {
  try {
    return JSON.parse(cell) as unknown;
  } catch {
    return undefined;
  }
}

export function listIn(cell: string): unknown[] | undefined {
  const value = cell.startsWith('[') ? jsonIn(cell) : undefined;
  return Array.isArray(value) ? value : undefined;
}

/** A list of JSON that has texts alone. */
export function textsIn(cell: string): string[] | undefined {
  const list = listIn(cell);
  return list?.every((item) => typeof item === 'string') ? list : undefined;
}

interface Money {
  amount: number;
  /** A sign or three capitals that stood beside it. */
  currency: string | undefined;
}

const MONEY = /^([-+]?)\s*([$€£¥]|[A-Z]{3})?\s*([-+]?)\s*(\d[\d.,\s]*?)\s*([$€£¥]|[A-Z]{3})?$/;

/** Longer than any amount, so that a long cell takes no time. */
const MAX_MONEY = 50;

/** 12, 12.50, 0.125, 1 234.50, 1,234.50 and 1,234,567. Numbers have 15 digits that count. */
const POINT =
  /^(?:(?:\d{1,15}|[1-9]\d{0,2}(?:\s\d{3})+)(?:\.\d\d?)?|0\.\d{3,15}|[1-9]\d{0,2}(?:,\d{3})+\.\d\d?|[1-9]\d{0,2}(?:,\d{3}){2,})$/;

/** 1.234,50 and 1.234.567. */
const COMMA = /^[1-9]\d{0,2}(?:(?:\.\d{3})+,\d\d?|(?:\.\d{3}){2,})$/;

/**
 * An amount of money. With one separator before three digits, `1.234` or `1,234`, or a comma before fewer, `12,50`, nobody
 * knows which one is meant.
 */
export function moneyIn(cell: string): Money | undefined {
  const [, outer, before, inner, digits = '', after] = (cell.length <= MAX_MONEY && MONEY.exec(cell)) || [];
  if ((before && after) || (outer && inner)) return undefined;
  const plain = POINT.test(digits)
    ? digits.replace(/[,\s]/g, '')
    : COMMA.test(digits)
      ? digits.replaceAll('.', '').replace(',', '.')
      : undefined;
  if (plain === undefined) return undefined;
  return { amount: Number(`${outer || inner}${plain}`), currency: before ?? after };
}
