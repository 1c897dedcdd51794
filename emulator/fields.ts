/** Returns what is wrong with a value, in the words of the API (those of Play JSON), or undefined. */
type FieldCheck = (value: unknown) => string | undefined;

const INT32_MAX = 2 ** 31 - 1;

const text =
  (min: number, max: number): FieldCheck =>
  (value) => {
    if (typeof value !== 'string') return 'error.expected.jsstring';
    if (value.length < min) return 'error.minLength';
    return value.length > max ? 'error.maxLength' : undefined;
  };

// As strict as can be without refusing an address that some store has: an @ between two parts, and nothing invisible.
const email: FieldCheck = (value) =>
  text(3, 255)(value) ?? (/^[^\s\p{C}@]+@[^\s\p{C}@]+$/u.test(value as string) ? undefined : 'error.email');

/** What an employee of BigCommerce said of passwords: at least 7 characters, letters and digits. */
const password: FieldCheck = (value) =>
  text(7, Infinity)(value) ??
  (/\p{L}/u.test(value as string) && /\d/.test(value as string) ? undefined : 'error.pattern');

const integer: FieldCheck = (value) => {
  if (typeof value !== 'number') return 'error.expected.jsnumber';
  return Number.isInteger(value) && Math.abs(value) <= INT32_MAX ? undefined : 'error.expected.int';
};

const number: FieldCheck = (value) => (typeof value === 'number' ? undefined : 'error.expected.jsnumber');

const trueOrFalse: FieldCheck = (value) => (typeof value === 'boolean' ? undefined : 'error.expected.jsboolean');

const list =
  (item: FieldCheck): FieldCheck =>
  (value) =>
    Array.isArray(value) ? value.map(item).find((error) => error) : 'error.expected.jsarray';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const object =
  (members: Record<string, FieldCheck>, required: string[] = []): FieldCheck =>
  (value) => {
    if (!isObject(value)) return 'error.expected.jsobject';
    if (required.some((name) => value[name] === undefined)) return 'error.path.missing';
    return Object.entries(members)
      .map(([name, check]) => (value[name] === undefined ? undefined : check(value[name])))
      .find((error) => error);
  };

const formFieldValue: FieldCheck = (value) =>
  typeof value === 'string' || typeof value === 'number' || (Array.isArray(value) && !list(text(0, Infinity))(value))
    ? undefined
    : 'error.expected.jsstring';

/** The fields that an update may contain. All others, read-only ones too, are ignored. */
const FIELDS: Record<string, FieldCheck> = {
  id: integer,
  email,
  first_name: text(1, 100),
  last_name: text(1, 100),
  company: text(0, 255),
  phone: text(0, 50),
  notes: text(0, Infinity),
  tax_exempt_category: text(0, 255),
  customer_group_id: integer,
  authentication: object({ force_password_reset: trueOrFalse, new_password: password }),
  accepts_product_review_abandoned_cart_emails: trueOrFalse,
  store_credit_amounts: list(object({ amount: number }, ['amount'])),
  channel_ids: (value) =>
    value === null ? undefined : (list(integer)(value) ?? ((value as []).length === 0 ? 'error.minLength' : undefined)),
  form_fields: list(object({ name: text(0, Infinity), value: formFieldValue }, ['name', 'value'])),
};

/** One customer's update, checked: only fields from the table, with the `id`. */
export type Update = {
  id: number;
  email?: string;
  customer_group_id?: number;
  /** Null: all channels. */
  channel_ids?: number[] | null;
} & Record<string, unknown>;

/**
 * Checks the elements of a PUT's array. Returns their updates, or the errors of the first bad one by field, which name no
 * index. `strict` rejects unknown and read-only fields too; whether the real API does is unknown.
 */
export function checkUpdates(
  sent: unknown[],
  strict: boolean,
): { updates: Update[] } | { errors: Record<string, string> } {
  const updates: Update[] = [];
  for (const element of sent) {
    const checked = checkUpdate(element, strict);
    if ('errors' in checked) return checked;
    updates.push(checked.update);
  }
  return { updates };
}

function checkUpdate(sent: unknown, strict: boolean): { update: Update } | { errors: Record<string, string> } {
  // The API treats an element that is not an object as one without an id.
  const { id, ...rest } = isObject(sent) ? sent : {};
  const update: Record<string, unknown> = {};
  const errors: Record<string, string> = {};
  for (const [name, value] of Object.entries({ id, ...rest })) {
    const check = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
    const error = check ? (value === undefined ? 'error.path.missing' : check(value)) : strict && 'error.unknown.field';
    if (error) errors[name] = error;
    else if (check) update[name] = value;
  }
  return Object.keys(errors).length > 0 ? { errors } : { update: update as Update };
}
