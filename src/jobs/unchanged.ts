/** Whether a customer has what a row of the source sets already. Pure. */
import type { Row, Values } from './values.ts';

/**
 * Whether every field of a row is as the customer has it at present; `current` is null for one that the store does not
 * have. In doubt it is not: a customer who is sent for nothing costs a call, one who is left out wrongly an update.
 */
export function isUnchanged(row: Row, current: Values | null | undefined): boolean {
  if (!current) return false;
  return Object.entries(row).every(([field, wanted]) => field === 'id' || sameIn(field, wanted, current[field]));
}

function sameIn(field: string, wanted: unknown, has: unknown): boolean {
  switch (field) {
    case 'authentication':
      return sameAuthentication(wanted as Values, has);
    case 'store_credit_amounts':
      return sameList(amounts(wanted), amounts(has));
    case 'form_fields':
      return (wanted as FormField[]).every(({ name, value }) => sameValue(value, valuesOf(has, name)));
    case 'channel_ids':
      return wanted === null || has === null ? wanted === has : sameList(sorted(wanted), sorted(has));
    default:
      return wanted === has || (wanted === '' && has === null);
  }
}

/** A form field as a row sets it, or the store tells it. */
interface FormField {
  name: string;
  value: unknown;
}

/** A new password is never known to be the present one. */
function sameAuthentication(wanted: Values, has: unknown): boolean {
  return Object.entries(wanted).every(
    ([name, value]) => name === 'force_password_reset' && value === (has as Values | null | undefined)?.[name],
  );
}

/** The values that the store tells of the form fields with a name; undefined where it tells none of any form field. */
function valuesOf(has: unknown, name: string): unknown[] | undefined {
  if (!Array.isArray(has)) return undefined;
  return (has as FormField[]).filter((field) => field?.name === name).map(({ value }) => value);
}

/** One that is not there is blank. A number may come back as text. */
function sameValue(wanted: unknown, values: unknown[] | undefined): boolean {
  if (values === undefined || values.length > 1) return false;
  const [has = ''] = values;
  if (Array.isArray(wanted)) return sameList(wanted, has === '' ? [] : has);
  return has === null ? wanted === '' : asText(wanted) === asText(has);
}

const asText = (value: unknown): unknown => (typeof value === 'number' ? String(value) : value);

function sameList(wanted: unknown, has: unknown): boolean {
  if (!Array.isArray(wanted) || !Array.isArray(has) || wanted.length !== has.length) return false;
  return wanted.every((item, index) => item === has[index]);
}

const amounts = (list: unknown): unknown =>
  Array.isArray(list) ? list.map((item: { amount?: unknown } | null) => item?.amount) : undefined;

const sorted = (list: unknown): unknown =>
  Array.isArray(list) ? [...new Set(list as number[])].sort((a, b) => a - b) : undefined;
