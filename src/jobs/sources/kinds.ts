/** What a file of another kind is, by how it begins, and what to do with it. */
import { BadSource } from './record.ts';

const SAVE_AS_CSV = 'Open it and save the sheet as "CSV UTF-8 (comma delimited)", then start the job with that file';
const UNPACK = 'Unpack it first; gzip (.gz) is read as it is';
const EXPORT = 'Export the data itself as CSV or NDJSON';

/** First bytes, as one character each, of files that are not text. */
const NOT_TEXT: [begins: string, kind: string, cure: string][] = [
  ['\xd0\xcf\x11\xe0', 'an old Excel workbook (.xls)', SAVE_AS_CSV],
  ['\x1f\x8b', 'compressed by gzip', 'Rename it so that its name ends in .gz, for example .csv.gz'],
  ['BZh', 'compressed by bzip2', UNPACK],
  ['\xfd7zXZ', 'compressed by xz', UNPACK],
  ['\x28\xb5\x2f\xfd', 'compressed by zstd', UNPACK],
  ['7z\xbc\xaf', 'a 7-Zip archive', UNPACK],
  ['Rar!', 'a RAR archive', UNPACK],
  ['%PDF-', 'a PDF', EXPORT],
  ['PAR1', 'a Parquet file', EXPORT],
  ['{\\rtf', 'a rich text document', 'Save it as plain text'],
  ['SQLite format 3', 'a database', EXPORT],
];

const HTML = /^(?:\xef\xbb\xbf)?\s*(?:<!--[^]*?-->\s*)?<(?:!doctype\s+html|html|head|body|table|meta|style)\b/i;
const XML = /^(?:\xef\xbb\xbf)?\s*<(?:\?xml|[a-z!])/i;

/** Throws BadSource if a file's first bytes show that it is neither CSV nor JSON, or UTF-16 without a byte order mark. */
export function refuseOtherKinds(start: Uint8Array): void {
  const text = Buffer.from(start.buffer, start.byteOffset, start.byteLength).toString('latin1');
  const [kind, cure] = kindOf(text) ?? [];
  if (kind !== undefined) throw new BadSource(`This file is ${kind}, not CSV or JSON. ${cure}.`);
  const first = start.subarray(0, 64);
  const zeros = first.reduce<number[]>((places, byte, at) => (byte === 0 ? [...places, at % 2] : places), []);
  // A zero here and there is a control character in some row.
  if (zeros.length < first.length / 8) return;
  const [even, odd] = [zeros.includes(0), zeros.includes(1)];
  if (even && odd) throw new BadSource(`This file is not text: it has zero bytes in it. ${EXPORT}.`);
  if (even || odd) {
    const encoding = odd ? 'utf-16le' : 'utf-16be';
    throw new BadSource(`This file looks like UTF-16. Start the job with --encoding ${encoding} (encoding).`);
  }
}

function kindOf(text: string): [kind: string, cure: string] | undefined {
  if (text.startsWith('PK')) return zipKind(text);
  const found = NOT_TEXT.find(([begins]) => text.startsWith(begins));
  if (found) return [found[1], found[2]];
  if (HTML.test(text)) {
    return [
      'a web page (HTML)',
      'If it was downloaded, the download failed or needs a login; if a program calls it an Excel file, open it in Excel and save ' +
        'it as CSV',
    ];
  }
  return XML.test(text) ? ['XML', EXPORT] : undefined;
}

/** Workbooks are zip files, whose first member says so. */
function zipKind(text: string): [kind: string, cure: string] | undefined {
  if (!/^PK[^\w\s,;|]/.test(text)) return undefined;
  if (/\[Content_Types\]\.xml|xl\/|_rels\//.test(text)) return ['an Excel workbook', SAVE_AS_CSV];
  if (text.includes('opendocument.spreadsheet')) return ['an OpenDocument spreadsheet', SAVE_AS_CSV];
  return ['a zip file', 'Unpack it, and start the job with the file in it'];
}
