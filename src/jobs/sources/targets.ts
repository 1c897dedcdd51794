/** What a heading of a CSV file, or a key of a JSON object, may stand for. Pure. */
import { type AttributeKey, attributeKey, isAttributeKey } from '../attributes.ts';
import { CUSTOMER_FIELDS, type CustomerField, GROUP, isCustomerField, READ_ONLY_FIELDS } from '../fields.ts';
import { trimmed } from './text.ts';

const FORM = 'form:';

/** What the control panel's exports and common spreadsheets call a field, if not by its own name. */
const ALIASES: Record<string, Target> = {
  customerid: 'id',
  customernumber: 'id',
  // "Customer #": only letters and digits count.
  customer: 'id',
  emailaddress: 'email',
  newemailaddress: 'new_email',
  storecredit: 'store_credit_amounts',
  receivereviewabandonedcartemails: 'accepts_product_review_abandoned_cart_emails',
};

/** Columns of the control panel's exports that this API can't set. */
const NOT_SETTABLE =
  /^(datejoined|addresses|address(id|firstname|lastname|company|line[12]|city|state|zip|country|phone)\d+)$/;

/** Headings are compared by their letters and digits alone. */
export const fold = (heading: string): string =>
  heading
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');

export const TARGET_OF = new Map<string, Target>([
  ...[...CUSTOMER_FIELDS, GROUP].map((field): [string, Target] => [fold(field), field]),
  ...Object.entries(ALIASES),
]);

const READ_ONLY = new Set(READ_ONLY_FIELDS.map(fold));

/** One of a customer's form fields, by its exact name. */
type FormTarget = `form:${string}`;

/** What a fix file adds to the source's own columns. Unless an option says otherwise, they set nothing. */
export const ERROR_COLUMNS = ['error_code', 'error'] as const;

export const ERRORS: ReadonlySet<string> = new Set(ERROR_COLUMNS.map(fold));

/** What a heading or key may stand for. */
export type Target = CustomerField | typeof GROUP | FormTarget | AttributeKey;

export type HeadingKind = Target | 'ignored' | 'error' | 'not settable' | 'unknown';

/** `form:NAME`, whose name must be exact: the store can't be asked which form fields there are. */
function formTarget(heading: string): FormTarget | undefined {
  const name = trimmed(/^\s*form\s*:(.*)$/is.exec(heading)?.[1] ?? '');
  return name === '' ? undefined : `form:${name}`;
}

/** A part of a customer by its name, after a colon. */
export const namedTarget = (heading: string): FormTarget | AttributeKey | undefined =>
  formTarget(heading) ?? attributeKey(heading);

/** The name of the form field that a heading or key stands for. */
export const formFieldOf = (kind: string): string | undefined =>
  kind.startsWith(FORM) ? kind.slice(FORM.length) : undefined;

export const isTarget = (kind: string): kind is Target =>
  isCustomerField(kind) || kind === GROUP || formFieldOf(kind) !== undefined || isAttributeKey(kind);

/** Whether it is a field of the control panel or the API that can't be set. */
export const isNotSettable = (folded: string): boolean => NOT_SETTABLE.test(folded) || READ_ONLY.has(folded);
