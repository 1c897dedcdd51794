/**
 * The fields of a customer that a source may have. For each: what the API accepts, how a CSV cell is read, whether a
 * customer already has a value, and what restores an earlier one. Pure.
 */
import { z } from 'zod';
import { addressKey } from '../contract/address.ts';
import type { Match } from '../contract/job.ts';
import type { AttributeValues } from './attributes.ts';
import { jsonIn, listIn, moneyIn, numberIn, numbersIn, YES_OR_NO, yesOrNoIn } from './cells.ts';

/** Fields of a customer with their values, as the API accepts and returns them. */
export type Values = Record<string, unknown>;

/** A row of a source: a customer's id, and the fields to set. */
export type Row = { id: number } & Values;

export interface Field {
  /** Its error messages say what it expects. */
  schema: z.ZodType;
  /** Reads a cell that is not blank. A cell that it can't read stays text, for the schema to reject. */
  read(cell: string): unknown;
  /** What to say of a blank, if the field can't be cleared. */
  blank?: string;
  /** Whether a customer with `has` need not be sent `wanted`. False if in doubt, which costs only a call. */
  same(wanted: unknown, has: unknown): boolean;
  /** The value that restores `had` after `wanted` was sent; undefined if none can. */
  earlier(had: unknown, wanted: unknown): unknown;
}

const MAX_INT32 = 0x7fff_ffff;

const asIs = (cell: string): unknown => cell;

const reads =
  (readCell: (cell: string) => unknown) =>
  (cell: string): unknown =>
    readCell(cell) ?? cell;

/** A field with one value. Some stores return blank text as null. Not every field can be set to blank again. */
const single = (schema: z.ZodType, read = asIs): Field => ({
  schema: schema.optional(),
  read,
  same: (wanted, has) => wanted === has || (wanted === '' && has === null),
  earlier: (had) => had ?? '',
});

function text(min: number, max: number): Field {
  const expected = min === 0 ? `text of at most ${max} characters` : `text of ${min} to ${max} characters`;
  return single(z.string('text').min(min, expected).max(max, expected));
}

function whole(min: number) {
  const expected = `a whole number from ${min} to ${MAX_INT32}`;
  return z.number(expected).int(expected).min(min, expected).max(MAX_INT32, expected);
}

const EMAIL = 'an e-mail address';

/** The store's limit for updates; for new customers it is 250. */
const MAX_EMAIL = 255;

/** What is certainly wrong with an address, as "got …": mixed-up columns, damage on the way. The store judges the rest. */
function addressFault(address: string): string | undefined {
  const [name, domain, ...more] = address.split('@');
  if (domain === undefined) return 'text with no @';
  if (more.length > 0) return 'text with more than one @';
  if (name === '' || domain === '') return `text with nothing ${name === '' ? 'before' : 'after'} the @`;
  if (/[ \t\r\n]/.test(address)) return 'text with a blank in it';
  return /[\p{Default_Ignorable_Code_Point}\p{Z}\p{Cc}]/u.test(address)
    ? 'one with an invisible character in it'
    : undefined;
}

const email = z
  .string(EMAIL)
  .max(MAX_EMAIL, { error: `${EMAIL} of at most ${MAX_EMAIL} characters`, abort: true })
  .superRefine((address, context) => {
    const got = addressFault(address);
    if (got !== undefined) context.addIssue({ code: 'custom', message: EMAIL, params: { got } });
  });

/** Its case does not count: an ERP that writes all in capitals would have all sent each night. */
const sameAddress = (wanted: unknown, has: unknown): boolean =>
  typeof wanted === 'string' && typeof has === 'string' && addressKey(wanted) === addressKey(has);

