/**
 * The attributes that a store has defined for its customers: which of them a heading or key names, which values one takes,
 * and which say the same. Pure.
 */
import { describeName, describeValue, printable } from '../contract/describe.ts';
import { damageTo } from './damage.ts';
import type { Values } from './fields.ts';
import { allOf, listOf, type Named, Names } from './names.ts';
import type { Problem } from './sources/record.ts';
import { trimmed } from './sources/text.ts';

/** What values of an attribute are. All of them travel as text. */
export type AttributeType = 'string' | 'number' | 'date';

/** An attribute as the store lists it. */
export interface Attribute extends Named {
  type: AttributeType;
}

/** The values that a row sets, or a customer has, by the attribute's id; null for none. */
export type AttributeValues = Record<string, string | null>;

/** Most characters of the store's attributes in the message for a row, which has 330 bytes, and for a file. */
const MAX_LISTED = { row: 150, file: 2_500 };

/** The attributes of one store. */
export class Attributes {
  readonly #all: readonly Attribute[];
  readonly #names: Names<Attribute>;

  constructor(attributes: readonly Attribute[]) {
    this.#all = attributes;
    this.#names = new Names(attributes);
  }

  /** The attribute with this name, or else with this id; why there is none. */
  find(name: string): Attribute | string {
    const [first, ...more] = this.#names.fitting(name);
    if (!first) return 'the store has no such attribute';
    return more.length === 0 ? first : `${allOf([first, ...more])} fit: write attribute_id: and its id`;
  }

  /** The attribute with this id. */
  get(id: string): Attribute | undefined {
    return this.#names.get(id);
  }

  /** Which attributes there are, for people. */
  listed(where: keyof typeof MAX_LISTED): string {
    const names = this.#all.map(({ name }) => name);
    return listOf('attributes', names, MAX_LISTED[where]);
  }
}

/** An attribute that a heading or key stands for. */
export interface AttributeTarget {
  id: string;
  /** Undefined if it is given by its id: then nobody has asked the store. */
  type: AttributeType | undefined;
  /** For messages. */
  place: string;
}

/** What `attribute:NAME` or `attribute_id:12` stands for, or why it stands for nothing. */
export function attributeTarget(key: AttributeKey, attributes: Attributes | undefined): AttributeTarget | string {
  const text = key.slice(key.indexOf(':') + 1);
  if (key.startsWith(BY_ID)) return { id: text, type: undefined, place: `attribute ${text}` };
  const found = attributes?.find(text) ?? 'the store was not asked';
  if (typeof found === 'string') return found;
  return { id: String(found.id), type: found.type, place: `attribute "${printable(found.name, 50)}"` };
}

/** What a heading or key that names an attribute is once it is tidied up. */
export type AttributeKey = `attribute:${string}` | `attribute_id:${string}`;

const BY_ID = 'attribute_id:';

/** A heading or key that names an attribute, whatever its case and its blanks; undefined if it names none. */
export function attributeKey(heading: string): AttributeKey | undefined {
  const [, id, text = ''] = /^\s*attribute([\s_]*id)?\s*:(.*)$/is.exec(heading) ?? [];
  const name = text.trim();
  if (id !== undefined) return /^[1-9]\d{0,14}$/.test(name) ? `attribute_id:${name}` : undefined;
  return name === '' ? undefined : `attribute:${name}`;
}

export const isAttributeKey = (kind: string): kind is AttributeKey =>
  kind.startsWith('attribute:') || kind.startsWith(BY_ID);

/** Whether it can only be understood if the store's attributes are known. */
export const isByName = (kind: string): boolean => kind.startsWith('attribute:');

/** A prepared row as it stands in a source that we write: no name looks like its attributes. */
export function asSource({ attributes, ...row }: Values & { attributes?: AttributeValues }): Values {
  const byId = Object.entries(attributes ?? {}).map(([id, value]) => [`${BY_ID}${id}`, value]);
  return { ...row, ...Object.fromEntries(byId) };
}

/** Sets one value of a row; returns why it can't. */
export function setAttribute(row: Values, target: AttributeTarget, value: unknown): Problem | undefined {
  const { id, place } = target;
  const values = (row['attributes'] ??= Object.create(null)) as AttributeValues;
  if (id in values) return invalid(place, 'one value', 'another one under a name that means the same');
  const text = value === null ? null : textOf(target, value);
  if (typeof text === 'object' && text !== null) return text;
  values[id] = text;
  return undefined;
}

/** The problem of a row with an attribute that the store does not have. */
export const unknownAttribute = (name: string, why: string, attributes: Attributes): Problem => ({
  code: 'unknown_attribute',
  message: `attributes: ${describeName(name)}: ${why}. ${attributes.listed('row')}`,
});

const invalid = (place: string, expected: string, got: string): Problem => ({
  code: 'invalid_field',
  message: `${place}: expected ${expected}, got ${got}.`,
});

