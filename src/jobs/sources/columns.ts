/** What the columns of a CSV file stand for, by their headings. */
import type { Match } from '../../contract/job.ts';
import { listed, printable, quoted } from '../../contract/describe.ts';
import { BadSource } from './record.ts';
import { type Attributes, attributeTarget, type AttributeTarget, isAttributeKey, isByName } from '../attributes.ts';
import { textsIn } from '../cells.ts';
import { type CustomerField, FIELDS, GROUP, isCustomerField, isKeyField, sourceFields } from '../fields.ts';
import type { Groups } from '../groups.ts';
import { NamesNeeded } from '../names.ts';
import {
  ERRORS,
  fold,
  formFieldOf,
  type HeadingKind,
  isNotSettable,
  isTarget,
  namedTarget,
  type Target,
  TARGET_OF,
} from './targets.ts';
import { isBlank, NOT_UTF8 } from './text.ts';

/** How the job's options say that the columns of a CSV file are to be read. */
export interface ColumnOptions {
  /** Headings of columns to leave out; only their letters and digits count, without regard to case. */
  ignoreColumns: readonly string[];
  /** Leave out every column with an unknown heading. */
  ignoreUnknown: boolean;
  /** The field, `form:NAME` or `attribute:NAME`, that a heading stands for if the heading itself doesn't say so. */
  columns: Readonly<Record<string, string>>;
  /** How rows name customers. */
  match: Match;
  /** The store's groups and attributes; undefined while they are unknown. */
  groups?: Groups | undefined;
  attributes?: Attributes | undefined;
}

/** A column that sets a field, and how its cells are read. */
export interface Column {
  /** `customer_group` is a group by its name, which sets `customer_group_id`. */
  field: CustomerField | typeof GROUP;
  /** The form field that it sets, among the customer's `form_fields`. */
  formField?: string;
  /** The attribute whose value it sets, among the customer's `attributes`. */
  attribute?: AttributeTarget;
  /** Reads a cell that is not blank. A cell that it can't read stays text, for checkCustomer to reject. */
  read(cell: string): unknown;
}

export interface Columns {
  /**
   * In the order of the file; `ignored` and `error` are left out, and below a `blank` heading at the end there may be no
   * cell.
   */
  list: (Column | 'ignored' | 'error' | 'blank')[];
  /** Headings of the control panel and the API that can't be set, and were left out. */
  leftOut: string[];
}

const MAX_KINDS = 1_000;

/** What headings stand for, given the job's options. */
export class Headings {
  readonly #targetOf: Map<string, Target>;
  readonly #ignored: Set<string>;
  readonly #ignoreUnknown: boolean;
  readonly #match: Match;
  readonly #names: Pick<ColumnOptions, 'groups' | 'attributes'>;
  /** Of headings and keys seen before: in JSON, every object has them again. */
  readonly #kinds = new Map<string, HeadingKind>();

  /** Throws BadSource if `columns` names a field that doesn't exist. */
  constructor({ ignoreColumns, ignoreUnknown, columns, match, ...names }: ColumnOptions) {
    this.#names = names;
    const given = Object.entries(columns).map(([heading, name]) => {
      const target = namedTarget(name) ?? TARGET_OF.get(fold(name));
      if (target !== undefined) return [fold(heading), target] as const;
      throw new BadSource(
        `--column ${shown(`${heading}=${name}`)} (columns): there is no such field. ${knownHeadings(match)}`,
      );
    });
    this.#targetOf = new Map<string, Target>([...TARGET_OF, ...given]);
    this.#ignored = new Set(ignoreColumns.map(fold));
    this.#ignoreUnknown = ignoreUnknown;
    this.#match = match;
  }

  isKey(heading: string): boolean {
    const target = this.#targetIn(heading);
    return target === 'id' || target === 'email';
  }

  isKnown(heading: string): boolean {
    const folded = fold(heading);
    if (folded === '') return false;
    if (this.#targetIn(heading) !== undefined || this.#ignored.has(folded)) return true;
    return ERRORS.has(folded) || isNotSettable(folded);
  }

  #targetIn(heading: string): Target | undefined {
    return namedTarget(heading) ?? this.#targetOf.get(fold(heading));
  }

