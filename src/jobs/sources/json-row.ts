/** Objects of JSON as programs write them, made into rows by the same rules as the cells of a CSV file. */
import {
  CUSTOMER_FIELDS,
  type CustomerField,
  FIELDS,
  type FormField,
  GROUP,
  isCustomerField,
  type Values,
} from '../fields.ts';
import { isAttributeKey } from '../attributes.ts';
import { type ColumnOptions, Headings, leftOutNotes } from './columns.ts';
import type { Problem, SourceRecord } from './record.ts';
import { formFieldOf } from './targets.ts';
import { trimmed } from './text.ts';
import { RowValues, type ValueOptions } from './values.ts';

export interface JsonOptions extends ColumnOptions, ValueOptions {}

/** Fields that take text as it is, whatever is in it. */
const TEXTS = new Set(CUSTOMER_FIELDS.filter((field) => FIELDS[field].read('1') === '1'));

/** Reads the objects of one source, and remembers what it left out. */
export class JsonRows {
  readonly #headings: Headings;
  readonly #values: RowValues;
  readonly #leftOut = new Set<string>();
  #rowsLeftOut = 0;

  /** Throws BadSource if the options name a field that there isn't. */
  constructor(options: JsonOptions) {
    this.#headings = new Headings(options);
    this.#values = new RowValues(options);
  }

  /** What a person should know once all rows are read. */
  get notes(): string[] {
    return [...leftOutNotes([...this.#leftOut], this.#rowsLeftOut), ...this.#values.notes];
  }

  /** Throws NamesNeeded if a row names a group or an attribute while those of the store are unknown. */
  read(record: SourceRecord): SourceRecord {
    const { value: object } = record;
    if (record.problem || typeof object !== 'object' || object === null || Array.isArray(object)) return record;
    if (this.#isPlain(object as Values)) return record;
    const value = Object.create(null) as Values;
    const problem = this.#set(value, object as Values);
    return problem ? { ...record, value, problem } : { ...record, value };
  }

  /** Whether an object is what the API takes, as most are: then it need not be copied. */
  #isPlain(object: Values): boolean {
    for (const key in object) {
      const field = this.#headings.kindOf(key);
      const part = object[key];
      if (
        field !== key ||
        !isCustomerField(field) ||
        field === 'attributes' ||
        this.#isBlank(part) ||
        asField(field, part) !== part
      )
        return false;
    }
    return true;
  }

  /** Null and blank words. An empty text is one: the API takes it. */
  #isBlank(part: unknown): boolean {
    return part === null || (typeof part === 'string' && this.#values.isBlankWord(part));
  }

  /** Sets the fields of a row; returns why it can't. */
  #set(row: Values, object: Values): Problem | undefined {
    const formFields: FormField[] = [];
    let problem: Problem | undefined;
    let isAllSet = true;
    for (const [key, given] of Object.entries(object)) {
      const kind = this.#headings.kindOf(key);
      if (kind === 'ignored' || kind === 'error') continue;
      if (kind === 'not settable' || isAttributes(key, given)) {
        this.#leftOut.add(key);
        isAllSet = false;
        continue;
      }
      if (isAttributeKey(kind)) {
        problem ??= this.#values.setAttribute(row, kind, given);
        continue;
      }
      const part = this.#isBlank(given) ? '' : given;
      const formField = formFieldOf(kind);
      const field = kind === GROUP ? 'customer_group_id' : kind;
      const isKept = part !== given && this.#values.isKept(field);
      if (formField !== undefined) {
        if (!isKept) formFields.push({ name: formField, value: part });
      } else if (kind === 'attributes') {
        if (part !== '') problem ??= this.#values.setAttributes(row, part);
      } else if (!isCustomerField(field)) row[key] = given;
      else if (field in row) problem ??= twice(field);
      else if (isKept) continue;
      else if (kind === GROUP) problem ??= this.#values.setGroup(row, typeof part === 'string' ? trimmed(part) : part);
      else this.#setField(row, field, part);
    }
    if (!isAllSet) this.#rowsLeftOut++;
    if (formFields.length > 0) problem ??= this.#values.setFormFields(row, formFields);
    return problem;
  }

  #setField(row: Values, field: CustomerField, part: unknown): void {
    row[field] = asField(field, part);
    if (field === 'store_credit_amounts' && typeof part === 'string') this.#values.noteCurrency(trimmed(part));
  }
}

/** The API's answers have attributes as a list, whose values it takes elsewhere. */
const isAttributes = (key: string, part: unknown): boolean => key === 'attributes' && Array.isArray(part);

function twice(field: string): Problem {
  return { code: 'invalid_field', message: `${field}: expected one value, got two, under keys that mean the same.` };
}

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
