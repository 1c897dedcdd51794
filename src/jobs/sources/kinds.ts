/** What a file of another kind is, by how it begins, and what to do with it. */
import { BadSource } from '../errors.ts';

const SAVE_AS_CSV = 'Open it and save the sheet as "CSV UTF-8 (comma delimited)", then start the job with that file';

/** How files begin: as bytes, one character each. */
const KINDS: [begins: RegExp, kind: string, cure: string][] = [
  [/^PK\x03\x04[^]*?(\[Content_Types\]\.xml|xl\/|_rels\/)/, 'an Excel workbook', SAVE_AS_CSV],
  [/^PK\x03\x04[^]*?opendocument\.spreadsheet/, 'an OpenDocument spreadsheet', SAVE_AS_CSV],
  [/^PK[\x03\x05]/, 'a zip file', 'Unpack it and start the job with the file in it'],
  [/^\xd0\xcf\x11\xe0/, 'an old Excel workbook (.xls)', SAVE_AS_CSV],
  [/^\x1f\x8b/, 'compressed by gzip', 'Rename it so that its name ends in .gz, for example .csv.gz'],
  [
    /^(BZh\d|\xfd7zXZ\x00|7z\xbc\xaf|\x28\xb5\x2f\xfd|Rar!)/,
    'a compressed file',
    'Unpack it first; gzip (.gz) is read as it is',
  ],
  [/^%PDF-/, 'a PDF', 'Export the data itself as CSV'],
  [/^PAR1/, 'a Parquet file', 'Export the data as CSV or NDJSON'],
  [/^\{\\rtf/, 'a rich text document', 'Save it as plain text'],
  [
    /^(\xef\xbb\xbf)?\s*(<!--[^]*?-->\s*)?<(!doctype\s+html|html|head|body|table|meta|style)\b/i,
    'a web page (HTML)',
    'If it was downloaded, the download needs a login or has failed; if a program calls it an Excel file, open it in Excel and save it as CSV',
  ],
  [/^(\xef\xbb\xbf)?\s*<(\?xml|[a-z!])/i, 'XML', 'Export the data as CSV or NDJSON'],
  [/^bplist/, 'a property list', 'Export the data as CSV'],
  [/^SQLite format 3/, 'a database', 'Export the table as CSV'],
];

/** Throws BadSource if a file's first bytes say that it is neither CSV nor JSON. UTF-16 without a mark is named as such. */
export function refuseOtherKinds(start: Uint8Array): void {
  const text = Buffer.from(start.buffer, start.byteOffset, start.byteLength).toString('latin1');
  const [, kind, cure] = KINDS.find(([begins]) => begins.test(text)) ?? [];
  if (kind !== undefined) throw new BadSource(`This file is ${kind}, not text. ${cure}.`);
  const zeros = [...text.slice(0, 64)].map((character, at) => (character === '\0' ? at % 2 : -1));
  const [even, odd] = [zeros.includes(0), zeros.includes(1)];
  if (even && odd)
    throw new BadSource('This file is not text: it has zero bytes in it. Export the data as CSV in UTF-8.');
  if (even || odd) {
    const encoding = odd ? 'utf-16le' : 'utf-16be';
    throw new BadSource(`This file looks like UTF-16. Start the job with --encoding ${encoding} (encoding).`);
  }
}
