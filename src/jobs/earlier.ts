/** The row that takes a row of the source back. Pure. */
import { canBeSet, isTooLarge } from './customer.ts';
import type { Row, Values } from './values.ts';

/** What puts a customer's earlier values back. */
export interface Earlier {
  /** Undefined where there is nothing that it could put back. */
  row: Row | undefined;
  /** Something that the source's row sets can't be put back: a new password, or what the store did not tell or takes no more. */
  lacking: boolean;
}

/** The fields that `row` sets with the values that the customer had before. */
export function earlierOf(row: Row, before: Values | null | undefined): Earlier {
  const { id, ...fields } = row;
  const earlier: Values = {};
  let lacking = false;
  for (const [field, wanted] of Object.entries(fields)) {
    const value = before ? earlierValue(field, wanted, before[field]) : undefined;
    if (value !== undefined && canBeSet(field, value)) earlier[field] = value;
    else lacking = true;
    if (field === 'authentication' && 'new_password' in (wanted as Values)) lacking = true;
  }
  const taken = { id, ...earlier };
  if (isTooLarge(taken)) return { row: undefined, lacking: true };
  return { row: Object.keys(earlier).length > 0 ? taken : undefined, lacking };
}

function earlierValue(field: string, wanted: unknown, had: unknown): unknown {
  switch (field) {
    case 'authentication':
      return earlierAuthentication(wanted as Values, had);
    case 'store_credit_amounts':
      return Array.isArray(had) ? earlierAmounts(had) : undefined;
    case 'form_fields':
      return had === null || Array.isArray(had) ? earlierFormFields(wanted as FormField[], had ?? []) : undefined;
    case 'channel_ids':
      return had;
    default:
      // Where a blank text is none that the API takes, it can't be put back.
      return had ?? '';
  }
}

function earlierAuthentication(wanted: Values, had: unknown): Values | undefined {
  const reset = (had as Values | null | undefined)?.['force_password_reset'];
  return 'force_password_reset' in wanted && reset !== undefined ? { force_password_reset: reset } : undefined;
}

/** No store credit is told as none at all, or as an amount of 0. */
const earlierAmounts = (had: unknown[]): unknown[] =>
  had.length === 0 ? [{ amount: 0 }] : had.map((item) => ({ amount: (item as { amount?: unknown } | null)?.amount }));

interface FormField {
  name: string;
  value: unknown;
}

/**
 * All form fields that the customer had, and blanks for those that the row adds: nobody knows whether an update leaves the
 * others as they are.
 */
function earlierFormFields(wanted: FormField[], had: FormField[]): FormField[] {
  const names = new Set(had.map(({ name }) => name));
  const added = wanted.filter(({ name }) => !names.has(name));
  return [
    ...had.map(({ name, value }) => ({ name, value: value ?? '' })),
    ...added.map(({ name, value }) => ({ name, value: Array.isArray(value) ? [] : '' })),
  ];
}
