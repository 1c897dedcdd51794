/** Sources that may be anything: what reading and checking them comes to. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { deflateSync, gzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import type { Format } from '../../src/contract/job.ts';
import { csvLines } from '../../src/jobs/report.ts';
import { BadInput, jobOptionsSchema } from '../../src/contract/schema.ts';
import { BadSource } from '../../src/jobs/sources/record.ts';
import { readFailures } from '../../src/jobs/failure-files.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import { prepare } from '../../src/jobs/prepare.ts';
import { CsvReader } from '../../src/jobs/sources/csv-reader.ts';
import { bounded } from '../../src/jobs/sources/bounded.ts';
import { openSource, type ReadingOptions } from '../../src/jobs/sources/source.ts';
import type { FileStorage } from '../../src/storage/file.ts';
import { cpuTimer } from '../support/cpu.ts';
import { FUZZ_MS, RUNS } from '../support/fuzz.ts';
import { all, newStorage } from '../jobs/support.ts';
import type { ReportedRow } from '../../src/jobs/settled-rows.ts';

const keys = jobKeys({ storeHash: 'abc', key: 'run-1' });
const keep: ReadingOptions = jobOptionsSchema.parse({});
let storage: FileStorage;

beforeAll(async () => {
  storage = await newStorage();
});

const FORMATS: Format[] = ['csv', 'ndjson', 'json'];
const CONTROL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** A message that quotes no more than 100 characters of the source, of bounded length, that no terminal acts on. */
function expectFit(message: string, source: string): void {
  expect(message.length).toBeLessThanOrEqual(6_000);
  expect(message).not.toMatch(CONTROL);
  for (let at = 0; at + 101 <= message.length; at++) {
    if (source.includes(message.slice(at, at + 101))) throw new Error(`It quotes more than 100 characters: ${message}`);
  }
}

/** Prepares a job from a source; returns what it comes to, or the error that says why it comes to none. */
async function prepared(content: string | Uint8Array, format: Format, gz = false, csv = keep) {
  const name = `a.${format}${gz ? '.gz' : ''}`;
  const path = fileURLToPath(storage.uri(name));
  await writeFile(path, content);
  try {
    const records = openSource({ uri: storage.uri(name) }, [storage], csv);
    return await prepare({ storage, keys, records, limit: null, match: csv.match });
  } catch (error) {
    if (error instanceof BadSource || error instanceof BadInput) return error;
    throw error;
  }
}

async function expectSound(content: string | Uint8Array, format: Format, csv?: ReadingOptions): Promise<void> {
  const source = Buffer.from(content).toString();
  const plain = await prepared(content, format, false, csv);
  if (plain instanceof Error) return expectFit(plain.message, source);
  expect(plain.total).toBe(plain.valid + plain.invalid);
  expect(plain.chunks).toBe(Math.ceil(plain.valid / 10));
  const failures = [...plain.failures, ...(await all(readFailures(storage, plain.olderIn)))];
  expect(failures).toHaveLength(plain.invalid);
  for (const { message } of failures) expectFit(message, source);
}

const value = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(1, -1, 0, Infinity, 2 ** 53, 1.5, '', ' ', '=1+1', '\u0000', '\uD800', null, true, 'a@b.c'),
  fc.string({ unit: 'binary', maxLength: 300 }),
);
const field = fc.oneof(
  fc.constantFrom(
    'id',
    'email',
    'new_email',
    'first_name',
    'notes',
    'channel_ids',
    'form_fields',
    'store_credit_amounts',
  ),
  fc.constantFrom('authentication', '__proto__', 'constructor', 'toString', 'date_created', 'hasOwnProperty'),
  fc.string({ unit: 'binary', maxLength: 150 }),
);
const row = fc.oneof(
  fc.record({ id: fc.integer({ min: 1, max: 40 }), notes: fc.string() }),
  fc.record({
    email: fc.constantFrom('a@b.c', 'A@b.c', ' a@b.c', 'd@e', '@'),
    new_email: fc.constantFrom('a@b.c', 'f@g'),
  }),
  fc.array(fc.tuple(field, value)).map((entries) => Object.fromEntries(entries)),
  value,
);
// As it is written, with a __proto__ of its own, and numbers that JSON.stringify would not write.
const written = (one: unknown): string => (JSON.stringify(one) ?? 'null').replace(/:null/, ':1e400');