/** Nobody can tell whether a new password is the current one, and it can't be restored. */
const authentication: Field = {
  schema: z
    .strictObject(
      { force_password_reset: z.boolean('true or false').optional(), new_password: z.string('text').optional() },
      'a JSON object such as {"force_password_reset":true}',
    )
    .optional(),
  read: reads(jsonIn),
  blank: "authentication can't be cleared",
  same: (wanted, has) =>
    Object.entries(wanted as Values).every(
      ([name, value]) => name === 'force_password_reset' && value === (has as Values | null | undefined)?.[name],
    ),
  earlier(had, wanted) {
    const reset = (had as Values | null | undefined)?.['force_password_reset'];
    const wasSet = 'force_password_reset' in (wanted as Values);
    return wasSet && reset !== undefined ? { force_password_reset: reset } : undefined;
  },
};

const amounts = (list: unknown): unknown =>
  Array.isArray(list) ? list.map((item: { amount?: unknown } | null) => item?.amount) : undefined;

const storeCredit: Field = {
  schema: z
    .array(z.strictObject({ amount: z.number('a number') }, 'an object with an amount'), 'an amount such as 12.50')
    .optional(),
  // "Store Credit" of the control panel is one amount.
  read(cell) {
    const amount = moneyIn(cell)?.amount;
    return amount === undefined ? (listIn(cell) ?? cell) : [{ amount }];
  },
  blank: "a blank amount can't be cleared: write 0 for none",
  same: (wanted, has) => sameList(amounts(wanted), amounts(has)),
  // A customer without store credit has an empty list, or an amount of 0.
  earlier(had) {
    if (!Array.isArray(had)) return undefined;
    return had.length === 0 ? [{ amount: 0 }] : (amounts(had) as unknown[]).map((amount) => ({ amount }));
  },
};

const sorted = (list: unknown): unknown =>
  Array.isArray(list) ? [...new Set(list as number[])].sort((a, b) => a - b) : undefined;

const channels: Field = {
  schema: z.array(whole(1), 'channel ids such as 1,2').optional(),
  read: reads(numbersIn),
  blank: "a blank list of channels can't be cleared",
  same: (wanted, has) => sameList(sorted(wanted), sorted(has)),
  // Null is all channels, which a source can't say: there it is a blank.
  earlier: (had) => had ?? undefined,
};

/** A form field as a row sets it, or the store returns it. */
export interface FormField {
  name: string;
  value: unknown;
}

const isFormField = (value: unknown): value is FormField =>
  typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string';

/** The form fields in what a row sets, or the store returns. */
export const formFieldsIn = (value: unknown): FormField[] => (Array.isArray(value) ? value.filter(isFormField) : []);

const formFields: Field = {
  schema: z
    .array(
      z.strictObject(
        {
          name: z.string('text'),
          value: z.union([z.string(), z.number(), z.array(z.string())], 'text, a number or a list of texts'),
        },
        'an object with name and value',
      ),
      'a JSON list of form fields, or a column form:NAME for each',
    )
    .optional(),
  read: reads(jsonIn),
  blank: "a blank list of form fields can't be cleared",
  same: (wanted, has) => (wanted as FormField[]).every(({ name, value }) => sameFormField(value, name, has)),
  // All that the customer had, and blanks for what was added: it is undocumented whether an update keeps the others.
  earlier(had, wanted) {
    if (had !== null && !Array.isArray(had)) return undefined;
    const before = (had ?? []).filter(isFormField);
    const names = new Set(before.map(({ name }) => name));
    const added = (wanted as FormField[]).filter(({ name }) => !names.has(name));
    return [
      ...before.map(({ name, value }) => ({ name, value: value ?? '' })),
      ...added.map(({ name, value }) => ({ name, value: Array.isArray(value) ? [] : '' })),
    ];
  },
};

/** Adds form fields from columns of their own to a row; returns the name of one that it has already. */
export function addFormFields(row: Values, added: readonly FormField[]): string | undefined {
  const { form_fields: there = [] } = row;
  if (!Array.isArray(there)) return undefined;
  row['form_fields'] = [...(there as FormField[]), ...added];
  const names = new Set(there.map((field: Partial<FormField> | null) => field?.name));
  return added.find(({ name }) => names.size === names.add(name).size)?.name;
}

