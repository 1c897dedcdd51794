import { z } from 'zod';

/** A flag or control request that can't be used. The message says what was expected and what was given. */
export class BadInput extends Error {}

/** Returns what the schema makes of `value`. Throws BadInput if it does not fit; `name` says what `value` is. */
export function read<T>(name: string, value: unknown, schema: z.ZodType<T>): T {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const { path, message, input } = result.error.issues[0] as z.core.$ZodIssue;
  const given = input === undefined ? 'nothing' : (JSON.stringify(input) ?? typeof input).slice(0, 100);
  throw new BadInput(`${path.join('.') || name}: ${message}, got ${given}`);
}

export const whole = (min: number, max: number) => {
  const expected = `expected a whole number from ${min} to ${max}`;
  return z.int(expected).min(min, expected).max(max, expected);
};

/** A whole number written as text. */
export const wholeText = (min: number, max: number) =>
  z.string().regex(/^\d+$/, `expected a whole number from ${min} to ${max}`).transform(Number).pipe(whole(min, max));

const id = whole(1, 2 ** 31 - 1);

/** A store's customer groups. */
export const groups = z.array(z.strictObject({ id, name: z.string() }));

/** The attributes that a store has defined, BigCommerce's limit of them at most. */
export const attributes = z
  .array(z.strictObject({ id, name: z.string(), type: z.enum(['string', 'number', 'date']) }))
  .max(50, 'expected at most 50 attributes');

/** Attribute values to set, or to remove. */
export const values = z.array(z.strictObject({ customer_id: id, attribute_id: id, value: z.string().nullable() }));

/** The ids of a store's channels. */
export const channels = z.array(id);

/** A store hash: short lower-case letters and digits in every example seen. */
export const storeHash = z
  .string()
  .regex(/^[a-z0-9]{1,32}$/, 'expected a store hash, 1 to 32 lower-case letters and digits');

/** An access token: something that fits into a header and into `--stores`. */
export const token = z
  .string()
  .regex(/^[\w.-]{1,200}$/, 'expected a token, 1 to 200 letters, digits, underscores, dots and hyphens');
