/** What the rows of all formats have in common. */
import type { Match } from '../../contract/job.ts';
import { describeValue, quoted } from '../../contract/describe.ts';
import { moneyIn } from '../cells.ts';
import { addFormFields, type FormField, isKeyField, type Values } from '../fields.ts';
import {
  type AttributeKey,
  attributeKey,
  type Attributes,
  attributeTarget,
  isByName,
  setAttribute,
  unknownAttribute,
} from '../attributes.ts';
import { groupIdOf, type Groups } from '../groups.ts';
import { NamesNeeded } from '../names.ts';
import type { Problem } from './record.ts';
import { trimmed } from './text.ts';

/** How the job's options say that values are to be read. */
export interface ValueOptions {
  /** How rows name customers. A blank key is none, whatever `blankCells` says. */
  match: Match;
  /**
   * What a blank cell or null means: leave the value as it is, or clear it. Only company, phone, notes and
   * tax_exempt_category can be cleared: with "clear", a blank anywhere else makes the row invalid.
   */
  blankCells: 'keep' | 'clear';
  /** Texts that are one of these words are blank, whatever their case. */
  blankWords: readonly string[];
  /** The store's groups; undefined while they are unknown: then a row that names one throws NamesNeeded. */
  groups?: Groups | undefined;
  /** The same for its attributes. */
  attributes?: Attributes | undefined;
}

/** Sets the values of the rows of one source, and remembers what a person should know of them. */
export class RowValues {
  readonly #match: Match;
  readonly #clear: boolean;
  readonly #blankWords: Set<string>;
  readonly #groups: Groups | undefined;
  readonly #attributes: Attributes | undefined;
  /** Signs beside amounts. */
  readonly #currencies = new Set<string>();

  constructor({ match, blankCells, blankWords, groups, attributes }: ValueOptions) {
    this.#match = match;
    this.#clear = blankCells === 'clear';
    this.#blankWords = new Set(blankWords.map(wordOf));
    this.#groups = groups;
    this.#attributes = attributes;
  }

  /** What a person should know once all rows are read. */
  get notes(): string[] {
    if (this.#currencies.size === 0) return [];
    const signs = [...this.#currencies].slice(0, 10).join(', ');
    return [`Amounts are taken in the store's currency, whatever sign is beside them in the file: ${signs}.`];
  }

  /** Whether a blank leaves a field alone. */
  isKept(field: string): boolean {
    return !this.#clear || (this.#match === 'email' && isKeyField(field, this.#match));
  }

  isBlankWord(text: string): boolean {
    return this.#blankWords.size > 0 && this.#blankWords.has(wordOf(text));
  }

  noteCurrency(amount: string): void {
    const currency = moneyIn(amount)?.currency;
    if (currency !== undefined) this.#currencies.add(currency);
  }

  /** Puts a customer into the group with this name, or a blank one; returns why it can't. Throws NamesNeeded. */
  setGroup(row: Values, name: unknown): Problem | undefined {
    const id = name === '' ? '' : groupIdOf(name, this.#groups);
    if (typeof id === 'object') return id;
    row['customer_group_id'] = id;
    return undefined;
  }

  /** Sets the values of an object of attributes by their names; returns why it can't. Throws NamesNeeded. */
  setAttributes(row: Values, values: unknown): Problem | undefined {
    if (typeof values !== 'object' || values === null || Array.isArray(values)) {
      const message = `attributes: expected an object such as {"Loyalty Tier":"Gold"}, got ${describeValue(values)}.`;
      return { code: 'invalid_field', message };
    }
    for (const [name, value] of Object.entries(values)) {
      const problem = this.setAttribute(row, attributeKey(`attribute:${name}`) ?? 'attribute:', value);
      if (problem) return problem;
    }
    return undefined;
  }

  /** Sets the value of an attribute, or removes it for null; returns why it can't. Throws NamesNeeded. */
  setAttribute(row: Values, key: AttributeKey, value: unknown): Problem | undefined {
    if (isByName(key) && !this.#attributes) throw new NamesNeeded('attributes');
    const isBlank = typeof value === 'string' && this.isBlankWord(value);
    if (isBlank && this.isKept('attributes')) return undefined;
    const target = attributeTarget(key, this.#attributes);
    if (typeof target !== 'string') return setAttribute(row, target, isBlank ? '' : value);
    return unknownAttribute(key.slice(key.indexOf(':') + 1), target, this.#attributes as Attributes);
  }

  /** Adds form fields that stood under their names; returns why it can't. */
  setFormFields(row: Values, added: readonly FormField[]): Problem | undefined {
    const twice = addFormFields(row, added);
    if (twice === undefined) return undefined;
    const place = quoted(`form:${twice}`);
    const message = `form_fields: expected one value of a form field, got another one under ${place}.`;
    return { code: 'invalid_field', message };
  }
}

const wordOf = (text: string): string => trimmed(text).toLowerCase();
