/** Whether a row can be sent, and why not. */
import { z } from 'zod';
import { describeValue, describeName } from '../contract/describe.ts';
import { damageIn, damageTo } from './damage.ts';
import type { Match } from '../contract/job.ts';
import { type CustomerField, type Field, FIELDS, isCustomerField, isKeyField, sourceFields } from './fields.ts';
import type { Problem } from './sources/record.ts';

const { new_email, ...fields } = FIELDS;
const shape = Object.fromEntries(Object.entries(fields).map(([name, { schema }]) => [name, schema]));
const customer = (fields: z.ZodRawShape) => z.strictObject(fields, 'an object with the fields of a customer');
const customers: Record<Match, z.ZodType> = {
  id: customer(shape),
  email: customer({ ...shape, new_email: new_email.schema, id: FIELDS.id.schema.optional() }),
};

// Far more channels or form fields than any store has. Every wrong member takes time to check.
const MAX_MEMBERS = 1_000;
const LISTS = ['store_credit_amounts', 'channel_ids', 'form_fields'] satisfies CustomerField[];

/**
 * Most bytes of a customer as JSON. BigCommerce documents no limit for notes, form fields and passwords; other texts
 * have at most 255 characters, and a typical customer a few hundred bytes.
 */
const MAX_CUSTOMER_BYTES = 64 * 1024;

/** The first thing that is wrong with a row; undefined if it can be sent, as soon as it is known to whom. */
export function checkCustomer(value: unknown, match: Match = 'id'): Problem | undefined {
  for (const field of LISTS) {
    const list: unknown = (value as Partial<Record<string, unknown>> | null)?.[field];
    if (!Array.isArray(list) || list.length <= MAX_MEMBERS) continue;
    return {
      code: 'invalid_field',
      message: `${field}: expected at most ${MAX_MEMBERS} members, got ${describeValue(list)}.`,
    };
  }
  const result = customers[match].safeParse(value);
  if (!result.success) return describe(result.error.issues, value, match);
  const fields = Object.keys(result.data as object);
  if (!fields.some((field) => isKeyField(field, match))) {
    return { code: 'invalid_field', message: 'Expected an e-mail address or an id, got neither.' };
  }
  if (fields.every((field) => isKeyField(field, match))) return { code: 'invalid_field', message: NOTHING[match] };
  const damaged = damageIn(value);
  if (damaged) {
    return {
      code: 'invalid_field',
      message: `${placeIn(value, damaged.path)}: expected text as it was entered, got ${damaged.damage}.`,
    };
  }
  if (!isTooLarge(value)) return undefined;
  const message = `Expected a customer of at most ${MAX_CUSTOMER_BYTES} bytes as JSON, got ${bytesOf(value)}.`;
  return { code: 'invalid_field', message };
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** Whether a customer with valid fields is still too large to be sent. */
export const isTooLarge = (value: unknown): boolean => bytesOf(value) > MAX_CUSTOMER_BYTES;

/** The row's customer id; null if it has no usable one. */
export function customerId(value: unknown): number | null {
  if (typeof value !== 'object' || value === null) return null;
  const id = FIELDS.id.schema.safeParse((value as { id?: unknown }).id);
  return id.success ? id.data : null;
}

const NOTHING: Record<Match, string> = {
  id: 'Expected at least one value to update besides the id, got only the id.',
  email:
    'Expected at least one value to update besides the e-mail address and the id, got none. Another address is new_email.',
};

const MATCH_EMAIL = 'To find customers by their e-mail addresses, start the job with --match email (match).';

function describe(issues: z.core.$ZodIssue[], row: unknown, match: Match): Problem {
  const issue = issues[0] as z.core.$ZodIssue;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  const path = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') {
    const value = issue.path.reduce<unknown>((part, key) => (part as Record<PropertyKey, unknown>)[key], row);
    const { blank }: Partial<Field> = value === '' && isCustomerField(path) ? FIELDS[path] : {};
    if (blank !== undefined) return { code: 'invalid_field', message: `${path}: ${blank}${more}.` };
    const where = path === '' ? '' : `${placeIn(row, path)}: `;
    const cure = path === 'id' && value === undefined && 'email' in (row as object) ? ` ${MATCH_EMAIL}` : '';
    const message = `${where}expected ${issue.message}, got ${gotOf(issue, value)}${more}.${cure}`;
    return { code: 'invalid_field', message };
  }
  const key = issue.keys[0] as string;
  const isKnown = path === '' && key === 'new_email';
  const known = path === '' ? ` Known fields: ${sourceFields(match).join(', ')}.` : '';
  const where = path === '' ? '' : ` in ${path}`;
  return {
    code: 'unknown_field',
    message: isKnown
      ? `new_email is for rows whose customers are found by e-mail address${more}: start the job with --match email (match).`
      : `${describeName(key)}${where} is not a field that can be updated${more}.${known}`,
  };
}

/** What came, instead of what an issue says was expected. */
function gotOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'too_big' || issue.code === 'too_small') return describeValue(value, true);
  // A number loses digits and zeros before anybody can make a text of it.
  if (issue.message === 'text' && typeof value === 'number') return `${describeValue(value)}: write it in quotes`;
  const damage = typeof value === 'string' ? damageTo(value) : undefined;
  if (damage !== undefined) return damage;
  return issue.code === 'custom' && issue.params ? (issue.params['got'] as string) : describeValue(value);
}

/** A form field by its name, which may be a column's heading; anything else by its path. */
function placeIn(row: unknown, path: string): string {
  const index = /^form_fields\.(\d+)\.value/.exec(path)?.[1];
  if (index === undefined) return path;
  const { name } = (row as { form_fields: { name?: unknown }[] }).form_fields[Number(index)] ?? {};
  return typeof name === 'string' ? `form_fields ${describeName(name)}` : path;
}
