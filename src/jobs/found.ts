/** Says what kind of value was found, never the value: messages end up in histories, and customers' data may not. */
export function found(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'string') return value === '' ? 'an empty text' : `text of ${value.length} characters`;
  if (typeof value === 'number') return kindOfNumber(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'boolean' ? 'true or false' : 'an object';
}

function kindOfNumber(value: number): string {
  if (!Number.isInteger(value)) return 'a number that is not whole';
  if (Math.abs(value) > 0x7fff_ffff) return 'a number of more than 32 bits';
  return value < 0 ? 'a negative number' : value === 0 ? 'zero' : 'a number';
}

/** A field's or column's name in quotes, if it looks like one: in a file without headings it may be a customer's data. */
export function foundName(name: string): string {
  return /^[\p{L}\p{N}_ ./?()-]{0,64}$/u.test(name) && !/\d{5}/.test(name)
    ? `"${name}"`
    : `a name of ${name.length} characters`;
}
