/** What the columns of a CSV file stand for, by their headings. */
import { printable } from '../../contract/describe.ts';
import { BadSource } from '../errors.ts';
import { CUSTOMER_FIELDS, type CustomerField, FIELDS, isCustomerField, READ_ONLY_FIELDS } from '../fields.ts';
import { isBlank, NOT_UTF8 } from './text.ts';

/** How a person has said that the columns of a CSV file are to be read. */
export interface ColumnOptions {
  /** Headings of columns to leave out; only their letters and digits count, without regard to case. */
  ignoreColumns: readonly string[];
  /** Leave out every column whose heading is not known. */
  ignoreUnknown: boolean;
  /** The field that a heading stands for, where its name doesn't say so. */
  columns: Readonly<Record<string, string>>;
}

/** A column that sets a field, and how a cell that is not blank reads. */
export interface Column {
  field: CustomerField;
  /** A cell that does not read as its field should stays text, for checkCustomer to say so. */
  read(cell: string): unknown;
}

export interface Columns {
  /** In the order of the file; `ignored` is left out, and below a `blank` heading at the end there may be no cell. */
  list: (Column | 'ignored' | 'blank')[];
  /** Headings of the control panel and the API that can't be set, and were left out. */
  leftOut: string[];
}

/** What the control panel's exports and common spreadsheets call a field, if not by its own name. */
const ALIASES: Record<string, CustomerField> = {
  customerid: 'id',
  customernumber: 'id',
  // "Customer #": only letters and digits count.
  customer: 'id',
  emailaddress: 'email',
  customergroup: 'customer_group_id',
  storecredit: 'store_credit_amounts',
  receivereviewabandonedcartemails: 'accepts_product_review_abandoned_cart_emails',
};

/** Columns of the control panel's exports that this API can't set. */
const NOT_SETTABLE =
  /^(datejoined|addresses|address(id|firstname|lastname|company|line[12]|city|state|zip|country|phone)\d+)$/;

/** Headings are compared by their letters and digits alone. */
const fold = (heading: string): string =>
  heading
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');

const FIELD_OF = new Map<string, CustomerField>([
  ...CUSTOMER_FIELDS.map((field): [string, CustomerField] => [fold(field), field]),
  ...Object.entries(ALIASES),
]);

const READ_ONLY = new Set(READ_ONLY_FIELDS.map(fold));

export type HeadingKind = CustomerField | 'ignored' | 'not settable' | 'unknown';

const MAX_KINDS = 1_000;

/** Reads headings as the options have it. */
export class Headings {
  readonly #fieldOf: Map<string, CustomerField>;
  readonly #ignored: Set<string>;
  readonly #ignoreUnknown: boolean;
  /** Of headings and keys that were asked for before: of JSON, each object has them. */
  readonly #kinds = new Map<string, HeadingKind>();

  /** Throws BadSource if `columns` names a field that there is not. */
  constructor({ ignoreColumns, ignoreUnknown, columns }: ColumnOptions) {
    const given = Object.entries(columns).map(([heading, name]): [string, CustomerField] => {
      const field = FIELD_OF.get(fold(name));
      if (field !== undefined) return [fold(heading), field];
      throw new BadSource(`--column ${shown(`${heading}=${name}`)} (columns): there is no such field. ${KNOWN}`);
    });
    this.#fieldOf = new Map([...FIELD_OF, ...given]);
    this.#ignored = new Set(ignoreColumns.map(fold));
    this.#ignoreUnknown = ignoreUnknown;
  }

  isKey(heading: string): boolean {
    const field = this.#fieldOf.get(fold(heading));
    return field === 'id' || field === 'email';
  }

  isKnown(heading: string): boolean {
    const folded = fold(heading);
    if (folded === '') return false;
    return this.#fieldOf.has(folded) || this.#ignored.has(folded) || isNotSettable(folded);
  }

