import { RecordBytes, type SourceRecord } from './record.ts';

const NEWLINE = 0x0a;
const BOM = '\uFEFF';

/** The records of newline-delimited JSON: one object a line, blank lines left out. */
export async function* ndjsonRecords(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<SourceRecord[]> {
  const line = new RecordBytes();
  let row = 0;
  let first = true;

  function add(last: Uint8Array, records: SourceRecord[]): void {
    let text = line.take(last);
    if (typeof text === 'string') {
      if (first && text.startsWith(BOM)) text = text.slice(1);
      first = false;
      if (text.trim() !== '') records.push(parse(++row, text));
    } else records.push({ row: ++row, problem: text });
  }

  for await (const piece of bytes) {
    const records: SourceRecord[] = [];
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      if (end > start || !line.isEmpty) add(piece.subarray(start, end), records);
      start = end + 1;
    }
    line.keep(piece.subarray(start));
    if (records.length > 0) yield records;
  }
  const records: SourceRecord[] = [];
  add(new Uint8Array(), records);
  if (records.length > 0) yield records;
}

function parse(row: number, text: string): SourceRecord {
  try {
    return { row, value: JSON.parse(text) as unknown };
  } catch {
    // What JSON.parse says quotes the text.
    const message = `Expected one JSON object on the line, got ${text.length} characters that are not JSON.`;
    return { row, problem: { code: 'invalid_field', message } };
  }
}
