/** What a value given to the emulator must be: in words for whoever gave another, and as a test. */
export interface Check<T> {
  expected: string;
  accepts(value: unknown): value is T;
}

/** A flag or control request that can't be used. The message says what was expected and what came. */
export class BadInput extends Error {}

/** `value` if the check accepts it; throws BadInput otherwise. */
export function checked<T>(name: string, value: unknown, check: Check<T>): T {
  if (check.accepts(value)) return value;
  const came = value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value).slice(0, 100);
  throw new BadInput(`${name}: expected ${check.expected}, got ${came}`);
}

/** The whole number that a text spells, or the text for a check to complain of. */
export const spelt = (value: string | undefined): number | string | undefined =>
  value !== undefined && /^\d+$/.test(value) ? Number(value) : value;

export const wholeNumber = (min: number, max: number): Check<number> => ({
  expected: `a whole number from ${min} to ${max}`,
  accepts: (value): value is number => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
});

export const number = (min: number, max: number): Check<number> => ({
  expected: `a number from ${min} to ${max}`,
  accepts: (value): value is number => typeof value === 'number' && value >= min && value <= max,
});

export const trueOrFalse: Check<boolean> = {
  expected: 'true or false',
  accepts: (value): value is boolean => typeof value === 'boolean',
};

export const text: Check<string> = {
  expected: 'a text',
  accepts: (value): value is string => typeof value === 'string',
};

export const object: Check<Record<string, unknown>> = {
  expected: 'a JSON object',
  accepts: (value): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value),
};

export const oneOf = <T extends string>(...names: T[]): Check<T> => ({
  expected: names.length === 1 ? `"${names[0]}"` : `one of ${names.join(', ')}`,
  accepts: (value): value is T => names.some((name) => name === value),
});

export const either = <A, B>(a: Check<A>, b: Check<B>): Check<A | B> => ({
  expected: `${a.expected} or ${b.expected}`,
  accepts: (value): value is A | B => a.accepts(value) || b.accepts(value),
});

/** A store hash: short lower-case letters and digits in every example seen. */
export const storeHash: Check<string> = {
  expected: 'a store hash, 1 to 32 lower-case letters and digits',
  accepts: (value): value is string => typeof value === 'string' && /^[a-z0-9]{1,32}$/.test(value),
};

/** An access token: something that can stand in a header and in `--stores`. */
export const token: Check<string> = {
  expected: 'a token, 1 to 200 letters, digits and _ . -',
  accepts: (value): value is string => typeof value === 'string' && /^[\w.-]{1,200}$/.test(value),
};
