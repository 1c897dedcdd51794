import { createHash } from 'node:crypto';
import { Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Format } from '../../contract/job.ts';
import { quoted } from '../../contract/describe.ts';
import { NoAccess, NotFound, type Storage } from '../../storage/storage.ts';
import { BadSource, MissingSource, type SourceRecord } from './record.ts';
import { SOURCE_COPIES, SOURCE_EXTENSION } from '../keys.ts';
import { bounded } from './bounded.ts';
import { type CsvOptions, csvRecords } from './csv.ts';
import { JsonRows } from './json-row.ts';
import { jsonRecords } from './json.ts';
import { textOf } from './text.ts';

/** How a file is to be read. */
export interface ReadingOptions extends CsvOptions {
  /** A name that TextDecoder knows; default: what the byte order mark says, else UTF-8. */
  encoding: string | null;
  /** Given what a person should know of how the file is read. */
  note?: (text: string) => void;
  /** Given the SHA-256 of the file's bytes, in hex, once all of them are read. */
  digest?: (sha256: string) => void;
}

/** The records of an inline source. Throws BadSource if the options name a field that there isn't. */
export function inlineRecords(customers: readonly unknown[], options: ReadingOptions): AsyncIterable<SourceRecord[]> {
  async function* records(): AsyncGenerator<SourceRecord[]> {
    yield customers.map((value, index) => ({ row: index + 1, line: null, value, raw: JSON.stringify(value) }));
  }
  return asRows(records(), options);
}

async function* asRows(
  records: AsyncIterable<SourceRecord[]>,
  options: ReadingOptions,
): AsyncGenerator<SourceRecord[]> {
  const rows = new JsonRows(options);
  for await (const batch of records) yield batch.map((record) => rows.read(record));
  for (const note of rows.notes) options.note?.(note);
}

/**
 * The records of a file below one of `roots`, in batches. Throws BadSource where the URI leads elsewhere, or no format is
 * known; iterating throws BadSource where there is no such file, or it can't be read as its format. `check` may refuse the
 * file to which links have led.
 */
export function openSource(
  source: { uri: string; format?: Format | undefined },
  roots: readonly Storage[],
  options: ReadingOptions,
  check?: (uri: string) => void,
): AsyncIterable<SourceRecord[]> {
  const { storage, key } = placeOf(source.uri, roots);
  const format = source.format ?? formatOf(key);
  const file = digested(readable(storage.read(key, check)), options.digest);
  const bytes = bounded(/\.gz$/i.test(key) ? unzipped(file) : file);
  const text = textOf(bytes, options.encoding);
  if (format === 'csv') return csvRecords(text, options, options.note);
  return asRows(jsonRecords(text, options.note), options);
}

function placeOf(uri: string, roots: readonly Storage[]): { storage: Storage; key: string } {
  for (const storage of roots) {
    const key = storage.keyOf(uri);
    if (key !== undefined) return { storage, key };
  }
  const list = roots.map(({ root }) => root).join(', ');
  if (uri.includes(`/${SOURCE_COPIES}`)) {
    throw new BadSource(
      `Expected the starter's copy of a file below ${list}, got ${quoted(uri)}: starter and worker have different job stores. ` +
        'Set JOB_STORE of both to the same place.',
    );
  }
  throw new BadSource(
    `Expected the URI of a file below ${list} (SOURCE_ROOTS), got ${quoted(uri)}. Put the file there.`,
  );
}

/** The format that a file's name tells. Throws BadSource where it tells none. */
export function formatOf(key: string): Format {
  const extension = SOURCE_EXTENSION.exec(key)?.[1]?.toLowerCase();
  if (extension === undefined) {
    throw new BadSource(
      'Expected a file name that ends in .csv, .tsv, .txt, .ndjson, .jsonl or .json, or one of these with .gz; ' +
        `got ${quoted(key.split('/').pop() as string)}. Rename it, or say what it is with --format csv, ndjson or json (format).`,
    );
  }
  if (extension === 'jsonl') return 'ndjson';
  return extension === 'tsv' || extension === 'txt' ? 'csv' : (extension as Format);
}

// A file that may not be read stays so until a person sees to it, and one that is missing too unless the job was scheduled.
async function* readable(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* file;
  } catch (error) {
    if (error instanceof NotFound) {
      const message = `There is no file at ${quoted(error.uri)}. Put it there, or start the job with another source.`;
      throw new MissingSource(message, { cause: error });
    }
    if (error instanceof NoAccess) throw new BadSource(error.message, { cause: error });
    throw error;
  }
}

async function* digested(
  file: AsyncIterable<Uint8Array>,
  digest: ReadingOptions['digest'],
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const piece of file) {
    if (digest) hash.update(piece);
    yield piece;
  }
  digest?.(hash.digest('hex'));
}

async function* unzipped(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // Errors of the file destroy gunzip, whose iteration then throws them.
  const gunzip = pipeline(Readable.from(file), createGunzip(), () => undefined);
  try {
    yield* gunzip as AsyncIterable<Uint8Array>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('Z_')) throw error;
    throw new BadSource(
      `Expected a file compressed by gzip, got one that is damaged (${message}) or not compressed: rename it, without .gz, if it is not.`,
      { cause: error },
    );
  }
}