  /**
   * Throws BadSource if headings are unknown, if two stand for one field, or if there is no id or nothing to update; and
   * NamesNeeded if they can't be understood without the store's names.
   */
  columnsOf(headings: readonly string[]): Columns {
    const end = headings.findLastIndex((heading) => !isBlank(heading)) + 1;
    const kinds = headings.map((heading, index) => (index >= end ? 'blank' : this.kindOf(heading)));
    this.#refuseUnknown(headings, kinds);
    const targets = new Map<string, string>();
    for (const [index, heading] of headings.entries()) {
      const kind = kinds[index] as string;
      if (!isTarget(kind)) continue;
      const sets = kind === GROUP ? 'customer_group_id' : kind;
      const first = targets.get(sets);
      if (first !== undefined) throw new BadSource(twice(sets, first, heading));
      targets.set(sets, heading);
    }
    this.#refuseUseless(targets);
    this.#needNames(kinds);
    const attributes = this.#attributesOf(headings, kinds);
    return {
      list: kinds.map((kind, index) => {
        const attribute = attributes.get(index);
        if (attribute) return { field: 'attributes', attribute, read: (cell) => cell };
        if (isCustomerField(kind)) return { field: kind, read: FIELDS[kind].read };
        if (kind === GROUP) return { field: kind, read: (cell) => cell };
        const formField = formFieldOf(kind);
        if (formField !== undefined) return { field: 'form_fields', formField, read: textOrTexts };
        return kind === 'blank' || kind === 'error' ? kind : 'ignored';
      }),
      leftOut: headings.filter((_, index) => kinds[index] === 'not settable'),
    };
  }

  #needNames(kinds: readonly string[]): void {
    const { groups, attributes } = this.#names;
    const needed = [
      ...(!groups && kinds.includes(GROUP) ? (['groups'] as const) : []),
      ...(!attributes && kinds.some(isByName) ? (['attributes'] as const) : []),
    ];
    if (needed.length > 0) throw new NamesNeeded(...needed);
  }

  /** By column. Throws BadSource if the store does not have them, or two columns name the same. */
  #attributesOf(headings: readonly string[], kinds: readonly string[]): Map<number, AttributeTarget> {
    const { attributes } = this.#names;
    const targets = new Map<number, AttributeTarget>();
    const wrong: string[] = [];
    const columns = new Map<string, string>();
    for (const [index, kind] of kinds.entries()) {
      if (!isAttributeKey(kind)) continue;
      const heading = headings[index] as string;
      const target = attributeTarget(kind, attributes);
      if (typeof target === 'string') {
        const as = namedTarget(heading) === kind ? '' : ` (${printable(kind, MAX_SHOWN)})`;
        wrong.push(`${shown(heading)}${as}: ${target}`);
        continue;
      }
      targets.set(index, target);
      const first = columns.get(target.id);
      if (first !== undefined) throw new BadSource(twice(target.place, first, heading));
      columns.set(target.id, heading);
    }
    if (wrong.length === 0) return targets;
    throw new BadSource(
      `Expected headings with attributes of the store. ${fitting(wrong, '; ')}. ${attributes?.listed('file') ?? ''} To leave a ` +
        'column out: --ignore and its heading (ignoreColumns).',
    );
  }

  /** Without a column that says who is meant, or one that says what is to change, there is nothing to do. */
  #refuseUseless(targets: ReadonlyMap<string, string>): void {
    const match = this.#match;
    const known = knownHeadings(match);
    const newEmail = targets.get('new_email');
    if (match === 'id' && newEmail !== undefined) {
      throw new BadSource(
        `The column ${shown(newEmail)} is for rows whose customers are found by e-mail address: start the job with --match ` +
          'email (match), or leave it out with --ignore.',
      );
    }
    if (![...targets.keys()].some((target) => isKeyField(target, match))) {
      const cure = targets.has('email') ? MATCH_EMAIL : known;
      const expected = match === 'email' ? '"email", "id" or "Customer ID"' : '"id" or "Customer ID"';
      throw new BadSource(`Expected a column with the heading ${expected}, got none. ${cure}`);
    }
    if ([...targets.keys()].every((target) => isKeyField(target, match))) {
      const keys = match === 'email' ? 'the e-mail address and the id' : 'the id';
      throw new BadSource(`Expected a column to update besides ${keys}, got none. ${known}`);
    }
  }

  /** The field that a heading or a key stands for, or why it stands for none. */
  kindOf(heading: string): HeadingKind {
    const known = this.#kinds.get(heading);
    if (known !== undefined) return known;
    const kind = this.#find(heading);
    // A source may have any number of different keys.
    if (this.#kinds.size < MAX_KINDS) this.#kinds.set(heading, kind);
    return kind;
  }

  #find(heading: string): HeadingKind {
    const folded = fold(heading);
    const target = this.#targetIn(heading);
    if (ERRORS.has(folded) && target === undefined) return 'error';
    if (this.#ignored.has(folded)) return 'ignored';
    if (target !== undefined) return target;
    if (isNotSettable(folded)) return 'not settable';
    return this.#ignoreUnknown ? 'ignored' : 'unknown';
  }

  #refuseUnknown(headings: readonly string[], kinds: readonly string[]): void {
    const unknown = headings.filter((_, index) => kinds[index] === 'unknown');
    if (unknown.length === 0) return;
    if (unknown.some((heading) => NOT_UTF8.test(heading))) {
      throw new BadSource(
        'Expected headings in UTF-8, got bytes that are not. If a spreadsheet or an older program wrote the file, start ' +
          'the job with --encoding windows-1252 (encoding), or save it as CSV in UTF-8.',
      );
    }
    const isAnyKnown = kinds.some((kind) => isCustomerField(kind) || kind === GROUP || isAttributeKey(kind));
    // In a file without headings, the first line may be a customer's data.
    if (!isAnyKnown && (unknown.length === 1 || !unknown.every((text) => isBlank(text) || NAME.test(text)))) {
      throw new BadSource(
        `Expected headings in the first line, but none of its cells is a known one. ${knownHeadings(this.#match)}`,
      );
    }
    const names = [...new Set(unknown)];
    // An address is a customer's data, not a heading.
    const headingsOnly = names.filter((heading) => !ADDRESS.test(heading) && heading.length <= MAX_SHOWN);
    const example = headingsOnly.find((heading) => fold(heading) !== '');
    const field = kinds.includes('id') ? 'company' : 'id';
    const mappings = [field, 'attribute:NAME'].map((target) => shown(`${example}=${target}`, Infinity)).join(' or ');
    const mapping = `Say what a column holds with --column ${mappings} (columns). `;
    const options = fitting(
      headingsOnly.map((heading) => `--ignore ${shown(heading)}`),
      ' ',
    );
    throw new BadSource(
      `Unknown headings: ${fitting(
        names.map((name) => shown(name)),
        ', ',
      )}. ${knownHeadings(this.#match)} ${example === undefined ? '' : mapping}To leave columns ` +
        `out: ${options === '' ? '' : `${options} (ignoreColumns), or `}--ignore-unknown for all of them (ignoreUnknown).`,
    );
  }
}