  /** Throws BadSource if headings are unknown or double, if there is none of an id, or nothing to update. */
  columnsOf(headings: readonly string[]): Columns {
    const end = headings.findLastIndex((heading) => !isBlank(heading)) + 1;
    const kinds = headings.map((heading, index) => (index >= end ? 'blank' : this.kindOf(heading)));
    this.#refuseUnknown(headings, kinds);
    const fields = kinds.map((kind) => (isCustomerField(kind) ? kind : undefined));
    for (const [index, field] of fields.entries()) {
      const first = fields.indexOf(field);
      if (field === undefined || first === index) continue;
      const both = `${shown(headings[first] as string)} and ${shown(headings[index] as string)}`;
      throw new BadSource(`Expected one column for ${field}, got two: ${both}. Leave one of them out with --ignore.`);
    }
    if (!fields.includes('id')) {
      throw new BadSource(`Expected a column with the heading "id" or "Customer ID", got none. ${KNOWN}`);
    }
    if (fields.every((field) => field === undefined || field === 'id')) {
      throw new BadSource(`Expected a column to update beside the id, got none. ${KNOWN}`);
    }
    return {
      list: kinds.map((kind) => {
        if (isCustomerField(kind)) return { field: kind, read: FIELDS[kind].read };
        return kind === 'blank' ? 'blank' : 'ignored';
      }),
      leftOut: headings.filter((_, index) => kinds[index] === 'not settable'),
    };
  }

  /** The field that a heading or a key stands for, or why it stands for none. */
  kindOf(heading: string): HeadingKind {
    const known = this.#kinds.get(heading);
    if (known !== undefined) return known;
    const kind = this.#find(heading);
    // Keys may be without end.
    if (this.#kinds.size < MAX_KINDS) this.#kinds.set(heading, kind);
    return kind;
  }

  #find(heading: string): HeadingKind {
    const folded = fold(heading);
    if (this.#ignored.has(folded)) return 'ignored';
    const field = this.#fieldOf.get(folded);
    if (field !== undefined) return field;
    if (isNotSettable(folded)) return 'not settable';
    return this.#ignoreUnknown ? 'ignored' : 'unknown';
  }

  #refuseUnknown(headings: readonly string[], kinds: readonly string[]): void {
    const unknown = headings.filter((_, index) => kinds[index] === 'unknown');
    if (unknown.length === 0) return;
    if (unknown.some((heading) => NOT_UTF8.test(heading))) {
      throw new BadSource(
        'Expected headings in UTF-8, got bytes that are not. If a spreadsheet or an older program has written the file, start ' +
          'the job with --encoding windows-1252 (encoding), or save it as CSV in UTF-8.',
      );
    }
    if (!kinds.some(isCustomerField)) {
      throw new BadSource(`Expected a first line with headings, got none that is known. ${KNOWN}`);
    }
    const options = unknown.map((heading) => `--ignore ${shown(heading)}`);
    throw new BadSource(
      `Unknown headings: ${fitting(unknown.map(shown), ', ')}. ${KNOWN} Say what a column is with --column ` +
        `${shown(`${unknown[0]}=company`)} (columns), or leave columns out: ${fitting(options, ' ')}, or all of them with ` +
        '--ignore-unknown (ignoreColumns, ignoreUnknown).',
    );
  }
}

const KNOWN = `Known headings: ${CUSTOMER_FIELDS.join(', ')}.`;

const isNotSettable = (folded: string): boolean => NOT_SETTABLE.test(folded) || READ_ONLY.has(folded);

/** A heading as a shell takes it; if it looks like a customer's data, because the file has no headings, how long it is. */
function shown(heading: string): string {
  if (/@|\d{5}/.test(heading)) return `a text of ${heading.length} characters`;
  return `"${printable(heading, 100).replace(/["\\$`]/g, '\\$&')}"`;
}

/** As many as fit into a message. */
function fitting(texts: readonly string[], separator: string): string {
  let list = '';
  for (const [index, text] of texts.entries()) {
    if (list.length + text.length > 600) return `${list}${separator}and ${texts.length - index} more`;
    list += index === 0 ? text : separator + text;
  }
  return list;
}