/** A text with pieces cut out, doubled, and put in at random. */
const mutated = (text: fc.Arbitrary<string>) =>
  fc
    .tuple(
      text,
      fc.array(
        fc.tuple(
          fc.nat(400),
          fc.nat(30),
          fc.constantFrom(
            '',
            '"',
            ',',
            '\n',
            '{',
            '}',
            '[',
            ']',
            '\\',
            '\u0000',
            '\uFEFF',
            '\r\n',
            ';',
            '"a"b',
            '\u202E',
            '\u001b[2J',
          ),
        ),
        { maxLength: 5 },
      ),
    )
    .map(([start, edits]) =>
      edits.reduce((now, [at, cut, put]) => now.slice(0, at) + put + now.slice(at + cut), start),
    );

const ndjson = fc.array(row, { maxLength: 30 }).map((rows) => rows.map(written).join('\n'));
const json = fc.array(row, { maxLength: 30 }).map((rows) => `[${rows.map(written).join(',')}]`);
const cell = fc.oneof(
  fc.constantFrom('1', '2', '', 'a', '=cmd()', '"', '"x"', '[1]', '[[[[', 'true'),
  fc.string({ unit: 'binary' }),
);
const csvText = fc
  .tuple(fc.array(field, { maxLength: 6 }), fc.array(fc.array(cell, { maxLength: 6 }), { maxLength: 20 }))
  .map(([headings, rows]) => [['id', 'notes', ...headings], ...rows].map((cells) => cells.join(',')).join('\n'));
const csvOptions = fc.record({
  match: fc.constantFrom('id' as const, 'email' as const),
  blankCells: fc.constantFrom('keep' as const, 'clear' as const),
  ignoreColumns: fc.array(field, { maxLength: 3 }),
});

describe('whatever a source is, each row is counted or the error says why not, and quotes at most 100 characters', () => {
  test.each(FORMATS)(
    'any bytes as %s',
    async (format) => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), (bytes) => expectSound(bytes, format)),
        { numRuns: RUNS },
      );
    },
    FUZZ_MS,
  );

  test.each<[Format, fc.Arbitrary<string>]>([
    ['csv', csvText],
    ['ndjson', ndjson],
    ['json', json],
  ])(
    'almost right %s',
    async (format, text) => {
      await fc.assert(
        fc.asyncProperty(mutated(text), csvOptions, (content, csv) =>
          expectSound(content, format, { ...keep, ...csv }),
        ),
        { numRuns: RUNS },
      );
    },
    FUZZ_MS,
  );

  test(
    'damaged gzip',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...FORMATS),
          ndjson,
          fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 3 }),
          fc.nat(300),
          async (format, text, changes, cut) => {
            const bytes = Uint8Array.from(gzipSync(text).subarray(0, cut + 10));
            for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
            const result = await prepared(bytes, format, true);
            if (result instanceof Error) expectFit(result.message, text);
          },
        ),
        { numRuns: RUNS },
      );
    },
    FUZZ_MS,
  );
});

