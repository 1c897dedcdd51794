import { stringify } from 'csv-stringify/sync';
import type { CustomerCounts, OutcomeCode } from '../src/contract/job.ts';

/** Customers that a store needs for the sample, with the ids 1 to this. */
export const SAMPLE_STORE_SIZE = 5_000;

/** Generated customers as a file, and what a job should do with them. */
export interface Sample {
  /** CSV with the headings of the control panel's export. */
  csv: string;
  counts: CustomerCounts;
  /** The code of each row that can't be updated, by row. */
  notUpdated: Map<number, OutcomeCode>;
  /** The customers that can be updated, with the values that they should have afterwards. */
  good: GoodCustomer[];
}

/** What the sample changes, by the names of the API. */
export interface GoodCustomer {
  id: number;
  first_name: string;
  last_name: string;
  company: string;
  phone: string;
  notes: string;
}

const HEADINGS = ['Customer ID', 'First Name', 'Last Name', 'Email Address', 'Company', 'Phone', 'Notes'];

const FIRST_NAMES = [
  'Ada',
  'Björk',
  'Chinua',
  'Dmitri',
  'Elena',
  'Fatima',
  'Grace',
  'Haruki',
  'Ingrid',
  'José',
  'Kateb',
];
const LAST_NAMES = ['Abe', 'Brontë', 'Calvino', 'Dahl', 'Eco', 'Frame', 'García', 'Hesse', 'Ibsen', 'Jansson', 'Kafka'];
const COMPANIES = [
  'Lamp & Lantern',
  'Oak, Ash and Elm',
  'The "Blue" Door',
  'Northern Tea',
  'Paper Kites',
  '',
  'Salt House',
];

/** What is wrong with some rows: three can't be sent, two are rejected by the store. */
const WRONG: [share: number, code: OutcomeCode, cells: (row: number) => Record<string, string>][] = [
  [0.1, 'invalid_field', () => ({ 'Email Address': 'ada at example.com' })],
  [0.3, 'unknown_id', () => ({ 'Customer ID': String(SAMPLE_STORE_SIZE + 1) })],
  [0.5, 'invalid_field', () => ({ 'Customer ID': 'unknown' })],
  [0.7, 'email_taken', () => ({ 'Email Address': `customer${SAMPLE_STORE_SIZE}@example.com` })],
  [0.9, 'duplicate', (row) => ({ 'Customer ID': String(row - 1) })],
];

/** Always the same `size` customers, at least 20: mostly good ones, and one for each row of WRONG. */
export function sampleCustomers(size: number): Sample {
  const wrong = new Map(WRONG.map(([share, code, cells]) => [Math.round(size * share), { code, cells }]));
  const lines: Record<string, string>[] = [];
  const good: GoodCustomer[] = [];
  const pick = (list: string[], row: number) => list[row % list.length] as string;
  for (let row = 1; row <= size; row++) {
    const customer: GoodCustomer = {
      id: row,
      first_name: pick(FIRST_NAMES, row),
      last_name: pick(LAST_NAMES, Math.floor(row / FIRST_NAMES.length)),
      company: pick(COMPANIES, row),
      phone: `+49 30 ${String(100_000 + row)}`,
      notes: `Imported as number ${row}`,
    };
    lines.push({
      'Customer ID': String(row),
      'First Name': customer.first_name,
      'Last Name': customer.last_name,
      Company: customer.company,
      Phone: customer.phone,
      Notes: customer.notes,
      ...wrong.get(row)?.cells(row),
    });
    if (!wrong.has(row)) good.push(customer);
  }
  const counts = { total: size, updated: good.length, rejected: 2, failed: 0, invalid: 3, unprocessed: 0 };
  const notUpdated = new Map([...wrong].map(([row, { code }]) => [row, code]));
  return { csv: stringify(lines, { header: true, columns: HEADINGS }), counts, notUpdated, good };
}