/** A note on headings, or on keys of so many rows, that were left out; none if there are none. */
export function leftOutNotes(names: readonly string[], rows?: number): string[] {
  const of = rows === undefined ? '' : ` of ${rows.toLocaleString('en')} ${rows === 1 ? 'row' : 'rows'}`;
  return names.length > 0 ? [`Left out${of}, because this API can't set them: ${listed(names)}.`] : [];
}

const knownHeadings = (match: Match): string =>
  `Known headings: ${sourceFields(match).join(', ')}, form:NAME, attribute:NAME.`;

const MATCH_EMAIL = 'To find customers by their e-mail addresses, start the job with --match email (match).';

const ADDRESS = /[^\s@]@[^\s@]/;

/** A heading rather than a customer's id, or a text that is no CSV. */
const NAME = /^\p{L}[\p{L}\p{M}\p{N} _./()#*?-]*$/u;

/** Most characters of a heading in a message. A longer one is cut, and no command can be made of it. */
const MAX_SHOWN = 100;

/** Most characters of a list in a message: enough for the headings of any shop. */
const MAX_LIST = 2_500;

/** A cell holds several texts only if it is a JSON list of texts. */
const textOrTexts = (cell: string): unknown => textsIn(cell) ?? cell;

function twice(target: string, first: string, second: string): string {
  const cure =
    fold(first) === fold(second) ? 'Delete one of them from the file' : 'Leave one of them out with --ignore';
  return `Expected one column for ${quoted(target)}, got two: ${shown(first)} and ${shown(second)}. ${cure}.`;
}

/** A heading as it can be pasted into a command. In double quotes, which all shells know, some signs have a meaning. */
function shown(heading: string, most = MAX_SHOWN): string {
  if (ADDRESS.test(heading)) return `a text of ${heading.length} characters`;
  const text = printable(heading, most);
  return /["\\$`!]/.test(text) ? `'${text.replaceAll("'", String.raw`'\''`)}'` : `"${text}"`;
}

/** As many as fit into a message. */
function fitting(texts: readonly string[], separator: string): string {
  let list = '';
  for (const [index, text] of texts.entries()) {
    if (list.length + text.length > MAX_LIST) return `${list}${separator}and ${texts.length - index} more`;
    list += index === 0 ? text : separator + text;
  }
  return list;
}