/** A missing one is blank. A number may come back as text. */
function sameFormField(wanted: unknown, name: string, all: unknown): boolean {
  if (!Array.isArray(all)) return false;
  const [has = { value: '' }, ...more] = all.filter(isFormField).filter((field) => field.name === name);
  if (more.length > 0) return false;
  const { value } = has;
  if (Array.isArray(wanted)) return sameList(wanted, value === '' ? [] : value);
  const asText = (one: unknown) => (typeof one === 'number' ? String(one) : one);
  return value === null ? wanted === '' : asText(wanted) === asText(value);
}

function sameList(wanted: unknown, has: unknown): boolean {
  if (!Array.isArray(wanted) || !Array.isArray(has) || wanted.length !== has.length) return false;
  return wanted.every((item, index) => item === has[index]);
}

/** Those of the store's own definition, which go to another endpoint: text by the attribute's id, or null for none. */
const attributes: Field = {
  schema: z.record(z.string(), z.string('text').nullable(), 'an object').optional(),
  read: reads(jsonIn),
  same: (wanted, has) =>
    Object.entries(wanted as AttributeValues).every(
      ([id, value]) => value === (has as AttributeValues | undefined)?.[id],
    ),
  earlier(had, wanted) {
    if (typeof had !== 'object' || had === null) return undefined;
    return Object.fromEntries(
      Object.keys(wanted as AttributeValues).map((id) => [id, (had as AttributeValues)[id] ?? null]),
    );
  },
};

/** By name, `id` first. `new_email` is for rows that have their customer's present address in `email`. */
export const FIELDS = {
  id: { ...single(whole(1), reads(numberIn)), schema: whole(1) },
  email: { ...single(email), same: sameAddress, blank: "a blank e-mail address can't be cleared" },
  new_email: { ...single(email), blank: "a blank new e-mail address can't be given" },
  first_name: { ...text(1, 100), blank: "a blank first name can't be cleared" },
  last_name: { ...text(1, 100), blank: "a blank last name can't be cleared" },
  company: text(0, 255),
  phone: text(0, 50),
  notes: single(z.string('text')),
  tax_exempt_category: text(0, 255),
  customer_group_id: {
    ...single(whole(0), reads(numberIn)),
    blank: "a blank group can't be cleared: write 0 for no group",
  },
  authentication,
  accepts_product_review_abandoned_cart_emails: {
    ...single(z.boolean(YES_OR_NO), reads(yesOrNoIn)),
    blank: "a blank yes or no can't be cleared: write one of the two",
  },
  store_credit_amounts: storeCredit,
  channel_ids: channels,
  form_fields: formFields,
  attributes,
} satisfies Record<string, Field>;

/** A field of a customer that a job may change, or `id`. */
export type CustomerField = keyof typeof FIELDS;

export const CUSTOMER_FIELDS = Object.keys(FIELDS) as CustomerField[];

/** What a source calls a group by its name. */
export const GROUP = 'customer_group' as const;

/** What a source may have: beside a customer's fields, his group by its name, which becomes `customer_group_id`. */
export const sourceFields = (match: Match): string[] =>
  [...CUSTOMER_FIELDS, GROUP].filter((field) => match === 'email' || field !== 'new_email');

/** Whether a field says which customer a row is about, and sets nothing. */
export const isKeyField = (field: string, match: Match): boolean =>
  field === 'id' || (match === 'email' && field === 'email');

export const isCustomerField = (name: string | undefined): name is CustomerField =>
  name !== undefined && Object.hasOwn(FIELDS, name);

/** Fields that BigCommerce returns but does not accept. */
export const READ_ONLY_FIELDS: readonly string[] = [
  'registration_ip_address',
  'date_created',
  'date_modified',
  'origin_channel_id',
  'address_count',
  'attribute_count',
  'shopper_profile_id',
  'segment_ids',
];

/** Whether a customer already has all that a row sets; `current` is null if the store does not have the customer. */
export function isUnchanged(row: Row, current: Values | null | undefined): boolean {
  if (!current) return false;
  return Object.entries(row).every(
    ([name, wanted]) => name === 'id' || (isCustomerField(name) && FIELDS[name].same(wanted, current[name])),
  );
}
