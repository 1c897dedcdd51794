/** The files that a job leaves about its rows: the report, and the customers to retry. */
import type { CustomerCounts } from '../contract/job.ts';
import type { ChunkCode } from '../contract/outcomes.ts';
import type { Storage } from '../storage/storage.ts';
import { asSource } from './attributes.ts';
import { batches, pieces } from './streams.ts';
import { stringify } from 'csv-stringify/sync';
import { type EndedJob, type ReportedRow, type SettledRow, settledRows } from './settled-rows.ts';

/** Rows of a report by outcome, and how many of the failed ones nobody knows about any more. */
export type Reported = Omit<CustomerCounts, 'total' | 'updated'> & { notKnown: number };

/** The text of report.csv: a line for every row that was not updated, or for every row. Counts those that were not. */
export async function* reportCsv(storage: Storage, job: EndedJob, count: Reported): AsyncGenerator<string> {
  yield CSV_HEADING;
  const { options } = job;
  const hasLine = (chunk: ChunkCode) => options.reportAll || isOpen(chunk);
  for await (const rows of batches(reportedRows(settledRows(storage, job, hasLine), count))) {
    yield csvLines(options.reportAll ? rows : rows.filter(({ outcome }) => outcome !== 'updated'));
  }
}

/** The rows without what they hold, of which a batch could be large; counted. */
async function* reportedRows(rows: AsyncIterable<SettledRow>, count: Reported): AsyncGenerator<ReportedRow> {
  for await (const { row, line, id, outcome, code, message, isNotKnown = false } of rows) {
    if (outcome !== 'updated') count[outcome]++;
    count.notKnown += Number(isNotKnown);
    yield { row, line, id, outcome, code, message };
  }
}

/** The text of retry.ndjson: the customers that sending again may update, except those with a new password. */
export async function* retryNdjson(storage: Storage, job: EndedJob): AsyncGenerator<string> {
  yield* pieces(retryLines(settledRows(storage, job, isOpen)));
}

async function* retryLines(rows: AsyncIterable<SettledRow>): AsyncGenerator<string> {
  for await (const { retry } of rows) if (retry) yield `${JSON.stringify(asSource(retry))}\n`;
}

/** Whether some rows of a chunk were neither updated nor rejected. */
const isOpen = ({ state, failed }: ChunkCode): boolean => state === 'pending' || state === 'unprocessed' || failed > 0;

const COLUMNS = ['row', 'line', 'id', 'outcome', 'code', 'message'];

/** The first line, with its line end. */
export const CSV_HEADING = stringify([COLUMNS]);

/** One line a row, with line ends. A spreadsheet runs what looks like a formula, and some messages are the store's. */
export const csvLines = (rows: readonly ReportedRow[]): string =>
  stringify(rows as ReportedRow[], { columns: COLUMNS, escape_formulas: true });