describe('named one by one', () => {
  const M = 1_000_000;
  const deep = `${'['.repeat(500_000)}${']'.repeat(500_000)}`;

  test.each<[string, Format, string, RegExp | number]>([
    [
      '100,000 unknown headings',
      'csv',
      `id,${Array.from({ length: 100_000 }, (_, n) => `h${n}`).join()}\n1`,
      /and 9\d+ more/,
    ],
    ['100,000 headings without one that is known', 'csv', `${'x,'.repeat(100_000)}x\n1`, /^Unknown headings: "x"\. /],
    [
      '90,000 form fields, the last one twice',
      'csv',
      `id,${Array.from({ length: 90_000 }, (_, n) => `form:${n}`).join()},form:89999\n1`,
      /two: "form:89999" and "form:89999"/,
    ],
    ['a heading of 900,000 spaces, twice', 'csv', `id,i${' '.repeat(900_000)}d\n1,2\n`, /two: "id" and "i {99}…"/],
    [
      'headings that objects have',
      'csv',
      'id,__proto__,constructor,toString\n1,2,3,4',
      /Unknown headings: "__proto__"/,
    ],
    [
      'a quote that never closes',
      'csv',
      `id,notes\n1,"${'x'.repeat(3 * M)}`,
      /lines of at most 1,048,576 characters, got more in line 2/,
    ],
    ['no line end at all', 'csv', 'x'.repeat(3 * M), /lines of at most 1,048,576 characters, got more in line 1/],
    ['200,000 stray quotes', 'csv', `id,notes\n${`1,${'"a"b'.repeat(1_000)}\n`.repeat(100)}`, 0],
    ['half a million cells', 'csv', `id,notes\n${','.repeat(500_000)}\n1,a\n`, 1],
    ['a cell of JSON half a million deep', 'csv', `id,form_fields\n1,${'['.repeat(500_000)}\n2,[]`, 1],
    ['JSON half a million deep', 'json', `[{"id":1,"form_fields":${deep}},{"id":2,"notes":"a"}]`, 1],
    ['JSON that never closes', 'json', `[{"a":${'['.repeat(3 * M)}`, /expected the rest of an object/],
    ['JSON with one string of 3 MB', 'json', `[{"a":"${'x'.repeat(3 * M)}"},{"id":2,"notes":"a"}]`, 1],
    ['NDJSON half a million deep', 'ndjson', `{"id":1,"form_fields":${deep}}\n{"id":2,"notes":"a"}`, 1],
    ['a line of 3 MB', 'ndjson', `{"id":1,"notes":"${'x'.repeat(3 * M)}"}\n{"id":2,"notes":"a"}`, 1],
    [
      '80,000 fields',
      'ndjson',
      `{${Array.from({ length: 80_000 }, (_, n) => `"k${n}":1`).join()}}\n{"id":2,"notes":"a"}`,
      1,
    ],
    ['300,000 channels', 'ndjson', `{"id":1,"channel_ids":[${'-1,'.repeat(300_000)}0]}\n{"id":2,"notes":"a"}`, 1],
    [
      'a __proto__ and a constructor',
      'ndjson',
      '{"id":1,"__proto__":{"notes":"a"}}\n{"id":2,"notes":"a","constructor":1}',
      0,
    ],
    [
      'a number of 400 digits',
      'ndjson',
      '{"id":1e400,"notes":"a"}\n{"id":1,"store_credit_amounts":[{"amount":1e400}]}',
      0,
    ],
    ['a key twice, of which the last one counts', 'ndjson', '{"id":1,"id":2,"notes":"a"}', 1],
    ['half a million blank lines', 'ndjson', '\n'.repeat(M / 2), 0],
  ])('%s', async (_, format, content, expected) => {
    const cpuMs = cpuTimer();
    const result = await prepared(content, format);
    // The slowest takes a few seconds.
    expect(cpuMs()).toBeLessThan(30_000);
    if (typeof expected === 'number') return expect(result).toMatchObject({ valid: expected });
    expect(result).toBeInstanceOf(BadSource);
    expect((result as Error).message).toMatch(expected);
    expectFit((result as Error).message, content);
  });

  test.each<[string, Buffer, Format, RegExp | number]>([
    ['cut off', gzipSync('{"id":1,"notes":"a"}\n').subarray(0, -6), 'ndjson', /damaged/],
    ['with a wrong checksum', Buffer.concat([gzipSync('{}').subarray(0, -8), Buffer.alloc(8)]), 'ndjson', /damaged/],
    ['that is zlib, not gzip', deflateSync('{}'), 'ndjson', /damaged/],
    ['in gzip, as CSV', gzipSync(gzipSync('id,notes\n1,a')), 'csv', /compressed by gzip/],
    ['in gzip, as JSON', gzipSync(gzipSync('[]')), 'json', /compressed by gzip/],
    [
      'of two members',
      Buffer.concat([gzipSync('{"id":1,"notes":"a"}\n'), gzipSync('{"id":2,"notes":"a"}')]),
      'ndjson',
      2,
    ],
    [
      'with garbage behind it',
      Buffer.concat([gzipSync('{"id":1,"notes":"a"}'), Buffer.from('garbage')]),
      'ndjson',
      /damaged/,
    ],
    ['of nothing', Buffer.alloc(0), 'ndjson', /damaged/],
  ])('gzip %s', async (_, bytes, format, expected) => {
    const result = await prepared(bytes, format, true);
    if (typeof expected === 'number') expect(result).toMatchObject({ valid: expected });
    else expect((result as Error).message).toMatch(expected);
  });
});

