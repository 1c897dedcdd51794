import { z } from 'zod';
import { found, foundName } from '../found.ts';
import type { Problem } from './sources/record.ts';

const MAX_INT32 = 0x7fff_ffff;

// Each check carries what it expects as its message; what was found is added in `describe`.
function text(min: number, max: number) {
  const expected = min === 0 ? `text of at most ${max} characters` : `text of ${min} to ${max} characters`;
  return z.string(expected).min(min, expected).max(max, expected).optional();
}

function whole(min: number) {
  const expected = `a whole number from ${min} to ${MAX_INT32}`;
  return z.number(expected).int(expected).min(min, expected).max(MAX_INT32, expected);
}

// BigCommerce is the judge of addresses. This only finds columns that are mixed up, and what would fail for sure: it
// takes 3 to 250 characters.
const EMAIL = 'an e-mail address of at most 250 characters';

const yesOrNo = z.boolean('true or false').optional();
const anyText = z.string('text').optional();

const FIELDS = {
  id: whole(1),
  email: z
    .string(EMAIL)
    .max(250, EMAIL)
    .regex(/^[^\s@]+@[^\s@]+$/, EMAIL)
    .optional(),
  first_name: text(1, 100),
  last_name: text(1, 100),
  company: text(0, 255),
  phone: text(0, 50),
  notes: anyText,
  tax_exempt_category: text(0, 255),
  customer_group_id: whole(0).optional(),
  authentication: z.strictObject({ force_password_reset: yesOrNo, new_password: anyText }, 'an object').optional(),
  accepts_product_review_abandoned_cart_emails: yesOrNo,
  store_credit_amounts: z
    .array(z.strictObject({ amount: z.number('a number') }, 'an object with an amount'), 'a list of amounts')
    .optional(),
  channel_ids: z.array(whole(1), 'a list of channel ids').nullish(),
  form_fields: z
    .array(
      z.strictObject(
        {
          name: z.string('text'),
          value: z.union([z.string(), z.number(), z.array(z.string())], 'text, a number or a list of texts'),
        },
        'an object with name and value',
      ),
      'a list of form fields',
    )
    .optional(),
};

/** A field of a customer that a job may change, or `id`. */
export type CustomerField = keyof typeof FIELDS;

/** All fields that a source may have, `id` first. */
export const CUSTOMER_FIELDS = Object.keys(FIELDS) as CustomerField[];

/** Fields that BigCommerce tells but does not take. */
export const READ_ONLY_FIELDS: readonly string[] = [
  'registration_ip_address',
  'date_created',
  'date_modified',
  'origin_channel_id',
];

const customer = z.strictObject(FIELDS, 'an object with the fields of a customer');

// Far more channels or form fields than a store has. Each member that is wrong costs a check its time.
const MAX_MEMBERS = 1_000;
const LISTS = ['store_credit_amounts', 'channel_ids', 'form_fields'] satisfies CustomerField[];

/**
 * Most bytes of a customer as JSON. BigCommerce names no bound for notes, form fields and passwords; other texts end at 255
 * characters, and an ordinary customer has some hundred bytes. A page has a thousand customers: 64 MiB of memory.
 */
const MAX_CUSTOMER_BYTES = 64 * 1024;

/** Whether a row can be sent: undefined if so, else the first thing that is wrong with it. */
export function checkCustomer(value: unknown): Problem | undefined {
  for (const field of LISTS) {
    const list: unknown = (value as Partial<Record<string, unknown>> | null)?.[field];
    if (!Array.isArray(list) || list.length <= MAX_MEMBERS) continue;
    return { code: 'invalid_field', message: `${field}: expected at most ${MAX_MEMBERS} members, got ${found(list)}.` };
  }
  const result = customer.safeParse(value);
  if (!result.success) return describe(result.error.issues, value);
  if (Object.keys(result.data).every((field) => field === 'id')) {
    return { code: 'invalid_field', message: 'Expected a field to update beside id, got nothing to update.' };
  }
  if (!isTooLarge(value)) return undefined;
  const message = `Expected a customer of at most ${MAX_CUSTOMER_BYTES} bytes as JSON, got ${bytesOf(value)}.`;
  return { code: 'invalid_field', message };
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** Whether a customer, whose fields can be set, is too large to be sent all the same. */
export const isTooLarge = (value: unknown): boolean => bytesOf(value) > MAX_CUSTOMER_BYTES;

/** Whether the API takes this value for a field. */
export function canBeSet(field: string, value: unknown): boolean {
  return field in FIELDS && FIELDS[field as CustomerField].safeParse(value).success;
}

/** The row's customer id; null where it has no usable one. */
export function customerId(value: unknown): number | null {
  if (typeof value !== 'object' || value === null) return null;
  const id = FIELDS.id.safeParse((value as { id?: unknown }).id);
  return id.success ? id.data : null;
}

function describe(issues: z.core.$ZodIssue[], row: unknown): Problem {
  const issue = issues[0] as z.core.$ZodIssue;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  const path = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') {
    const value = issue.path.reduce<unknown>((part, key) => (part as Record<PropertyKey, unknown>)[key], row);
    const where = path === '' ? '' : `${path}: `;
    return { code: 'invalid_field', message: `${where}expected ${issue.message}, got ${found(value)}${more}.` };
  }
  const key = issue.keys[0] as string;
  if (path === '' && READ_ONLY_FIELDS.includes(key)) {
    return { code: 'read_only_field', message: `${key}: BigCommerce does not let it be changed; leave it out${more}.` };
  }
  const known = path === '' ? ` The known ones are ${CUSTOMER_FIELDS.join(', ')}.` : '';
  const where = path === '' ? '' : ` in ${path}`;
  return {
    code: 'unknown_field',
    message: `${foundName(key)}${where} is not a field that can be updated${more}.${known}`,
  };
}
