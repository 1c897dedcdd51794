import { foundName, listed, quoted } from '../../contract/describe.ts';
import { BadSource } from '../errors.ts';
import { CUSTOMER_FIELDS, type CustomerField, FIELDS, isCustomerField, READ_ONLY_FIELDS } from '../fields.ts';

/** A column of a CSV file: the field it stands for, and how a cell that is not blank reads. */
export interface Column {
  field: CustomerField;
  /** A cell that does not read as its field should stays text, for checkCustomer to say so. */
  read(cell: string): unknown;
}

/** What the control panel's export calls fields, where it is not the field's own name with spaces. */
const CONTROL_PANEL: Record<string, string> = {
  customerid: 'id',
  emailaddress: 'email',
  customergroup: 'customer_group_id',
  storecredit: 'store_credit_amounts',
  'receivereview/abandonedcartemails?': 'accepts_product_review_abandoned_cart_emails',
  datejoined: 'date_created',
};

const KNOWN = `Known headings: ${CUSTOMER_FIELDS.join(', ')}.`;

const plain = (heading: string): string => heading.toLowerCase().replace(/[\s_]/g, '');

const FIELD_OF = new Map<string, string>([
  ...[...CUSTOMER_FIELDS, ...READ_ONLY_FIELDS].map((field): [string, string] => [plain(field), field]),
  ...Object.entries(CONTROL_PANEL),
]);

/**
 * What the columns of a CSV file stand for, by its headings, without regard to case, spaces and underscores; undefined
 * for a column that `ignore` names. Throws BadSource for headings that are unknown, read-only or double, or lack id.
 */
export function columnsOf(headings: readonly string[], ignore: readonly string[]): (Column | undefined)[] {
  const ignored = new Set(ignore.map(plain));
  const used = headings.filter((heading) => !ignored.has(plain(heading)));
  const fieldOf = (heading: string) => FIELD_OF.get(plain(heading));
  refuseUnusable(
    used,
    used.filter((heading) => !isCustomerField(fieldOf(heading))),
  );

  const first = new Map<string, string>();
  for (const heading of used) {
    const field = fieldOf(heading) as string;
    const other = first.get(field);
    if (other !== undefined) {
      throw new BadSource(
        `Expected one column for ${field}, got two: "${quoted(other)}" and "${quoted(heading)}". Take one of them out.`,
      );
    }
    first.set(field, heading);
  }
  if (!first.has('id'))
    throw new BadSource(`Expected a column with the heading "id" or "Customer ID", got none. ${KNOWN}`);

  return headings.map((heading) => {
    const field = fieldOf(heading);
    return ignored.has(plain(heading)) || !isCustomerField(field) ? undefined : { field, read: FIELDS[field].read };
  });
}

function refuseUnusable(used: readonly string[], unusable: readonly string[]): void {
  if (unusable.length === 0) return;
  if (unusable.length === used.length) {
    throw new BadSource(`Expected a first line with headings, got none that is known. ${KNOWN}`);
  }
  const isReadOnly = (heading: string) => FIELD_OF.has(plain(heading));
  const list = (kind: string, headings: string[]) =>
    headings.length > 0 ? `${kind} headings: ${listed(headings)}. ` : '';
  const cure = unusable
    .slice(0, 10)
    .map((heading) => `--ignore ${foundName(heading)}`)
    .join(' ');
  throw new BadSource(
    list(
      'Unknown',
      unusable.filter((heading) => !isReadOnly(heading)),
    ) +
      list('Read-only', unusable.filter(isReadOnly)) +
      `${KNOWN} Rename the columns, or leave them out with ${cure} (ignoreColumns).`,
  );
}
