/** Objects of JSON as programs write them, made into rows by the same rules as the cells of a CSV file. */
import { CUSTOMER_FIELDS, type CustomerField, FIELDS, isCustomerField } from '../fields.ts';
import { type ColumnOptions, Headings, leftOutNotes } from './columns.ts';
import type { SourceRecord } from './record.ts';
import { trimmed } from './text.ts';

export interface JsonOptions extends ColumnOptions {
  /** What null means: leave the value as it is, or clear it. */
  blankCells: 'keep' | 'clear';
}

/** Fields that take text as it is, whatever is in it. */
const TEXTS = new Set(CUSTOMER_FIELDS.filter((field) => FIELDS[field].read('1') === '1'));

/** Reads the objects of one source, and remembers what it left out. */
export class JsonRows {
  readonly #headings: Headings;
  readonly #clear: boolean;
  readonly #leftOut = new Set<string>();

  /** Throws BadSource if the options name a field that there isn't. */
  constructor(options: JsonOptions) {
    this.#headings = new Headings(options);
    this.#clear = options.blankCells === 'clear';
  }

  /** What a person should know once all rows are read. */
  get notes(): string[] {
    return leftOutNotes([...this.#leftOut]);
  }

  read(record: SourceRecord): SourceRecord {
    const { value: object } = record;
    if (record.problem || typeof object !== 'object' || object === null || Array.isArray(object)) return record;
    if (this.#isPlain(object as Record<string, unknown>)) return record;
    const value: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    for (const [key, part] of Object.entries(object)) {
      const kind = this.#headings.kindOf(key);
      if (kind === 'ignored' || kind === 'error') continue;
      if (kind === 'not settable') this.#leftOut.add(key);
      else if (!isCustomerField(kind)) value[key] = part;
      else if (kind in value) return { ...record, value, problem: { code: 'invalid_field', message: twice(kind) } };
      else this.#set(value, kind, part);
    }
    return { ...record, value };
  }

  /** Whether an object is what the API takes, as most are: then it need not be copied. */
  #isPlain(object: Record<string, unknown>): boolean {
    for (const key in object) {
      const field = this.#headings.kindOf(key);
      const part = object[key];
      if (field !== key || !isCustomerField(field) || part === null || asField(field, part) !== part) return false;
    }
    return true;
  }

  #set(value: Record<string, unknown>, field: CustomerField, part: unknown): void {
    if (part !== null) value[field] = asField(field, part);
    else if (this.#clear) value[field] = '';
  }
}

const twice = (field: string): string => `${field}: expected one value, got two, under keys that mean the same.`;

/** Numbers and booleans may be written as text and the other way round, as in a CSV file. */
function asField(field: CustomerField, part: unknown): unknown {
  if (field === 'form_fields' && Array.isArray(part)) return part.map(asFormField);
  // In JSON 1.234 is a number like any other; as a cell nobody knows.
  if (field === 'store_credit_amounts' && typeof part === 'number') return [{ amount: part }];
  if (TEXTS.has(field)) return Number.isSafeInteger(part) ? String(part) : part;
  if (typeof part === 'string' && part !== '') return FIELDS[field].read(trimmed(part));
  return typeof part === 'number' ? FIELDS[field].read(String(part)) : part;
}

/** The API's answers say with each form field whose it is. */
function asFormField(item: unknown): unknown {
  if (typeof item !== 'object' || item === null) return item;
  const { customer_id: _, ...rest } = item as Record<string, unknown>;
  return rest;
}
