import fc from 'fast-check';
import { BadSource } from '../../../src/jobs/errors.ts';
import { jsonRecords } from '../../../src/jobs/sources/json.ts';
import { ndjsonRecords } from '../../../src/jobs/sources/ndjson.ts';
import { MAX_RECORD_BYTES, type SourceRecord } from '../../../src/jobs/sources/record.ts';
import { all, inPieces } from '../support.ts';

const ndjson = async (content: string | Uint8Array, size?: number) =>
  (await all(ndjsonRecords(inPieces(content, size)))).flat();
const json = async (content: string | Uint8Array, size?: number) =>
  (await all(jsonRecords(inPieces(content, size)))).flat();

const numbered = (values: unknown[]): SourceRecord[] => values.map((value, index) => ({ row: index + 1, value }));
const objects = fc.array(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()));
const size = fc.integer({ min: 1, max: 40 });

describe('NDJSON', () => {
  test('gives every object of any file, wherever its pieces end', async () => {
    await fc.assert(
      fc.asyncProperty(objects, size, fc.constantFrom('\n', '\r\n', '\n\n  \n'), async (values, piece, end) => {
        const file = values.map((value) => JSON.stringify(value) + end).join('');
        expect(await ndjson(file, piece)).toEqual(numbered(JSON.parse(JSON.stringify(values)) as unknown[]));
      }),
    );
  });

  test.each([
    ['an empty file', '', 0],
    ['blank lines only', '\n \r\n\t\n', 0],
    ['a byte order mark', '\uFEFF{"id":1}\n', 1],
    ['a byte order mark and nothing else', '\uFEFF', 0],
    ['no end of line at the end', '{"id":1}\n{"id":2}', 2],
    ['blank lines between', '\n{"id":1}\n\n\n{"id":2}\n\n', 2],
  ])('reads %s', async (_, file, count) => {
    expect(await ndjson(file)).toEqual(numbered([{ id: 1 }, { id: 2 }].slice(0, count)));
  });

  test('makes a line that is not JSON an invalid row, and does not quote it', async () => {
    const records = await ndjson('{"id":1}\n{"email":"bob@example.com",}\n{"id":2}');
    expect(records.map(({ problem }) => problem?.code)).toEqual([undefined, 'invalid_field', undefined]);
    expect(records[1]?.problem?.message).toBe(
      'Expected one JSON object on the line, got 28 characters that are not JSON.',
    );
    expect(records[2]).toEqual({ row: 3, value: { id: 2 } });
  });

  test('makes a line that is not UTF-8 an invalid row', async () => {
    const records = await ndjson(Buffer.from('{"id":1}\n{"notes":"Zo\xeb"}\n{"notes":"Zoë"}\n', 'latin1'));
    expect(records[1]?.problem).toEqual({ code: 'invalid_field', message: expect.stringContaining('UTF-8') });
    expect(records[2]).toMatchObject({ row: 3 });
  });

  test('takes a line of the greatest length, and makes a longer one an invalid row', async () => {
    const ofLength = (length: number) => `{"notes":"${'x'.repeat(length - 12)}"}`;
    const file = [ofLength(MAX_RECORD_BYTES), ofLength(MAX_RECORD_BYTES + 1), ofLength(3_000_000), '{"id":4}'].join(
      '\n',
    );
    const records = await ndjson(file, 100_000);
    expect(records.map(({ problem }) => problem?.message)).toEqual([
      undefined,
      'Expected a record of at most 1048576 bytes, got 1048577.',
      'Expected a record of at most 1048576 bytes, got 3000000.',
      undefined,
    ]);
  });
});

describe('JSON', () => {
  test('gives every object of any list, wherever its pieces end and however it is laid out', async () => {
    await fc.assert(
      fc.asyncProperty(objects, size, fc.constantFrom(undefined, 2, '\t'), async (values, piece, indent) => {
        const file = JSON.stringify(values, null, indent);
        expect(await json(file, piece)).toEqual(numbered(JSON.parse(file) as unknown[]));
      }),
    );
  });

  test.each([
    ['an empty file', ''],
    ['blanks only', ' \r\n\t'],
    ['an empty list', ' [ ]\n'],
    ['a byte order mark', '\uFEFF[]'],
  ])('finds no record in %s', async (_, file) => {
    expect(await json(file)).toEqual([]);
  });

  test.each([
    ['{"id":1}', 'after 0 objects, at byte 0, expected a list, got something else'],
    ['"bob@example.com"', 'after 0 objects, at byte 0, expected a list, got something else'],
    ['[{"id":1},', 'after 1 objects, at byte 10, expected an object, got the end of the file'],
    ['[{"id":1},]', 'after 1 objects, at byte 10, expected an object, got something else'],
    ['[{"id":1} {"id":2}]', 'at byte 10, expected a comma or the end of the list, got something else'],
    ['[{"id":1}, 2]', 'after 1 objects, at byte 11, expected an object, got something else'],
    ['[{"id":1}', 'at byte 9, expected a comma or the end of the list, got the end of the file'],
    ['[{"id":1},{"email":"bob@exam', 'after 1 objects, at byte 28, expected the rest of an object, got the end of'],
    [
      '[{"id":1},{"email":bob@example.com}]',
      'after 1 objects, at byte 34, expected an object, got one that is not JSON',
    ],
    ['[{"id":[1}]]', 'after 0 objects, at byte 10, expected an object, got one that is not JSON'],
    ['[{"id":1}] x', 'at byte 11, expected no more, got something else'],
    ['[[]]', 'at byte 1, expected an object or the end of the list, got something else'],
  ])('says where %s breaks off, without quoting it', async (file, message) => {
    for (const piece of [1, 3, 100]) {
      const read = json(file, piece);
      await expect(read).rejects.toThrow(BadSource);
      await expect(read).rejects.toThrow(message);
      await expect(read).rejects.not.toThrow('example.com');
    }
  });

  test('makes an object that is not UTF-8 or too long an invalid row', async () => {
    const long = `{"notes":"${'x'.repeat(MAX_RECORD_BYTES)}"}`;
    const records = await json(Buffer.from(`[{"notes":"Zo\xeb"},${long},{"id":3}]`, 'latin1'), 100_000);
    expect(records.map(({ problem }) => problem?.code)).toEqual(['invalid_field', 'invalid_field', undefined]);
    expect(records[2]).toEqual({ row: 3, value: { id: 3 } });
  });
});