test('a source that unpacks to more than is allowed is given up where that is known', async () => {
  let given = 0;
  async function* endless() {
    for (;;) {
      given += 1_000;
      yield Buffer.alloc(1_000);
    }
  }
  await expect(all(bounded(endless(), 10_000))).rejects.toThrow('Expected a source of at most 10,000 bytes, unpacked');
  expect(given).toBe(11_000);
});

test('others get their turn while a large piece is read', async () => {
  let turns = 0;
  const others = setInterval(() => turns++, 0);
  async function* piece() {
    yield Buffer.alloc(4_000_000);
  }
  let most = 0;
  for await (const { length } of bounded(piece())) most = Math.max(most, length);
  clearInterval(others);
  expect(most).toBeLessThanOrEqual(16 * 1024);
  expect(turns).toBeGreaterThan(0);
});

test('no text of the report is a formula to a spreadsheet', () => {
  const signs = ['=', '+', '-', '@', '\t', '\r'];
  const rows = signs.map((sign, row): ReportedRow => {
    return { row, line: null, id: 1, outcome: 'rejected', code: 'rejected', message: `${sign}cmd()|'/C calc'!A0` };
  });
  const cells = parse(csvLines(rows)).map((line: string[]) => line.at(-1));
  expect(cells).toEqual(signs.map((sign) => `'${sign}cmd()|'/C calc'!A0`));
});

test.each<[string, (at: number) => string]>([
  ['a stray quote in each line', (at) => `${at},a"b\n`],
  ['an open quote in each line', (at) => `${at},"ab\n`],
  ['a stray and an open quote in each line', (at) => `${at},a"b,"c\n`],
  ['pairs of quotes that open', (at) => `${at},""ab\n`],
  ['cells that close and open again', (at) => `${at},5","c\n`],
  ['an open quote each thousand lines', (at) => (at % 1000 === 0 ? `${at},"ab\n` : `${at},abc\n`)],
  ['one open quote', (at) => (at === 0 ? `${at},"ab\n` : `${at},abc\n`)],
  ['blanks between quotes', () => `1,"${' '.repeat(20)}"${' '.repeat(20)}x\n`],
])('hostile quotes cost linear time: %s', (_, line) => {
  const costMs = (lines: number) => {
    const text = Array.from({ length: lines }, (__, at) => line(at)).join('');
    const reader = new CsvReader({
      ...{ delimiter: ',', lineEnd: '\n', hasKey: ([id = '']) => /^\d+$/.test(id) },
      ...{ width: 2, ownWidth: 2, linesBefore: 0, trustQuotes: false },
    });
    const cpuMs = cpuTimer();
    try {
      for (let at = 0; at < text.length; at += 16 * 1024) reader.push(text.slice(at, at + 16 * 1024));
      reader.end();
    } catch (error) {
      expect((error as Error).message).toMatch(/more than 1000 lines/);
    }
    return cpuMs();
  };
  costMs(10_000);
  const [few, many] = [costMs(25_000), costMs(200_000)];
  // What takes next to no time may take a multiple of it another time.
  expect(many).toBeLessThan(Math.max(few, 20) * 8 * 4);
});