/** BigCommerce's limit, in characters. */
const MAX_LENGTH = 255;

const EXPECTED: Record<AttributeType, string> = {
  string: `text of at most ${MAX_LENGTH} characters`,
  number: 'a number such as 1234.5',
  date: 'a date such as 2026-12-31',
};

/** A value as the API takes it. Any may be empty. */
function textOf({ type, place }: AttributeTarget, value: unknown): string | Problem {
  const expected = EXPECTED[type ?? 'string'];
  const given = typeof value === 'number' ? numberAsText(value, type) : value;
  // As in a cell: blanks around a number or a date don't count.
  const text = typeof given === 'string' && (type === 'number' || type === 'date') ? trimmed(given) : given;
  if (text === undefined) {
    return invalid(place, expected, 'a number that may have lost digits or zeros: write it in quotes');
  }
  if (typeof text !== 'string') return invalid(place, expected, describeValue(text));
  const damage = damageTo(text);
  if (damage !== undefined) return invalid(place, expected, damage);
  // Code points: what looks like one character may be several, but none is two.
  const { length } = Array.from(text);
  if (length > MAX_LENGTH) return invalid(place, EXPECTED.string, `text of ${length} characters`);
  if (text === '' || type === undefined || type === 'string') return text;
  const got = type === 'number' ? notNumber(text) : notDate(text);
  return got === undefined ? text : invalid(place, expected, got);
}

/** A number of JSON in its own digits, as far as it still has them: in a text, zeros at its end count as well. */
function numberAsText(value: number, type: AttributeType | undefined): string | undefined {
  const text = String(value);
  const digits = text.replace(/\D/g, '').length;
  return Number.isSafeInteger(value) || (type === 'number' && NUMBER.test(text) && digits <= 15) ? text : undefined;
}

const NUMBER = /^-?\d+(?:\.\d+)?$/;

function notNumber(text: string): string | undefined {
  if (NUMBER.test(text)) return undefined;
  return /\d/.test(text) && /^[-+\d.,'\s$€£¥%()]+$/.test(text)
    ? 'one with separators or signs: format the column as a plain number'
    : 'text';
}

const DATE = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/;

function notDate(text: string): string | undefined {
  const [, day] = DATE.exec(text) ?? [];
  if (day !== undefined && !text.includes(' ')) {
    return momentOf(text) ? undefined : 'a day or a time that there is not';
  }
  if (day !== undefined) return 'one with a blank before its time: write a T there, or leave the time out';
  if (/^\d{5}(?:\.\d+)?$/.test(text))
    return 'the number by which a spreadsheet counts days: format the column as YYYY-MM-DD';
  if (/^\d+$/.test(text)) return 'a number';
  return /\d[./\-\s]+\d/.test(text) ? 'one in another form: format the column as YYYY-MM-DD' : 'text';
}

/** What a date says; undefined if there is no such day or time. */
function momentOf(
  text: string,
): { day: string; isMidnight: boolean; at: number | undefined; hasZone: boolean } | undefined {
  const [, day = '', time, zone] = DATE.exec(text) ?? [];
  const at = Date.parse(`${day}T${time ?? '00:00'}${zone?.replace(/^(.\d\d)(\d\d)$/, '$1:$2') ?? 'Z'}`);
  // Of days that a month does not have, some are taken for days of the next.
  if (Number.isNaN(at) || new Date(`${day}T00:00Z`).toJSON().slice(0, 10) !== day) return undefined;
  const isMidnight = time === undefined || /^00:00(?::00(?:\.0+)?)?$/.test(time);
  return { day, isMidnight, at: time === undefined ? undefined : at, hasZone: zone !== undefined };
}

/**
 * Whether a customer's value says what is wanted: numbers and dates may be written in several ways. An empty text is not the
 * same as none. False if in doubt, which costs only a call.
 */
export function sameAttribute(wanted: string | null, has: string | null, type: AttributeType | undefined): boolean {
  if (wanted === has) return true;
  if (wanted === null || has === null) return false;
  if (type === 'number') return NUMBER.test(wanted) && NUMBER.test(has) && plain(wanted) === plain(has);
  return type === 'date' && sameMoment(wanted, has);
}

/** The digits that count: as numbers, long ones would be the same too soon. */
function plain(number: string): string {
  const digits = number
    .replace(/^(-?)0+(?=\d)/, '$1')
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
  return digits === '-0' ? '0' : digits;
}

/** A day alone is the midnight at which it begins, wherever that is. */
function sameMoment(wanted: string, has: string): boolean {
  const [a, b] = [momentOf(wanted), momentOf(has)];
  if (!a || !b) return false;
  if (a.at !== undefined && b.at !== undefined) return a.hasZone === b.hasZone && a.at === b.at;
  return a.day === b.day && a.isMidnight && b.isMidnight;
}
